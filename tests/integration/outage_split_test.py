"""kill -9 of one service: clean errors for its paths only, and all well within 2 s of its return, with nothing else restarted."""
import time
import unittest

from integration import harness


class Outage(harness.GatehouseTest):
    def operations(self):
        """A cheap operation of each service, and the services that it needs."""
        user = self.expect(self.app.post("/recipe/signup", {"email": "out@example.com", "password": "x1234567"}))["user"]["id"]
        session = self.expect(self.app.post("/recipe/session", {"userId": user, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False}))
        handle = session["session"]["handle"]
        social = {"thirdPartyId": "google", "thirdPartyUserId": "g-1", "email": {"id": "s@example.com", "isVerified": False}}
        return {
            "session": (lambda: self.app.get("/recipe/session", {"sessionHandle": handle}), {"session", "users"}),
            "users": (lambda: self.app.get("/user/id", {"userId": user}), {"users"}),
            "thirdparty": (lambda: self.app.post("/recipe/signinup", social), {"thirdparty", "users"}),
            "passwordless": (lambda: self.app.get("/recipe/signinup/codes", {"email": "s@example.com"}), {"passwordless"}),
            "roles": (lambda: self.app.get("/recipe/roles"), {"roles"}),
            "jwks": (lambda: self.app.get("/.well-known/jwks.json"), {"jwks"}),
            "tenants": (lambda: self.app.get("/recipe/multitenancy/tenant/list/v2"), {"tenants"}),
            # Asks the tenants service whether the databases answer.
            "hello": (lambda: self.app.get("/hello"), {"tenants"}),
            "accounts": (lambda: self.app.post("/user/remove", {"userId": "00000000-0000-4000-8000-000000000000"}), {"accounts", "users", "session", "roles", "thirdparty"}),
        }

    def test_each_service(self):
        operations = self.operations()
        for call, _ in operations.values():
            self.assertEqual(call().status, 200)
        for victim in harness.SERVICES:
            with self.subTest(victim=victim):
                process = self.gatehouse.processes[victim]
                process.kill()
                for name, (call, needs) in operations.items():
                    reply = call()
                    if victim in needs and name in (victim, "hello"):
                        self.assertEqual(reply.status, 503, (victim, name, reply))
                        self.assertNotIn("socket", reply.text)
                    elif victim not in needs:
                        self.assertEqual(reply.status, 200, (victim, name, reply))
                process.start()
                harness.wait_until(lambda: self.gatehouse.admin("/readyz", victim).status == 200 if self.up(victim) else False, 30, victim)
                back = time.monotonic()
                harness.wait_until(lambda: all(call().status == 200 for call, _ in operations.values()), 2, "all operations after the return of " + victim)
                self.assertLess(time.monotonic() - back, 2)

    def up(self, service):
        try:
            return self.gatehouse.admin("/livez", service).status == 200
        except OSError:
            return False


if __name__ == "__main__":
    unittest.main()
