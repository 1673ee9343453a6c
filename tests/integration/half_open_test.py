"""A connection that falls silent in the middle of a transaction, and whose end the server does not notice: the session is ended over another connection, so that its locks keep nobody
from the rows that it changed."""
import socket
import threading
import time
import unittest

from integration import harness

TIMEOUT_S = 1


class Door:
    """Sits in front of PostgreSQL. Once armed, it holds back the next COMMIT and everything else of that connection, while the server's side stays open."""

    def __init__(self, port):
        self.upstream_port, self.armed, self.held = port, False, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
                server = socket.create_connection(("127.0.0.1", self.upstream_port))
            except OSError:
                return
            for copy, ends in ((self._forth, (client, server)), (self._back, (server, client))):
                threading.Thread(target=copy, args=ends, daemon=True).start()

    def _forth(self, client, server):
        try:
            while data := client.recv(65536):
                if self.armed and b"COMMIT\0" in data:
                    self.armed = False
                    self.held.append(server)
                    return
                server.sendall(data)
        except OSError:
            pass
        server.close()

    @staticmethod
    def _back(server, client):
        try:
            while data := server.recv(65536):
                client.sendall(data)
        except OSError:
            pass
        client.close()

    def close(self):
        self.listener.close()
        for server in self.held:
            server.close()


class HalfOpen(harness.GatehouseTest):
    @classmethod
    def setUpClass(cls):
        postgres = harness.Postgres.shared()
        database = postgres.create_database()
        cls.door = Door(postgres.port)
        cls.addClassCleanup(cls.door.close)
        uri = "postgresql://gatehouse:x@127.0.0.1:%d/%s" % (cls.door.port, database)
        cls.gatehouse = harness.Gatehouse(database=database, environment={"POSTGRESQL_CONNECTION_URI": uri, "GATEHOUSE_REQUEST_TIMEOUT_MS": str(1000 * TIMEOUT_S)}).start()
        cls.addClassCleanup(cls.gatehouse.kill)

    def test_locks_of_a_lost_transaction(self):
        self.expect(self.app.put("/recipe/role", {"role": "reader", "permissions": ["read"]}))
        self.door.armed = True
        self.assertEqual(self.app.post("/recipe/role/remove", {"role": "reader"}).status, 503)
        open_transactions = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()"
        began = time.monotonic()
        harness.wait_until(lambda: self.door.held and self.gatehouse.sql(open_transactions) == [["0"]], 5, "the lost transaction to end")
        self.expect(self.app.put("/recipe/role", {"role": "reader", "permissions": ["write"]}))
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual(self.app.get("/recipe/role/permissions", {"role": "reader"}).json["permissions"], ["read", "write"])


if __name__ == "__main__":
    unittest.main()
