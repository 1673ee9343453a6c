"""How long `gatehouse migrate` takes."""
import time
import unittest

from integration import migrating

MANY = migrating.MANY


class MigrateTime(migrating.Migrating):
    def test_time_grows_with_the_number_of_users_only(self):
        times = []
        for first, last in ((1, MANY // 4), (MANY // 4 + 1, 5 * MANY // 4)):
            self.add_users(first, last)
            self.sql("VACUUM ANALYZE")
            start = time.monotonic()
            done = self.run_program("migrate")
            times.append((time.monotonic() - start) / (last - first + 1))
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_complete(5 * MANY // 4)
        # The time per user, with a quarter of the users and no others present, and with all of them.
        self.assertLess(times[1], 3 * times[0], times)


if __name__ == "__main__":
    unittest.main()
