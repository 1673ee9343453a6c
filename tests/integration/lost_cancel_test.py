"""A cancel request that the server ignores, for example because it comes before the statement has begun: it is sent again before the connection is given up, so that no
statement goes on in the server that nobody waits for."""
import struct
import unittest

from integration import harness, pg_proxy

TIMEOUT_S = 1
CANCEL_REQUEST_CODE = 80877102


class CancelLoser(pg_proxy.PgProxy):
    """Loses the first cancel request of each connection."""

    def __init__(self, target):
        self.lost, self.passed = set(), 0
        super().__init__(target)

    def fate(self, data):
        if len(data) != 16 or struct.unpack("!II", data[:8])[1] != CANCEL_REQUEST_CODE:
            return "pass"
        if data in self.lost:
            self.passed += 1
            return "pass"
        self.lost.add(data)
        return "close"


class LostCancel(pg_proxy.BehindProxy):
    proxy_class = CancelLoser
    environment = {"GATEHOUSE_REQUEST_TIMEOUT_MS": str(1000 * TIMEOUT_S)}

    def test_a_statement_past_its_time_ends_in_the_server(self):
        self.expect(self.app.get("/recipe/roles"))
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%roles%' AND datname = current_database()"
        with self.gatehouse.postgres.session(self.gatehouse.database) as session:
            session.run("BEGIN; LOCK TABLE roles IN ACCESS EXCLUSIVE MODE;")
            self.assertEqual(self.app.get("/recipe/roles").status, 503)
            # In split mode the gateway answers at its own deadline, a little before the service cancels.
            harness.wait_until(lambda: self.proxy.lost, 5, "a cancel request")
            harness.wait_until(lambda: self.gatehouse.sql(waiting) == [["0"]], 5, "the statement to end in the server")
            session.run("ROLLBACK;")
        self.assertGreaterEqual(self.proxy.passed, 1)
        self.expect(self.app.get("/recipe/roles"))


if __name__ == "__main__":
    unittest.main()
