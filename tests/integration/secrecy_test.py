"""No password, token, email, phone number, shared secret, one-time code or passkey reaches a log line, at any level, whatever happens to the request."""
import base64
import unittest

from integration import harness
from integration.passkeys import Authenticator, Site

EMAIL, PASSWORD, PHONE = "secret.person@private-mail.example", "Sup3r-Secret-Pa55", "+15551234567"
SECRET_KEY, CODE = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "zq7wx9"


def written(data):
    """How programs may write these bytes, whatever is around them."""
    padded = [base64.b64encode(bytes(shift) + data)[4:-4].decode() for shift in range(3)]
    return [data.hex(), data.hex().upper()] + padded + [text.translate(str.maketrans("+/", "-_")) for text in padded]


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

    def test_rows_that_the_database_refuses(self):
        """PostgreSQL's report of a row that breaks a constraint shows all of the row."""
        self.app.cdi = "5.6"
        site, key, refused = Site(self.app), Authenticator("secrecy"), Authenticator("secrecy, refused")
        user = self.expect(self.app.post("/recipe/signup", {"email": EMAIL, "password": PASSWORD}))["user"]["id"]
        holder = self.expect(site.sign_up(key, "passkey-" + EMAIL))["recipeUserId"]
        self.expect(self.app.post("/recipe/dashboard/user", {"email": EMAIL, "password": PASSWORD}))
        dashboard_session = self.expect(self.app.post("/recipe/dashboard/signin", {"email": EMAIL, "password": PASSWORD}))["sessionId"]
        options, sign_in = site.registration("refused-" + EMAIL), site.sign_in_options()
        recovery = self.expect(self.app.post("/recipe/webauthn/user/recover/token", {"userId": holder, "email": EMAIL}))["token"]
        device = {"userId": user, "deviceName": "phone", "skew": 1, "period": 30, "secretKey": SECRET_KEY}
        self.expect(self.app.post("/recipe/totp/device/import", device))
        counting = key.answer(sign_in["challenge"])
        registration = refused.register(options["challenge"])
        calls = {
            "emailpassword_users": ("/recipe/signup", {"email": "other-" + EMAIL, "password": PASSWORD}),
            "emailpassword_pswd_reset_tokens": ("/recipe/user/password/reset/token", {"userId": user, "email": EMAIL}),
            "dashboard_users": ("/recipe/dashboard/user", {"email": "other-" + EMAIL, "password": PASSWORD}),
            "dashboard_user_sessions": ("/recipe/dashboard/signin", {"email": EMAIL, "password": PASSWORD}),
            "totp_user_devices": ("/recipe/totp/device/import", {**device, "deviceName": "other"}),
            "totp_used_codes": ("/recipe/totp/verify", {"userId": user, "totp": CODE}),
            "webauthn_generated_options": ("/recipe/webauthn/options/register", {"email": EMAIL, **site.party}),
            "webauthn_account_recovery_tokens": ("/recipe/webauthn/user/recover/token", {"userId": holder, "email": EMAIL}),
            "webauthn_users": ("/recipe/webauthn/signup", {"webauthnGeneratedOptionsId": options["webauthnGeneratedOptionsId"], "credential": registration}),
            "webauthn_credentials": ("/recipe/webauthn/signin", {"webauthnGeneratedOptionsId": sign_in["webauthnGeneratedOptionsId"], "credential": counting}),
        }
        self.gatehouse.sql("".join("ALTER TABLE %s ADD CONSTRAINT nothing_more CHECK (false) NOT VALID;" % table for table in calls))
        try:
            with self.assertRaisesRegex(AssertionError, SECRET_KEY):
                self.gatehouse.sql("UPDATE totp_user_devices SET skew = 2 WHERE app_id = '%s'" % self.app.app)
            self.assertEqual({table: self.app.post(*call).status for table, call in calls.items()}, {table: 500 for table in calls})
            # Of a passkey the database would report the key itself.
            self.gatehouse.sql("ALTER TABLE webauthn_users DROP CONSTRAINT nothing_more")
            self.assertEqual(self.app.post(*calls["webauthn_users"]).status, 500)
        finally:
            self.gatehouse.sql("".join("ALTER TABLE %s DROP CONSTRAINT IF EXISTS nothing_more;" % table for table in calls))
        logs = "".join(process.log() for process in self.gatehouse.processes.values())
        self.assertGreaterEqual(logs.count("database_error"), len(calls) + 1)
        secrets = ["private-mail", PASSWORD, SECRET_KEY, CODE, recovery, dashboard_session, options["challenge"], sign_in["challenge"], counting["response"]["signature"],
                   registration["response"]["attestationObject"]]
        for one in (key, refused):
            secrets += [one.id] + written(one.key[10:42]) + written(one.key[-32:])
        for secret in secrets:
            self.assertNotIn(secret, logs)
            self.assertNotIn(secret, self.gatehouse.admin("/metrics").text)


if __name__ == "__main__":
    unittest.main()
