"""A connection that falls silent in the middle of a transaction, and whose end the server does not notice: the session is ended over another connection, so that its locks keep nobody
from the rows that it changed."""
import time
import unittest

from integration import harness, pg_proxy

TIMEOUT_S = 1


class CommitLoser(pg_proxy.PgProxy):
    """Once armed, it holds back the next COMMIT and everything else of that connection, while the server's side stays open."""
    armed = lost = False

    def fate(self, data):
        if self.armed and b"COMMIT\0" in data:
            self.armed, self.lost = False, True
            return "hold"
        return "pass"


class HalfOpen(pg_proxy.BehindProxy):
    proxy_class = CommitLoser
    environment = {"GATEHOUSE_REQUEST_TIMEOUT_MS": str(1000 * TIMEOUT_S)}

    def test_locks_of_a_lost_transaction(self):
        self.expect(self.app.put("/recipe/role", {"role": "reader", "permissions": ["read"]}))
        self.proxy.armed = True
        self.assertEqual(self.app.post("/recipe/role/remove", {"role": "reader"}).status, 503)
        open_transactions = "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction' AND datname = current_database()"
        began = time.monotonic()
        harness.wait_until(lambda: self.proxy.lost and self.gatehouse.sql(open_transactions) == [["0"]], 5, "the lost transaction to end")
        self.expect(self.app.put("/recipe/role", {"role": "reader", "permissions": ["write"]}))
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual(self.app.get("/recipe/role/permissions", {"role": "reader"}).json["permissions"], ["read", "write"])


if __name__ == "__main__":
    unittest.main()
