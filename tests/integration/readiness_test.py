"""/readyz reports not ready while requests can't be served, and ready again afterwards: without a database, or one that stays silent, with one that accepts no writes, without a service."""
import os
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
        pids = [int(row[0]) for row in self.postgres.sql("SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()", "postgres")] + [self.postgres.process.pid]
        self.signal_all(pids, signal.SIGSTOP)
        self.addCleanup(self.signal_all, pids, signal.SIGCONT)
        return pids

    def test_a_database_that_is_slow_for_a_moment(self):
        self.expect(200, "the start")
        pids = self.stop_database()
        end, seen = time.monotonic() + 2.5, []
        while time.monotonic() < end:
            seen.append(self.gatehouse.admin("/readyz").status)
        self.signal_all(pids, signal.SIGCONT)
        # Every instance behind a balancer would leave it at once, and requests that only have to wait would get no answer.
        self.assertEqual(set(seen), {200})

    def test_a_database_that_does_not_answer(self):
        self.expect(200, "the start")
        pids = self.stop_database()
        self.expect(503, "silence noticed")
        self.assertEqual(self.gatehouse.admin("/livez").status, 200)
        self.signal_all(pids, signal.SIGCONT)
        self.expect(200, "answers again")

    @staticmethod
    def signal_all(pids, number):
        for pid in pids:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass

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
