"""A JWT of POST /recipe/jwt can have any claims, including a session's: it counts as a session only as a copy of a live one, for that session's user."""
import base64
import json
import unittest

from integration import harness

OWN = ("iat", "exp")
# All that a verification could read.
TABLES = "session_info, session_access_token_signing_keys, jwt_signing_keys, key_value, app_id_to_user_id, userid_mapping"


def payload(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class JwtAsSession(harness.GatehouseTest):
    def new_session(self, user_id):
        return self.expect(self.app.post("/recipe/session", {"userId": user_id, "userDataInJWT": {"color": "blue"}, "userDataInDatabase": {}, "enableAntiCsrf": False}))

    def jwt(self, claims, **k):
        return self.expect(self.app.post("/recipe/jwt", {"algorithm": "RS256", "jwksDomain": "http://d", "payload": claims, "validity": 1234, **k}))["jwt"]

    def copy(self, session, **changes):
        return {**{k: v for k, v in payload(session["accessToken"]["token"]).items() if k not in OWN}, **changes}

    def verify(self, token, status):
        for cdi in ("4.0", "5.4", "5.6"):
            for database in (False, True):
                reply = self.app.post("/recipe/session/verify", {"accessToken": token, "enableAntiCsrf": False, "doAntiCsrfCheck": False, "checkDatabase": database}, cdi=cdi)
                self.assertEqual((reply.status, reply.json["status"]), (200, status), (cdi, database, reply))
        return reply.json

    def regenerate(self, token, status):
        for body in ({}, {"userDataInJWT": {"color": "red"}}):
            reply = self.app.post("/recipe/session/regenerate", {"accessToken": token, **body})
            self.assertEqual((reply.status, reply.json["status"]), (200, status), reply)

    def test_claims_of_no_session(self):
        claims = {"sub": "victim", "rsub": "victim", "tId": "public", "sessionHandle": "h", "refreshTokenHash1": "x", "parentRefreshTokenHash1": None, "antiCsrfToken": None}
        for key in ({}, {"useStaticSigningKey": False}):
            for parent in (None, "y"):
                token = self.jwt({**claims, "parentRefreshTokenHash1": parent}, **key)
                self.verify(token, "UNAUTHORISED")
                self.regenerate(token, "UNAUTHORISED")

    def test_another_users_claims_on_ones_own_session(self):
        session = self.new_session("mallory")
        for changes in ({"sub": "victim"}, {"rsub": "victim"}, {"sub": "victim", "rsub": "victim"}):
            token = self.jwt(self.copy(session, **changes))
            self.verify(token, "TRY_REFRESH_TOKEN")
            self.regenerate(token, "UNAUTHORISED")
        # Nothing was stored on the side.
        self.assertEqual(self.expect(self.app.get("/recipe/session", {"sessionHandle": session["session"]["handle"]}))["userDataInJWT"], {"color": "blue"})

    def test_a_copy_of_a_living_session(self):
        user = self.expect(self.app.post("/recipe/signup", {"email": "a@example.com", "password": "correct horse 1"}))["user"]["id"]
        session = self.new_session(user)
        token = self.jwt(self.copy(session), useStaticSigningKey=False)
        self.assertEqual(self.verify(token, "OK")["session"]["userId"], user)
        self.regenerate(token, "OK")
        self.expect(self.app.post("/recipe/session/remove", {"sessionHandles": [session["session"]["handle"]]}))
        self.verify(token, "UNAUTHORISED")

    def test_a_copy_of_a_linked_users_session(self):
        lead = self.expect(self.app.post("/recipe/signup", {"email": "a@example.com", "password": "correct horse 1"}))["user"]["id"]
        member = self.expect(self.app.post("/recipe/signinup", {"thirdPartyId": "google", "thirdPartyUserId": "g", "email": {"id": "b@example.com", "isVerified": True}}))["user"]["id"]
        self.expect(self.app.post("/recipe/accountlinking/user/primary", {"recipeUserId": lead}))
        self.expect(self.app.post("/recipe/accountlinking/user/link", {"recipeUserId": member, "primaryUserId": lead}))
        self.expect(self.app.post("/recipe/userid/map", {"superTokensUserId": member, "externalUserId": "external", "force": True}))
        session = self.new_session("external")
        self.assertEqual(payload(session["accessToken"]["token"])["rsub"], "external")
        self.verify(self.jwt(self.copy(session)), "OK")

    def test_a_sessions_own_token_needs_no_database(self):
        token = self.new_session("u")["accessToken"]["token"]
        body = {"accessToken": token, "enableAntiCsrf": False, "doAntiCsrfCheck": False, "checkDatabase": False}
        self.expect(self.app.post("/recipe/session/verify", body))  # reads the keys once
        with self.gatehouse.postgres.session(self.gatehouse.database) as session:
            session.run("BEGIN; LOCK TABLE %s IN ACCESS EXCLUSIVE MODE;" % TABLES)
            for cdi in ("4.0", "5.4", "5.6"):
                self.expect(self.app.post("/recipe/session/verify", body, cdi=cdi))
            session.run("ROLLBACK;")


if __name__ == "__main__":
    unittest.main()
