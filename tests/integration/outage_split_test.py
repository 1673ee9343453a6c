"""kill -9 of one service: 503 at once for every operation that needs it, all others unaffected; and all of them work within 2 s of its return, with nothing else restarted."""
import time
import unittest

from integration import harness

# An operation without a service that it needs is refused; it does not wait for it.
REFUSED_WITHIN_S = 5


class Outage(harness.GatehouseTest):
    environment = {"BCRYPT_LOG_ROUNDS": "4"}

    def sign_up(self, email):
        return self.expect(self.app.post("/recipe/signup", {"email": email, "password": "x1234567"}))["user"]["id"]

    def operations(self):
        """name: (operation, the services that it requires)"""
        user = self.sign_up("out@example.com")
        # Each removal finds a user of its own.
        removable = [self.sign_up("remove%d@example.com" % n) for n in range(20 * len(harness.SERVICES))]
        create = {"userId": user, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False}
        session = self.expect(self.app.post("/recipe/session", create))
        handle = session["session"]["handle"]
        self.token = session["refreshToken"]["token"]
        social = {"thirdPartyId": "google", "thirdPartyUserId": "g-1", "email": {"id": "s@example.com", "isVerified": True}}
        passkey = {"relyingPartyId": "example.com", "relyingPartyName": "Example", "origin": "https://example.com"}
        client = self.expect(self.app.post("/recipe/oauth/clients", {"grantTypes": ["client_credentials"], "tokenEndpointAuthMethod": "client_secret_post"}))
        machine = {"iss": "https://api.example.com", "access_token": {}, "id_token": {},
                   "inputBody": {"grant_type": "client_credentials", "client_id": client["clientId"], "client_secret": client["clientSecret"]}}
        verify = {"accessToken": session["accessToken"]["token"], "enableAntiCsrf": False, "doAntiCsrfCheck": False}

        return {
            "get session": (lambda: self.app.get("/recipe/session", {"sessionHandle": handle}), {"session"}),
            "create session": (lambda: self.app.post("/recipe/session", create), {"session"}),
            "refresh": (self.refresh, {"session"}),
            "verify": (lambda: self.app.post("/recipe/session/verify", {**verify, "checkDatabase": False}), {"session"}),
            "get user": (lambda: self.app.get("/user/id", {"userId": user}), {"users"}),
            "sign in": (lambda: self.app.post("/recipe/signin", {"email": "out@example.com", "password": "x1234567"}), {"users"}),
            "social sign-in": (lambda: self.app.post("/recipe/signinup", social), {"thirdparty", "users"}),
            "list codes": (lambda: self.app.get("/recipe/signinup/codes", {"email": "s@example.com"}), {"passwordless"}),
            "sign in by code": (self.sign_in_by_code, {"passwordless", "users"}),
            "list roles": (lambda: self.app.get("/recipe/roles"), {"roles"}),
            "JWKS": (lambda: self.app.get("/.well-known/jwks.json"), {"jwks"}),
            "list tenants": (lambda: self.app.get("/recipe/multitenancy/tenant/list/v2"), {"tenants"}),
            # Asks the tenants service whether the databases answer.
            "hello": (lambda: self.app.get("/hello"), {"tenants"}),
            "list TOTP devices": (lambda: self.app.get("/recipe/totp/device/list", {"userId": user}), {"totp"}),
            "passkey options": (lambda: self.app.post("/recipe/webauthn/options/signin", passkey), {"webauthn"}),
            "list dashboard users": (lambda: self.app.get("/recipe/dashboard/users"), {"dashboard"}),
            "list OAuth clients": (lambda: self.app.get("/recipe/oauth/clients/list"), {"oauth"}),
            "OAuth token": (lambda: self.app.post("/recipe/oauth/token", machine), {"oauth", "jwks"}),
            "list SAML clients": (lambda: self.app.get("/recipe/saml/clients/list"), {"saml"}),
            "remove user": (lambda: self.app.post("/user/remove", {"userId": removable.pop()}), {"accounts", "users", "session", "roles", "totp"}),
        }

    def refresh(self):
        reply = self.app.post("/recipe/session/refresh", {"refreshToken": self.token, "enableAntiCsrf": False, "useDynamicSigningKey": True})
        if reply.status == 200 and reply.json["status"] == "OK":
            self.token = reply.json["refreshToken"]["token"]
        return reply

    def sign_in_by_code(self):
        """Creates a code and uses it; returns the first reply that is not a 200, or the last."""
        made = self.app.post("/recipe/signinup/code", {"email": "code@example.com"})
        if made.status != 200:
            return made
        return self.app.post("/recipe/signinup/code/consume", {name: made.json[name] for name in ("preAuthSessionId", "deviceId", "userInputCode")})

    def test_each_service(self):
        operations = self.operations()
        for name, (call, _) in operations.items():
            self.expect_ok(name, call())
        self.assertEqual({service for _, needs in operations.values() for service in needs}, set(harness.SERVICES))
        for victim in harness.SERVICES:
            with self.subTest(victim=victim):
                process = self.gatehouse.processes[victim]
                process.kill()
                for name, (call, needs) in operations.items():
                    if victim not in needs:
                        self.expect_ok(name, call())
                        continue
                    begun = time.monotonic()
                    reply = call()
                    self.assertEqual((reply.status, reply.headers.get("Retry-After")), (503, "1"), (name, reply))
                    self.assertLess(time.monotonic() - begun, REFUSED_WITHIN_S, name)
                    self.assertNotIn("socket", reply.text)
                process.start()
                harness.wait_until(lambda: self.gatehouse.admin("/readyz", victim).status == 200 if self.up(victim) else False, 30, victim)
                harness.wait_until(lambda: all(call().status == 200 for call, _ in operations.values()), 2, "all operations after the return of " + victim)

    def expect_ok(self, name, reply):
        self.assertEqual(reply.status, 200, (name, reply))
        if name not in ("hello", "JWKS"):
            self.assertEqual(reply.json["status"], "OK", (name, reply))

    def up(self, service):
        try:
            return self.gatehouse.admin("/livez", service).status == 200
        except OSError:
            return False


if __name__ == "__main__":
    unittest.main()
