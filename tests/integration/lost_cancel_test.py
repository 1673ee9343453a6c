"""A cancel request that the server ignores, for example because it comes before the statement has begun: it is sent again before the connection is given up, so that no
statement goes on in the server that nobody waits for."""
import socket
import struct
import threading
import unittest

from integration import harness

TIMEOUT_S = 1
CANCEL_REQUEST_CODE = 80877102


class Door:
    """Sits in front of PostgreSQL and loses the first cancel request of each connection."""

    def __init__(self, port):
        self.upstream_port, self.lost, self.passed = port, set(), 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client):
        try:
            first = client.recv(65536)
            if len(first) == 16 and struct.unpack("!II", first[:8])[1] == CANCEL_REQUEST_CODE:
                if first not in self.lost:
                    self.lost.add(first)
                    return client.close()
                self.passed += 1
            server = socket.create_connection(("127.0.0.1", self.upstream_port))
            server.sendall(first)
        except OSError:
            return client.close()
        back = threading.Thread(target=self._copy, args=(server, client), daemon=True)
        back.start()
        self._copy(client, server)
        back.join()
        client.close()
        server.close()

    @staticmethod
    def _copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for each in (source, sink):
            try:
                each.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()


class LostCancel(harness.GatehouseTest):
    @classmethod
    def setUpClass(cls):
        postgres = harness.Postgres.shared()
        database = postgres.create_database()
        cls.door = Door(postgres.port)
        cls.addClassCleanup(cls.door.close)
        uri = "postgresql://gatehouse:x@127.0.0.1:%d/%s" % (cls.door.port, database)
        cls.gatehouse = harness.Gatehouse(database=database, environment={"POSTGRESQL_CONNECTION_URI": uri, "GATEHOUSE_REQUEST_TIMEOUT_MS": str(1000 * TIMEOUT_S)}).start()
        cls.addClassCleanup(cls.gatehouse.kill)

    def test_a_statement_past_its_time_ends_in_the_server(self):
        self.expect(self.app.get("/recipe/roles"))
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%roles%' AND datname = current_database()"
        with self.gatehouse.postgres.session(self.gatehouse.database) as session:
            session.run("BEGIN; LOCK TABLE roles IN ACCESS EXCLUSIVE MODE;")
            self.assertEqual(self.app.get("/recipe/roles").status, 503)
            # In split mode the gateway answers at its own deadline, a little before the service cancels.
            harness.wait_until(lambda: self.door.lost, 5, "a cancel request")
            harness.wait_until(lambda: self.gatehouse.sql(waiting) == [["0"]], 5, "the statement to end in the server")
            session.run("ROLLBACK;")
        self.assertGreaterEqual(self.door.passed, 1)
        self.expect(self.app.get("/recipe/roles"))


if __name__ == "__main__":
    unittest.main()
