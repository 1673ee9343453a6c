"""SQL statements a request, counted by Gatehouse's own metrics, against architecture.md's table of hot paths."""
import unittest

from integration import harness


class HotPaths(harness.GatehouseTest):
    # Production behaviour: test mode turns the throttle of activity notes off.
    @classmethod
    def setUpClass(cls):
        cls.gatehouse = harness.Gatehouse(test_mode=False, environment={"BCRYPT_LOG_ROUNDS": "4"}).start()
        cls.addClassCleanup(cls.gatehouse.kill)

    def count(self, call, times=10):
        """Statements a call, over several calls. Best-effort batches (activity) are written in the background and may add one statement a second,
        which rounding down over the calls leaves out."""
        before = self.gatehouse.statements()
        for _ in range(times):
            call()
        return (self.gatehouse.statements() - before) // times

    def setUp(self):
        super().setUp()
        self.user = self.expect(self.app.post("/recipe/signup", {"email": "hot@example.com", "password": "x1234567"}))["user"]["id"]
        self.create = {"userId": self.user, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False}
        self.session = self.expect(self.app.post("/recipe/session", self.create))

    def test_verify(self):
        body = {"accessToken": self.session["accessToken"]["token"], "enableAntiCsrf": False, "doAntiCsrfCheck": False, "checkDatabase": False}
        self.assertEqual(self.count(lambda: self.expect(self.app.post("/recipe/session/verify", body))), 0)
        self.assertEqual(self.count(lambda: self.expect(self.app.post("/recipe/session/verify", body, cdi="5.6"))), 0)

    def test_create(self):
        self.assertEqual(self.count(lambda: self.expect(self.app.post("/recipe/session", self.create))), 2)

    def test_refresh_rotates_with_one_statement(self):
        self.token = self.session["refreshToken"]["token"]

        def refresh():
            reply = self.expect(self.app.post("/recipe/session/refresh", {"refreshToken": self.token, "enableAntiCsrf": False, "useDynamicSigningKey": True}, cdi="5.6"))
            self.token = reply["refreshToken"]["token"]
        # One UPDATE by session, and one id resolution by users.
        self.assertLessEqual(self.count(refresh), 2)

    def test_no_statements(self):
        self.app.get("/.well-known/jwks.json")
        self.assertEqual(self.count(lambda: self.app.get("/.well-known/jwks.json")), 0)
        self.assertEqual(self.count(lambda: self.app.get("/hello")), 0)
        self.assertEqual(self.count(lambda: self.expect(self.app.get("/recipe/multitenancy/tenant/v2"))), 0)

    def test_sign_in(self):
        body = {"email": "hot@example.com", "password": "x1234567"}
        self.assertEqual(self.count(lambda: self.expect(self.app.post("/recipe/signin", body))), 2)

    def test_get_user(self):
        self.assertEqual(self.count(lambda: self.expect(self.app.get("/user/id", {"userId": self.user}))), 1)


if __name__ == "__main__":
    unittest.main()
