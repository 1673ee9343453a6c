"""All code that changes users locks rows in one order (docs/adr, decision 13): every pair of writers at once on the same users, and no deadlock."""
import itertools
import unittest

from deadlocks import writers
from integration import harness, registry_invariants

CLIENTS = 6


class LockOrder(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres = writers.Postgres()
        cls.addClassCleanup(cls.postgres.stop)
        cls.gatehouse = harness.Gatehouse(mode="all-in-one", postgres=cls.postgres, environment={"BCRYPT_LOG_ROUNDS": "4"}).start()
        cls.addClassCleanup(cls.gatehouse.kill)

    def test_every_pair_of_writers(self):
        registry = writers.Registry(self.gatehouse)
        clients = writers.Clients(registry, CLIENTS)
        self.addCleanup(clients.close)
        every = list(registry.writers().items())
        wrong = {}
        for number, pair in enumerate(itertools.combinations_with_replacement(every, 2)):
            before = self.postgres.deadlocks(self.gatehouse.database)
            replies = clients.run(pair, times=2, seed=number)
            found = [len(replies), self.postgres.deadlocks(self.gatehouse.database) - before]
            if any(found):
                wrong[" and ".join(name for name, _ in pair)] = found + replies[:1]
        self.assertEqual(registry_invariants.broken_at_rest(self.gatehouse.sql), {})
        self.gatehouse.stop()  # sessions only report their counts when they end
        self.assertEqual(wrong, {})
        self.assertEqual(self.postgres.deadlocks(self.gatehouse.database), 0, self.postgres.logged()[-3000:])


if __name__ == "__main__":
    unittest.main()
