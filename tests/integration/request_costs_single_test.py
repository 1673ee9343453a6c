"""What a request costs the server, without a clock: instructions outside libcrypto, and allocations. Each has a bound some way above what it was when it was last changed on purpose
(tests/bench/request_costs.py prints the figures); statements, plans and round trips are hot_paths_single_test's."""
import shutil
import unittest

from bench import request_costs
from integration import harness

# instructions, allocations. Jobs of the process that run meanwhile are counted too, a few thousand instructions a request.
BOUNDS = {
    "get user": (115_000, 105),
    "roles": (76_000, 76),
    "count": (72_000, 66),
    "session information": (85_000, 80),
    "verify": (65_000, 45),
    "verify with database": (120_000, 98),
    "jwks": (55_000, 45),
    "hello": (38_000, 18),
    "metadata": (135_000, 135),
    "create": (290_000, 200),
    "refresh": (400_000, 225),
    "third party, known": (270_000, 295),
    "third party, new": (300_000, 368),
    "page of users": (1_950_000, 1_850),  # of those that are there by then
}
TIMES = 20


@unittest.skipUnless(shutil.which("valgrind"), "*** NOT CHECKED: costs of requests; valgrind is not installed (scripts/install-deps.sh test) ***")
@unittest.skipIf(harness.PATIENCE > 1, "a sanitizer's checks are no cost of the program, and valgrind can't run them")
class RequestCosts(unittest.TestCase):
    def test_each_request_stays_within_its_bounds(self):
        costs = request_costs.measure(TIMES, list(BOUNDS))
        for name, (instructions, allocations) in BOUNDS.items():
            with self.subTest(name):
                self.assertLessEqual(costs[name].instructions, instructions, costs[name].functions.most_common(20))
                self.assertLessEqual(costs[name].allocations, allocations)


if __name__ == "__main__":
    unittest.main()
