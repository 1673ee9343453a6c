"""The story of an application: sign up, sign in, session, verify, refresh, theft, roles, sign out, social sign-in, password reset, a second factor."""
import base64
import json
import unittest

from integration import harness
from integration.authenticator import totp_code

EMAIL, PASSWORD = "Walker@Example.com", "correct horse 1"


def payload(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class Walk(harness.GatehouseTest):
    def sign_up(self, email=EMAIL):
        return self.expect(self.app.post("/recipe/signup", {"email": email, "password": PASSWORD}))["user"]

    def new_session(self, user_id, **k):
        body = {"userId": user_id, "userDataInJWT": {"color": "blue"}, "userDataInDatabase": {"n": 1}, "enableAntiCsrf": False, **k}
        return self.expect(self.app.post("/recipe/session", body))

    def refresh(self, token, **k):
        return self.app.post("/recipe/session/refresh", {"refreshToken": token, "enableAntiCsrf": False, "useDynamicSigningKey": True}, **k)

    def verify(self, token, database=True):
        return self.app.post("/recipe/session/verify", {"accessToken": token, "enableAntiCsrf": False, "doAntiCsrfCheck": False, "checkDatabase": database})

    def test_email_password(self):
        user = self.sign_up()
        self.assertEqual(user["emails"], [EMAIL.lower()])
        self.expect(self.app.post("/recipe/signup", {"email": EMAIL, "password": "other1234"}), status="EMAIL_ALREADY_EXISTS_ERROR")
        self.expect(self.app.post("/recipe/signin", {"email": EMAIL, "password": "wrong"}), status="WRONG_CREDENTIALS_ERROR")
        self.assertEqual(self.expect(self.app.post("/recipe/signin", {"email": EMAIL, "password": PASSWORD}))["recipeUserId"], user["id"])
        self.assertEqual(self.expect(self.app.get("/user/id", {"userId": user["id"]}))["user"], user)
        self.expect(self.app.put("/recipe/user", {"recipeUserId": user["id"], "email": "new@example.com", "password": "another 2"}))
        self.expect(self.app.post("/recipe/signin", {"email": EMAIL, "password": PASSWORD}), status="WRONG_CREDENTIALS_ERROR")
        self.expect(self.app.post("/recipe/signin", {"email": "new@example.com", "password": "another 2"}))

    def test_password_reset(self):
        user = self.sign_up()
        token = self.expect(self.app.post("/recipe/user/password/reset/token", {"userId": user["id"], "email": EMAIL.lower()}))["token"]
        reset = {"method": "token", "token": token, "newPassword": "fresh start 3"}
        self.assertEqual(self.expect(self.app.post("/recipe/user/password/reset/token/consume", {"method": "token", "token": token}))["userId"], user["id"])
        self.expect(self.app.post("/recipe/user/password/reset", reset), status="RESET_PASSWORD_INVALID_TOKEN_ERROR")

    def test_session_life_and_theft(self):
        user = self.sign_up()
        first = self.new_session(user["id"])
        claims = payload(first["accessToken"]["token"])
        self.assertEqual((claims["sub"], claims["rsub"], claims["tId"], claims["color"]), (user["id"], user["id"], "public", "blue"))
        self.assertIn("parentRefreshTokenHash1", claims)
        self.assertEqual(self.expect(self.verify(first["accessToken"]["token"]))["session"]["userId"], user["id"])
        second = self.expect(self.refresh(first["refreshToken"]["token"]))
        self.expect(self.verify(second["accessToken"]["token"]))          # promotes the new refresh token
        third = self.expect(self.refresh(second["refreshToken"]["token"]))
        self.expect(self.verify(third["accessToken"]["token"]))
        stolen = self.expect(self.refresh(first["refreshToken"]["token"]), status="TOKEN_THEFT_DETECTED")
        self.assertEqual(stolen["session"], {"handle": first["session"]["handle"], "userId": user["id"], "recipeUserId": user["id"]})
        removed = self.expect(self.app.post("/recipe/session/remove", {"sessionHandles": [first["session"]["handle"]]}))
        self.assertEqual(removed["sessionHandlesRevoked"], [first["session"]["handle"]])
        self.expect(self.verify(third["accessToken"]["token"]), status="UNAUTHORISED")
        self.expect(self.refresh(third["refreshToken"]["token"]), status="UNAUTHORISED")

    def test_eager_rotation_at_5_6(self):
        session = self.new_session(self.sign_up()["id"])
        old = session["refreshToken"]["token"]
        first = self.expect(self.refresh(old, cdi="5.6"))
        again = self.expect(self.refresh(old, cdi="5.6"))                 # a retry within the grace period
        self.expect(self.refresh(first["refreshToken"]["token"], cdi="5.6"), status="TOKEN_THEFT_DETECTED")
        self.expect(self.refresh(again["refreshToken"]["token"], cdi="5.6"), status="UNAUTHORISED")

    def test_session_data(self):
        session = self.new_session(self.sign_up()["id"])
        handle = session["session"]["handle"]
        self.expect(self.app.put("/recipe/session/data", {"sessionHandle": handle, "userDataInDatabase": {"price": 1.50, "none": None}}))
        data = self.app.get("/recipe/session", {"sessionHandle": handle})
        self.assertEqual(self.expect(data)["userDataInDatabase"], {"price": 1.5, "none": None})
        self.assertIn('"price":1.5', data.text)
        self.expect(self.app.put("/recipe/jwt/data", {"sessionHandle": handle, "userDataInJWT": {"color": "red"}}))
        fresh = self.expect(self.app.post("/recipe/session/regenerate", {"accessToken": session["accessToken"]["token"]}))
        self.assertEqual(payload(fresh["accessToken"]["token"])["color"], "red")

    def test_roles(self):
        user = self.sign_up()["id"]
        self.assertIs(self.expect(self.app.put("/recipe/role", {"role": "editor", "permissions": ["write", "read"]}))["createdNewRole"], True)
        self.expect(self.app.put("/recipe/user/role", {"userId": user, "role": "editor"}), didUserAlreadyHaveRole=False)
        self.expect(self.app.put("/recipe/user/role", {"userId": user, "role": "nobody"}), status="UNKNOWN_ROLE_ERROR")
        self.expect(self.app.get("/recipe/user/roles", {"userId": user}), roles=["editor"])
        self.expect(self.app.get("/recipe/role/permissions", {"role": "editor"}), permissions=["read", "write"])

    def test_third_party(self):
        body = {"thirdPartyId": "google", "thirdPartyUserId": "g-1", "email": {"id": "social@example.com", "isVerified": True}}
        created = self.expect(self.app.post("/recipe/signinup", body), createdNewUser=True)["user"]
        again = self.expect(self.app.post("/recipe/signinup", body), createdNewUser=False)["user"]
        self.assertEqual(created, again)
        self.assertEqual(created["thirdParty"], [{"id": "google", "userId": "g-1"}])
        self.assertIs(created["loginMethods"][0]["verified"], True)
        found = self.expect(self.app.get("/recipe/users/by-email", {"email": "social@example.com"}))["users"]
        self.assertEqual([u["id"] for u in found], [created["id"]])

    def test_passwordless(self):
        code = self.expect(self.app.post("/recipe/signinup/code", {"email": "code@example.com"}))
        wrong = {"preAuthSessionId": code["preAuthSessionId"], "deviceId": code["deviceId"], "userInputCode": "nope"}
        self.expect(self.app.post("/recipe/signinup/code/consume", wrong), status="INCORRECT_USER_INPUT_CODE_ERROR", failedCodeInputAttemptCount=1)
        created = self.expect(self.app.post("/recipe/signinup/code/consume", {**wrong, "userInputCode": code["userInputCode"]}), createdNewUser=True)["user"]
        self.assertEqual(created["emails"], ["code@example.com"])
        link = self.expect(self.app.post("/recipe/signinup/code", {"email": "code@example.com"}))
        again = self.expect(self.app.post("/recipe/signinup/code/consume", {"preAuthSessionId": link["preAuthSessionId"], "linkCode": link["linkCode"]}), createdNewUser=False)
        self.assertEqual(again["user"]["id"], created["id"])
        self.expect(self.app.post("/user/remove", {"userId": created["id"]}))
        self.expect(self.app.get("/user/id", {"userId": created["id"]}), status="UNKNOWN_USER_ID_ERROR")

    def test_second_factor(self):
        self.expect(self.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": "t1", "requiredSecondaryFactors": ["totp"]}))
        self.assertEqual(self.expect(self.app.get("/recipe/multitenancy/tenant/v2", tenant="t1"))["requiredSecondaryFactors"], ["totp"])
        user = self.sign_up()["id"]
        device = {"userId": user, "skew": 1, "period": 30}
        made = self.expect(self.app.post("/recipe/totp/device", device), deviceName="TOTP Device 0")
        self.expect(self.app.post("/recipe/totp/verify", {"userId": user, "totp": totp_code(made["secret"])}, tenant="t1"), status="INVALID_TOTP_ERROR")
        verify = {"userId": user, "deviceName": "TOTP Device 0"}
        self.expect(self.app.post("/recipe/totp/device/verify", {**verify, "totp": totp_code(made["secret"])}, tenant="t1"), wasAlreadyVerified=False)
        self.expect(self.app.post("/recipe/totp/verify", {"userId": user, "totp": totp_code(made["secret"], 1)}, tenant="t1"))
        self.expect(self.app.put("/recipe/totp/device", {"userId": user, "existingDeviceName": "TOTP Device 0", "newDeviceName": "phone"}))
        self.expect(self.app.post("/recipe/totp/device/remove", {"userId": user, "deviceName": "phone"}), didDeviceExist=True)
        self.expect(self.app.get("/recipe/totp/device/list", {"userId": user}), devices=[])
        self.expect(self.app.post("/user/remove", {"userId": user}))

    def test_tenants(self):
        self.expect(self.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": "t1"}), createdNew=True)
        self.expect(self.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": "t1"}), createdNew=False)
        user = self.expect(self.app.post("/recipe/signup", {"email": EMAIL, "password": PASSWORD}, tenant="t1"))["user"]
        self.assertEqual(user["tenantIds"], ["t1"])
        self.expect(self.app.post("/recipe/signin", {"email": EMAIL, "password": PASSWORD}), status="WRONG_CREDENTIALS_ERROR")
        tenants = self.expect(self.app.get("/recipe/multitenancy/tenant/list/v2"))["tenants"]
        self.assertEqual(sorted(t["tenantId"] for t in tenants), ["public", "t1"])
        self.expect(self.app.post("/recipe/multitenancy/tenant/remove", {"tenantId": "t1"}), didExist=True)
        reply = self.app.post("/recipe/signin", {"email": EMAIL, "password": PASSWORD}, tenant="t1")
        self.assertEqual(reply.status, 400)

    def test_keys_are_published(self):
        session = self.new_session(self.sign_up()["id"])
        header = session["accessToken"]["token"].split(".")[0]
        kid = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]
        jwks = self.app.get("/.well-known/jwks.json", cdi=None)
        self.assertIn(kid, [k["kid"] for k in jwks.json["keys"]])
        self.assertRegex(jwks.headers["Cache-Control"], r"^max-age=\d+, must-revalidate$")


if __name__ == "__main__":
    unittest.main()
