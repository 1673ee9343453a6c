"""SIGTERM while requests wait for connections to a database that is silent: the process ends by itself, with status 0, at the end of the drain time."""
import contextlib
import http.client
import re
import threading
import time
import unittest

from integration import harness
from integration.pg_proxy import PgProxy

DRAIN_S = 1.0
# An attempt to connect waits 1.5 s for each of a server's addresses.
HOSTS = ",".join(["127.0.0.1"] * 4)


class StopWhileConnecting(unittest.TestCase):
    def test_a_database_that_is_silent(self):
        postgres = harness.Postgres.shared()
        database = postgres.create_database()
        proxy = PgProxy(postgres.port)
        self.addCleanup(proxy.stop)
        environment = {"POSTGRESQL_CONNECTION_URI": "postgresql://gatehouse:x@%s:%d/%s" % (HOSTS, proxy.port, database), "GATEHOUSE_DRAIN_TIMEOUT_MS": str(int(1000 * DRAIN_S))}
        server = harness.Gatehouse(database=database, environment=environment, test_mode=False)
        self.addCleanup(server.kill)
        server.start()
        app = server.new_app().app
        proxy.mode = "stall"
        threads = [threading.Thread(target=self.ask, args=(server, app)) for _ in range(12)]
        for thread in threads:
            thread.start()
        harness.wait_until(lambda: self.waits_for_a_connection(server), 10, "requests to wait for a connection")
        begun = time.monotonic()
        for process in server.processes.values():
            process.process.terminate()
        statuses = {name: process.process.wait(30) for name, process in server.processes.items()}
        seconds = time.monotonic() - begun
        for thread in threads:
            thread.join()
        self.assertEqual({name: status for name, status in statuses.items() if status != 0}, {})
        self.assertLess(seconds, DRAIN_S + 2)

    @staticmethod
    def waits_for_a_connection(server):
        return any(float(waiting) > 0 for service in [None, *server.admin_ports]
                   for waiting in re.findall(r'^gatehouse_db_waiting\{[^}]*"base"[^}]*\} (\S+)$', server.admin("/metrics", service).text, re.M))

    @staticmethod
    def ask(server, app):
        client = server.client(app=app)
        with contextlib.suppress(OSError, http.client.HTTPException):
            client.get("/users/count")
        client.close()


if __name__ == "__main__":
    unittest.main()
