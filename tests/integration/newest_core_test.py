"""What cores 12.2 to 12.4 added: CDI 5.7, the paths for operators, and the cap on a domain's concurrent requests."""
import threading
import time
import unittest

from integration import harness

KEY = "a-key-of-more-than-20-characters"


class Versions(harness.GatehouseTest):
    def test_counts(self):
        for i in range(3):
            self.expect(self.app.post("/recipe/signup", {"email": "u%d@example.com" % i, "password": "x1234567"}))
        approximate = {"allowApproximate": "TRUE"}
        for cdi, query, extended in (("5.4", approximate, False), ("5.6", {}, False), ("5.6", approximate, True), ("5.6", {"allowApproximate": "yes"}, False), ("5.7", {}, True),
                                     ("5.7", {"includeAllTenants": "true"}, True), ("5.7", {"includeRecipeIds": "emailpassword"}, True), (None, {}, True)):
            with self.subTest(cdi=cdi, query=query):
                before = time.time() * 1000
                reply = self.expect(self.app.get("/users/count", query, cdi=cdi), count=3)
                self.assertEqual(set(reply), {"status", "count"} | ({"approximate", "asOf"} if extended else set()))
                if extended:  # exact, and of this moment
                    self.assertIs(reply["approximate"], False)
                    self.assertTrue(before - 1000 <= reply["asOf"] <= time.time() * 1000 + 1000, reply)

    def test_a_count_is_never_old(self):
        for i in range(3):
            self.assertEqual(self.expect(self.app.get("/users/count", cdi="5.7"))["count"], i)
            self.expect(self.app.post("/recipe/signup", {"email": "u%d@example.com" % i, "password": "x1234567"}))

    def test_versions(self):
        self.assertIn("5.7", self.app.get("/apiversion").json["versions"])
        self.text(self.app.get("/users/count", cdi="5.8"), 400, "cdi-version 5.8 not supported")


class Operators(harness.GatehouseTest):
    def setUp(self):
        super().setUp()
        self.guarded = self.gatehouse.new_app({"api_keys": KEY})
        self.addCleanup(self.guarded.close)

    def test_livez(self):
        for cdi in ("5.4", None, "9.9"):
            self.text(self.guarded.get("/livez", cdi=cdi), 400 if cdi == "9.9" else 200, "cdi-version 9.9 not supported" if cdi == "9.9" else "OK")
        self.assertEqual(self.app.post("/livez", {}).status, 405)
        denied = self.gatehouse.new_app({"ip_deny_regex": "127\\.0\\.0\\.1"})
        self.addCleanup(denied.close)
        self.assertEqual(denied.get("/livez").status, 403)

    def test_global_request_stats(self):
        self.text(self.guarded.get("/global-request-stats"), 401, "Invalid API key")

        def totals():
            reply = self.expect(self.guarded.get("/global-request-stats", headers={"api-key": KEY}, cdi=None))
            self.assertEqual(set(reply), {"2xx", "4xx", "5xx", "total", "since", "status"})
            return reply
        first = totals()
        self.assertLess(abs(first["since"] / 1000 - time.time()), 600)
        self.app.get("/users/count")
        self.app.get("/nowhere")
        self.app.post("/recipe/signup", {})
        # Without an app nobody is asked for a key, and nothing is counted.
        nobody = self.gatehouse.client(app="nosuchapp")
        self.addCleanup(nobody.close)
        self.assertEqual(nobody.get("/users/count").status, 400)
        second = totals()
        self.assertEqual({name: second[name] - first[name] for name in ("2xx", "4xx", "5xx", "total")}, {"2xx": 2, "4xx": 2, "5xx": 0, "total": 4})
        self.assertEqual(second["since"], first["since"])

    def test_request_stats(self):
        reply = self.expect(self.app.get("/requests/stats"))
        self.assertEqual((reply["concurrentRequestsRejected"], reply["concurrentRequestsInFlight"]), (0, 1))  # this one is in flight


class Cap(harness.GatehouseTest):
    environment = {"MAX_CONCURRENT_REQUESTS_PER_CUD": "2", "CONCURRENCY_CAP_RESERVED_POOL_PERCENT": "100"}

    def test_one_too_many(self):
        session = self.enterContext(self.gatehouse.postgres.session(self.gatehouse.database))
        other = self.gatehouse.new_app()
        self.addCleanup(other.close)
        session.run("BEGIN; LOCK TABLE user_metadata IN ACCESS EXCLUSIVE MODE;")
        replies = []

        def blocked():
            client = self.gatehouse.client(app=self.app.app)
            try:
                replies.append(client.get("/recipe/user/metadata", {"userId": "u"}).status)
            finally:
                client.close()
        threads = [threading.Thread(target=blocked) for _ in range(2)]
        for thread in threads:
            thread.start()
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = '%s' AND wait_event_type = 'Lock'" % self.gatehouse.database
        harness.wait_until(lambda: self.gatehouse.sql(waiting) == [["2"]], 20, "both requests")
        for client in (self.app, other):  # of one domain, whichever app
            reply = client.get("/users/count")
            self.text(reply, 429, "Too many concurrent requests for this tenant")
            self.assertEqual(reply.headers["Retry-After"], "1")
        # Whoever watches the process is not kept out.
        for path in ("/hello", "/livez", "/global-request-stats"):
            self.assertEqual(self.app.get(path).status, 200, path)
        session.run("ROLLBACK;")
        for thread in threads:
            thread.join()
        self.assertEqual(replies, [200, 200])
        reply = self.expect(self.app.get("/requests/stats"))
        self.assertEqual((reply["concurrentRequestsRejected"], reply["concurrentRequestsInFlight"]), (1, 1))
        gateway = self.gatehouse.processes.get("gateway") or self.gatehouse.processes["gatehouse"]
        self.assertEqual(gateway.log().count("concurrency_cap_reached"), 1)


if __name__ == "__main__":
    unittest.main()
