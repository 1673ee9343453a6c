"""A start that has to wait: for a database that is not up yet, in every possible way, and for the tenants service. Alive, not ready, and ends at SIGTERM."""
import contextlib
import os
import signal
import socket
import struct
import time
import unittest

from integration import harness
from integration.pg_proxy import PgProxy


class LateDatabase(PgProxy):
    """A database that comes up later: refuses connections until listen(), then answers each with an error while there is no `target`, then forwards to it."""

    def __init__(self):
        self.answer = None
        super().__init__(target=None)
        self.stop()

    def refuse_with(self, sqlstate, text):
        """A server's message when it accepts nobody."""
        fields = b"".join(kind + value.encode() + b"\0" for kind, value in ((b"S", "FATAL"), (b"V", "FATAL"), (b"C", sqlstate), (b"M", text))) + b"\0"
        self.answer = b"E" + struct.pack("!I", len(fields) + 4) + fields

    def connect(self, client):
        if self.target is not None:
            super().connect(client)
            return
        with contextlib.suppress(OSError), client:
            while start := client.recv(4096):
                if start[4:8] == b"\x04\xd2\x16\x2f":  # asks for encryption
                    client.sendall(b"N")
                    continue
                client.sendall(self.answer)
                return


# A server's message, and whether waiting can help.
PASSING = {"57P03": "the database system is starting up", "57P02": "the database system is shutting down", "53300": "sorry, too many clients already"}
LASTING = {"28P01": 'password authentication failed for user "gatehouse"', "28000": 'role "gatehouse" does not exist', "3D000": 'database "x" does not exist'}


class StartWaits(unittest.TestCase):
    def setUp(self):
        self.database = LateDatabase()
        self.addCleanup(self.database.stop)

    def uri(self, host="127.0.0.1", database="x"):
        return "postgresql://gatehouse:x@%s:%d/%s" % (host, self.database.port, database)

    def program(self):
        return "gatehouse" if harness.MODE == "all-in-one" else "gatehouse-roles"

    def start(self, uri, program=None, arguments=()):
        self.admin_port = harness.free_port()
        environment = {"POSTGRESQL_CONNECTION_URI": uri, "GATEHOUSE_ADMIN_PORT": str(self.admin_port)}
        for service in harness.SERVICES:
            environment["GATEHOUSE_%s_ADDRESS" % service.upper()] = "unix:/tmp/gatehouse-nobody-%d-%s.sock" % (os.getpid(), service)
        program = program or self.program()
        if program == "gatehouse":
            environment = {name: value for name, value in environment.items() if not name.endswith("_ADDRESS")}
        process = harness.Process(program, list(arguments), environment, "start-waits").start()
        self.addCleanup(process.kill)
        return process

    def probe(self, path):
        connection = harness.http.client.HTTPConnection("127.0.0.1", self.admin_port, timeout=10)
        try:
            connection.request("GET", path)
            return connection.getresponse().status
        except OSError:
            return None
        finally:
            connection.close()

    def expect_wait(self, process, cause):
        """Alive and not ready; has logged why; ends at once when asked to."""
        harness.wait_until(lambda: '"event":"waiting"' in process.log() or process.process.poll() is not None, 30, "a line about the wait")
        self.assertIsNone(process.process.poll(), process.log())
        self.assertIn(cause, process.log())
        self.assertEqual((self.probe("/livez"), self.probe("/readyz")), (200, 503))
        self.expect_end(process)

    def expect_end(self, process, status=0):
        begun = time.monotonic()
        process.process.send_signal(signal.SIGTERM)
        self.assertEqual(process.process.wait(30), status, process.log())
        self.assertLess(time.monotonic() - begun, 5)

    def test_nobody_listens(self):
        self.expect_wait(self.start(self.uri()), "Connection refused")

    def test_the_name_is_not_known_yet(self):
        self.expect_wait(self.start(self.uri(host="database.invalid")), "could not translate host name")

    def test_the_server_does_not_answer(self):
        with socket.create_server(("127.0.0.1", self.database.port)):
            process = self.start(self.uri())
            harness.wait_until(lambda: self.probe("/livez") == 200, 30, "/livez")
            self.expect_end(process)

    def test_the_server_lets_nobody_in(self):
        self.database.listen()
        for sqlstate, text in PASSING.items():
            with self.subTest(sqlstate=sqlstate):
                self.database.refuse_with(sqlstate, text)
                self.expect_wait(self.start(self.uri()), text)

    def test_the_server_never_will(self):
        self.database.listen()
        for sqlstate, text in LASTING.items():
            with self.subTest(sqlstate=sqlstate):
                self.database.refuse_with(sqlstate, text)
                process = self.start(self.uri())
                self.assertEqual(process.process.wait(30), 1)
                self.assertIn(text, process.log())

    def test_the_database_comes_up(self):
        postgres = harness.Postgres.shared()
        database = postgres.create_database()
        self.database.refuse_with(*next(iter(PASSING.items())))
        server = harness.Gatehouse(database=database, environment={"POSTGRESQL_CONNECTION_URI": self.uri(database=database)})
        self.addCleanup(server.kill)
        for process in server.processes.values():
            process.start()
        first = next(iter(server.processes.values()))
        harness.wait_until(lambda: "Connection refused" in first.log(), 30, "the first attempt")
        self.database.listen()
        harness.wait_until(lambda: "starting up" in first.log() or self.probe_of(server, "/readyz") == 503, 30, "the second attempt")
        self.database.target = postgres.port
        server.wait_ready()
        # Requested as often as while waiting, it answers RateLimitedHello without checking.
        harness.wait_until(lambda: server.once("GET", "/hello").text == "Hello\n", 5, "a hello that looked")

    def probe_of(self, server, path):
        with contextlib.suppress(OSError):
            return server.admin(path).status

    def test_migrate_waits_too(self):
        process = self.start(self.uri(), "gatehouse", ["migrate"])
        harness.wait_until(lambda: '"event":"waiting"' in process.log(), 30, "a line about the wait")
        self.expect_end(process, status=1)
        self.assertIn("interrupted", process.log())

    @unittest.skipIf(harness.MODE == "all-in-one", "needs other processes")
    def test_the_tenants_service_is_not_there(self):
        postgres = harness.Postgres.shared()
        for program in ("gatehouse-gateway", "gatehouse-roles"):
            with self.subTest(program=program):
                process = self.start(postgres.uri(postgres.create_database()), program)
                harness.wait_until(lambda: self.probe("/livez") == 200, 30, "/livez")
                self.assertEqual(self.probe("/readyz"), 503)
                self.expect_end(process)


if __name__ == "__main__":
    unittest.main()
