"""/readyz reports not ready while requests can't be served, and ready again afterwards: without a database, or one that stays silent, with one that accepts no writes, without a service."""
import signal
import time
import unittest

from integration import harness


class Readiness(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres = harness.Postgres()
        cls.addClassCleanup(cls.postgres.stop)
        cls.gatehouse = harness.Gatehouse(postgres=cls.postgres).start()
        cls.addClassCleanup(cls.gatehouse.kill)

    def expect(self, status, what):
        harness.wait_until(lambda: self.gatehouse.admin("/readyz").status == status, 15, what)

    def test_a_database_that_takes_no_writes(self):
        self.expect(200, "the start")
        self.set_read_only("on")
        self.addCleanup(self.set_read_only, "off")
        self.expect(503, "read-only noticed")
        self.set_read_only("off")
        self.expect(200, "writes again")

    def set_read_only(self, value):
        name = self.gatehouse.database
        self.postgres.sql("SET transaction_read_only = off; ALTER DATABASE %s SET default_transaction_read_only = %s; SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                          "WHERE datname = '%s'" % (name, value, name), "postgres")

    def stop_database(self):
        self.postgres.signal_all(signal.SIGSTOP)
        self.addCleanup(self.postgres.signal_all, signal.SIGCONT)

    def test_a_database_that_is_slow_for_a_moment(self):
        self.expect(200, "the start")
        self.stop_database()
        end, seen = time.monotonic() + 2.5, []
        while time.monotonic() < end:
            seen.append(self.gatehouse.admin("/readyz").status)
        self.postgres.signal_all(signal.SIGCONT)
        # Every instance behind a balancer would leave it at once, and requests that only have to wait would get no answer.
        self.assertEqual(set(seen), {200})

    def test_a_database_that_does_not_answer(self):
        self.expect(200, "the start")
        self.stop_database()
        self.expect(503, "silence noticed")
        self.assertEqual(self.gatehouse.admin("/livez").status, 200)
        self.postgres.signal_all(signal.SIGCONT)
        self.expect(200, "answers again")

    @unittest.skipIf(harness.MODE == "all-in-one", "needs other processes")
    def test_a_service_that_is_gone(self):
        for service in ("roles", "users", "tenants"):
            with self.subTest(service=service):
                self.expect(200, "readiness")
                self.gatehouse.processes[service].kill()
                self.expect(503, "the loss of " + service)
                self.gatehouse.processes[service].start()
        self.expect(200, "the return of all")


if __name__ == "__main__":
    unittest.main()
