"""Two instances on one database: first start at once, one key for one rotation, changes seen by both."""
import concurrent.futures
import unittest

from integration import harness


class TwoInstances(unittest.TestCase):
    def start_two(self, environment=None):
        first = harness.Gatehouse(environment=environment)
        second = harness.Gatehouse(database=first.database, environment=environment)
        for instance in (first, second):
            self.addCleanup(instance.kill)
            for process in instance.processes.values():
                process.start()
        first.wait_ready()
        second.wait_ready()
        return first, second

    def test_first_start_and_one_key(self):
        first, second = self.start_two()
        clients = [instance.client() for instance in (first, second) for _ in range(4)]
        with concurrent.futures.ThreadPoolExecutor(len(clients)) as pool:
            sets = list(pool.map(lambda c: tuple(sorted(k["kid"] for k in c.get("/.well-known/jwks.json").json["keys"])), clients))
        self.assertEqual(len(set(sets)), 1, sets)
        self.assertEqual(first.sql("SELECT count(*) FROM session_access_token_signing_keys"), [["1"]])
        self.assertEqual(first.sql("SELECT count(*) FROM jwt_signing_keys"), [["1"]])
        self.assertEqual(first.sql("SELECT count(*) FROM tenant_configs"), [["1"]])

    def test_rotation_makes_one_key_for_both(self):
        first, second = self.start_two()
        app = first.new_app({"access_token_dynamic_signing_key_update_interval": "0.0004"})  # hours: 1.44 s
        clients = [harness.Client(instance.port, app=app.app) for instance in (first, second)]

        def newest(client):
            return client.get("/.well-known/jwks.json").json["keys"][0]["kid"]
        seen = {newest(clients[0])}
        harness.wait_until(lambda: seen.add(newest(clients[len(seen) % 2])) or len(seen) >= 3, 20, "two rotations")
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda i: newest(harness.Client((first, second)[i % 2].port, app=app.app)), range(32)))
        created = [int(r[0]) for r in first.sql("SELECT created_at_time FROM session_access_token_signing_keys WHERE app_id = '%s' ORDER BY 1" % app.app)]
        gaps = [b - a for a, b in zip(created, created[1:])]
        # The next key comes an overlap (a fifth of the interval) before the last one ends: two closer ones would be a race.
        self.assertTrue(all(gap >= 1000 for gap in gaps), gaps)

    def test_a_change_is_seen_by_the_other(self):
        first, second = self.start_two()
        app = first.new_app()
        other = harness.Client(second.port, app=app.app)
        self.assertEqual(other.get("/users/count").status, 200)
        app.put("/recipe/multitenancy/tenant/v2", {"tenantId": "late"})
        self.assertEqual(other.get("/users/count", tenant="late").status, 200)
        app.post("/recipe/multitenancy/tenant/remove", {"tenantId": "late"})
        harness.wait_until(lambda: other.get("/users/count", tenant="late").status == 400, 5, "the removal on the other instance")


if __name__ == "__main__":
    unittest.main()
