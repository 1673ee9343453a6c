"""No password, token, email, phone number, shared secret or one-time code reaches a log line, at any level, whatever happens to the request."""
import unittest

from integration import harness

EMAIL, PASSWORD, PHONE = "secret.person@private-mail.example", "Sup3r-Secret-Pa55", "+15551234567"
SECRET_KEY, CODE = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "zq7wx9"


class Secrecy(harness.GatehouseTest):
    def test_logs(self):
        tokens = []
        user = self.expect(self.app.post("/recipe/signup", {"email": EMAIL, "password": PASSWORD}))["user"]["id"]
        session = self.expect(self.app.post("/recipe/session", {"userId": user, "userDataInJWT": {"mail": EMAIL}, "userDataInDatabase": {}, "enableAntiCsrf": True}))
        tokens += [session["accessToken"]["token"], session["refreshToken"]["token"], session["antiCsrfToken"]]
        for path, body in (
                ("/recipe/signin", {"email": EMAIL, "password": PASSWORD}), ("/recipe/signin", {"email": EMAIL, "password": PASSWORD + "!"}),
                ("/recipe/signup", {"email": EMAIL, "password": PASSWORD}), ("/recipe/signup", {"email": EMAIL * 20, "password": PASSWORD}),
                ("/recipe/signup", {"email": EMAIL + "\u0000", "password": PASSWORD}), ("/recipe/session/refresh", {"refreshToken": tokens[1], "enableAntiCsrf": True}),
                ("/recipe/session/verify", {"accessToken": tokens[0] + "x", "enableAntiCsrf": False, "doAntiCsrfCheck": False, "checkDatabase": True}),
                ("/recipe/signinup", {"thirdPartyId": "x" * 300, "thirdPartyUserId": EMAIL, "email": {"id": EMAIL, "isVerified": True}})):
            self.app.post(path, body)
        self.app.get("/recipe/user", {"email": EMAIL})
        self.app.get("/users", {"email": EMAIL, "phone": PHONE})
        self.app.get("/users/by-accountinfo", {"email": EMAIL, "phoneNumber": PHONE})
        self.app.get("/" + EMAIL)
        reset = self.expect(self.app.post("/recipe/user/password/reset/token", {"userId": user, "email": EMAIL}))["token"]
        tokens.append(reset)
        device = {"userId": user, "deviceName": "phone", "skew": 1, "period": 30}
        tokens += [self.expect(self.app.post("/recipe/totp/device", device))["secret"], SECRET_KEY, CODE]
        totp_calls = [("/recipe/totp/device/import", {**device, "deviceName": "imported", "secretKey": SECRET_KEY}),
                      ("/recipe/totp/device/import", {**device, "deviceName": "wide", "secretKey": SECRET_KEY * 10}),
                      ("/recipe/totp/device/import", {**device, "deviceName": "odd", "secretKey": SECRET_KEY + "\u0000"}),
                      ("/recipe/totp/device/verify", {"userId": user, "deviceName": "phone", "totp": CODE}),
                      ("/recipe/totp/verify", {"userId": user, "totp": CODE}), ("/recipe/totp/verify", {"userId": user, "totp": CODE + "\u0000"})]
        self.assertEqual([self.app.post(path, body).status for path, body in totp_calls], [200, 400, 400, 200, 200, 400])
        # The database fails during a request that carries secrets.
        self.gatehouse.sql("ALTER TABLE emailpassword_users RENAME TO gone; ALTER TABLE recipe_user_tenants RENAME TO gone2; ALTER TABLE totp_user_devices RENAME TO gone3")
        try:
            for path, body in (("/recipe/signin", {"email": EMAIL, "password": PASSWORD}), ("/recipe/signup", {"email": "x" + EMAIL, "password": PASSWORD})):
                self.assertEqual(self.app.post(path, body).status, 500)
            self.assertEqual([self.app.post(path, body).status for path, body in totp_calls], [500] * len(totp_calls))
        finally:
            self.gatehouse.sql("ALTER TABLE gone RENAME TO emailpassword_users; ALTER TABLE gone2 RENAME TO recipe_user_tenants; ALTER TABLE gone3 RENAME TO totp_user_devices")
        logs = "".join(process.log() for process in self.gatehouse.processes.values())
        self.assertIn('"request"', logs)
        self.assertIn("database_error", logs)
        for secret in [EMAIL, "private-mail", PASSWORD, PHONE.strip("+")] + tokens:
            self.assertNotIn(secret, logs)
            self.assertNotIn(secret, self.gatehouse.admin("/metrics").text)


if __name__ == "__main__":
    unittest.main()
