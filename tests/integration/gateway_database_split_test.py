"""A program without services that need a database needs no settings of one."""
import select
import socket
import tempfile
import os
import unittest

from integration import harness


class GatewayWithoutDatabase(unittest.TestCase):
    def test_serves(self):
        gatehouse = harness.Gatehouse(mode="split")
        gateway = gatehouse.processes["gateway"]
        del gateway.environment["POSTGRESQL_CONNECTION_URI"]
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            manager.bind(os.path.join(directory.name, "notify"))
            manager.settimeout(60)
            gateway.environment["NOTIFY_SOCKET"] = os.path.join(directory.name, "notify")
            self.addCleanup(gatehouse.kill)
            # All services but one: the gateway serves, and is not ready.
            late = gatehouse.processes.pop("roles")
            for process in gatehouse.processes.values():
                process.start()
            harness.wait_until(lambda: '"started"' in gateway.log(), 60, "the gateway")
            self.assertEqual(gatehouse.admin("/readyz").status, 503)
            self.assertEqual(select.select([manager], [], [], 0)[0], [])
            gatehouse.processes["roles"] = late.start()
            self.assertIn("READY=1", manager.recv(1000).decode())
            gatehouse.wait_ready()
        reply = gatehouse.once("POST", "/recipe/signup", body={"email": "ada@example.com", "password": "analytical engine 1"})
        self.assertEqual(reply.json["status"], "OK")
        self.assertEqual(gateway.stop(), 0)

    def test_a_service_still_does(self):
        process = harness.Process("gatehouse-roles", [], {"GATEHOUSE_ADMIN_PORT": "0"}, "roles").start()
        self.assertEqual(process.process.wait(30), 1)
        self.assertIn("no PostgreSQL is configured", process.log())


if __name__ == "__main__":
    unittest.main()
