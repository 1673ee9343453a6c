"""The audit log: what is in activity_log after sign-ups, sign-ins and sessions, whichever process wrote the rows."""
import unittest

from integration import harness

ROLES = {}
for service in harness.SERVICES:
    ROLES["GATEHOUSE_%s_DATABASE_USER" % service.upper()] = "gatehouse_" + service
    ROLES["GATEHOUSE_%s_DATABASE_PASSWORD" % service.upper()] = "password-of-" + service


class ActivityLog(unittest.TestCase):
    def rows(self, gatehouse, app):
        """All but user_last_active, which says who was active."""
        return gatehouse.sql("SELECT event_type, tenant_id, status, recipe_user_id, primary_or_recipe_user_id, COALESCE(auth_principal, '-'), identifier"
                             " FROM activity_log WHERE app_id = '%s' AND event_type <> 'user_last_active' ORDER BY created_at, id" % app)

    def expect(self, reply):
        self.assertEqual((reply.status, reply.json["status"]), (200, "OK"), reply)
        return reply.json

    def walk(self, gatehouse):
        """What was done, as rows."""
        self.app = app = gatehouse.new_app()
        self.addCleanup(app.close)
        self.expect(app.put("/recipe/multitenancy/tenant/v2", {"tenantId": "t1"}))
        credentials = {"email": "Somebody@Example.com ", "password": "x1234567"}
        user = self.expect(app.post("/recipe/signup", credentials, tenant="t1"))["user"]["id"]
        expected = [["emailpassword_sign_up", "t1", "success", user, user, "email", "somebody@example.com"]]
        self.expect(app.post("/recipe/signin", credentials, tenant="t1"))
        expected.append(["emailpassword_sign_in", *expected[0][1:]])
        self.assertEqual(app.post("/recipe/signin", {**credentials, "password": "wrong"}, tenant="t1").json["status"], "WRONG_CREDENTIALS_ERROR")
        self.assertEqual(app.post("/recipe/signup", credentials, tenant="t1").json["status"], "EMAIL_ALREADY_EXISTS_ERROR")
        third = {"thirdPartyId": "google", "thirdPartyUserId": "g1", "email": {"id": "third@example.com", "isVerified": True}}
        other = self.expect(app.post("/recipe/signinup", third))["user"]["id"]
        expected.append(["thirdparty_sign_up", "public", "success", other, other, "google", "third@example.com"])
        self.expect(app.post("/recipe/accountlinking/user/primary", {"recipeUserId": user}))
        self.expect(app.post("/recipe/multitenancy/tenant/user", {"recipeUserId": other}, tenant="t1"))
        self.expect(app.post("/recipe/accountlinking/user/link", {"recipeUserId": other, "primaryUserId": user}))
        self.expect(app.post("/recipe/signinup", third))
        expected.append(["thirdparty_sign_in", "public", "success", other, user, "google", "third@example.com"])
        code = self.expect(app.post("/recipe/signinup/code", {"phoneNumber": "+491711234567"}))
        link = {"preAuthSessionId": code["preAuthSessionId"], "linkCode": code["linkCode"]}
        phone = self.expect(app.post("/recipe/signinup/code/consume", link))["user"]["id"]
        expected.append(["passwordless_sign_up", "public", "success", phone, phone, "phone_number", "+491711234567"])
        session = {"userId": other, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False}
        handle = self.expect(app.post("/recipe/session", session, tenant="t1"))["session"]["handle"]
        expected.append(["session_created", "t1", "success", other, user, "-", handle])
        return expected

    def test_rows(self):
        gatehouse = harness.Gatehouse().start()
        self.addCleanup(gatehouse.kill)
        expected = self.walk(gatehouse)
        harness.wait_until(lambda: len(self.rows(gatehouse, self.app.app)) >= len(expected), 20, "the rows")
        self.assertEqual(sorted(self.rows(gatehouse, self.app.app)), sorted(expected))
        active = gatehouse.sql("SELECT DISTINCT recipe_user_id, primary_or_recipe_user_id, tenant_id, auth_principal, identifier FROM activity_log"
                               " WHERE app_id = '%s' AND event_type = 'user_last_active'" % self.app.app)
        users = {row[4] for row in expected} | {expected[2][3]}
        self.assertEqual(sorted(active), sorted([user, user, "public", "", ""] for user in users))
        # None in the default partition.
        self.assertEqual(gatehouse.sql("SELECT count(*) FROM activity_log_default"), [["0"]])

    def test_an_orderly_end_loses_nothing(self):
        gatehouse = harness.Gatehouse().start()
        self.addCleanup(gatehouse.kill)
        expected = self.walk(gatehouse)
        gatehouse.stop()
        self.assertEqual(sorted(self.rows(gatehouse, self.app.app)), sorted(expected))

    def test_a_role_of_its_own_keeps_partitions_too(self):
        gatehouse = harness.Gatehouse(environment=ROLES)
        self.addCleanup(gatehouse.kill)
        gatehouse.migrate()
        months = "SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'activity_log'::regclass AND inhrelid::regclass::text LIKE '%\\_p%' ORDER BY 1"
        made = gatehouse.sql(months)
        self.assertEqual(len(made), 2)
        for (name,) in made:
            gatehouse.sql("DROP TABLE " + name)
        gatehouse.start()
        expected = self.walk(gatehouse)
        gatehouse.stop()
        self.assertEqual(gatehouse.sql(months), made)
        self.assertEqual(sorted(self.rows(gatehouse, self.app.app)), sorted(expected))
        self.assertEqual(gatehouse.sql("SELECT count(*) FROM activity_log_default"), [["0"]])


if __name__ == "__main__":
    unittest.main()
