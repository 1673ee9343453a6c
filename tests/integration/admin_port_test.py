"""A second port of the REST interface for operators (admin_port), as cores from 12.4 on have it: each path is answered on its port only, and the gate comes before every other check."""
import os
import subprocess
import threading
import unittest

from integration import harness

KEY = "a-key-of-more-than-20-characters"
PORT = harness.free_port()


class AdminPort(harness.GatehouseTest):
    environment = {"SUPERTOKENS_ADMIN_PORT": str(PORT), "ADMIN_ONLY_PATHS": "/users/count, recipe/ROLES/", "ADMIN_PREFERRED_PATHS": "/apiversion", "API_KEYS": KEY,
                   "MAX_CONCURRENT_REQUESTS_PER_CUD": "1", "CONCURRENCY_CAP_RESERVED_POOL_PERCENT": "100"}

    @classmethod
    def setUpClass(cls):
        cls.gatehouse = harness.Gatehouse(environment=cls.environment)
        # Only the one with the REST interface has use for the port; the others are given it all the same.
        cls.gatehouse.start()
        cls.addClassCleanup(cls.gatehouse.kill)

    def setUp(self):
        self.main, self.operators = self.gatehouse.client(), harness.Client(PORT, cdi="5.4")
        for client in (self.main, self.operators):
            client.headers["api-key"] = KEY
            self.addCleanup(client.close)

    def test_scopes(self):
        for path, on_main, on_operators in (("/hello", 200, 200), ("/livez", 404, 200), ("/global-request-stats", 404, 200), ("/users/count", 404, 200), ("/recipe/roles", 404, 200),
                                            ("/apiversion", 200, 200), ("/users", 200, 404), ("/.well-known/jwks.json", 200, 404), ("/nowhere", 404, 404), ("/Recipe/Roles", 404, 200)):
            with self.subTest(path):
                self.assertEqual((self.main.get(path).status, self.operators.get(path).status), (on_main, on_operators))
        self.text(self.main.get("/users/count"), 404, "Not found")
        # A tenant's path does not lead around it, nor does another method tell that there is something.
        self.text(self.main.get("/users/count", tenant="public"), 404, "Not found")
        self.text(self.main.post("/recipe/roles", {}), 404, "Not found")
        self.text(self.operators.post("/recipe/signup", {"email": "a@x.io", "password": "x1234567"}), 404, "Not found")

    def test_checks(self):
        """The gate comes before the key's check, which holds on both ports."""
        stranger = harness.Client(PORT, cdi="5.4")
        self.addCleanup(stranger.close)
        self.assertEqual(stranger.get("/users/count").status, 401)
        self.assertEqual(self.gatehouse.once("GET", "/users/count").status, 404)

    def test_operators_are_not_kept_out_by_the_cap(self):
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = '%s' AND wait_event_type = 'Lock'" % self.gatehouse.database
        replies = []

        def blocked():
            client = self.gatehouse.client()
            replies.append(client.get("/recipe/user/metadata", {"userId": "u"}, headers={"api-key": KEY}).status)
            client.close()
        thread = threading.Thread(target=blocked)
        with self.gatehouse.postgres.session(self.gatehouse.database) as session:
            session.run("BEGIN; LOCK TABLE user_metadata IN ACCESS EXCLUSIVE MODE;")
            thread.start()
            harness.wait_until(lambda: self.gatehouse.sql(waiting) == [["1"]], 20, "the request")
            self.assertEqual((self.main.get("/users").status, self.operators.get("/users/count").status), (429, 200))
            session.run("ROLLBACK;")
        thread.join()
        self.assertEqual(replies, [200])

    def test_a_path_that_does_not_exist(self):
        environment = {**os.environ, "POSTGRESQL_CONNECTION_URI": self.gatehouse.postgres.uri(self.gatehouse.database), "GATEHOUSE_ADMIN_PORT": "0",
                       "SUPERTOKENS_ADMIN_PORT": str(harness.free_port()), "ADMIN_ONLY_PATHS": "/user/counts"}
        done = subprocess.run([os.path.join(harness.BIN, "gatehouse"), "start", "--port", str(harness.free_port())], env=environment, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 1, done)
        self.assertIn("Route-scope override path '/user/counts' in 'admin_only_paths'/'admin_preferred_paths' does not match any known API path.", done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main()
