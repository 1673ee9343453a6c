"""A change of an app or a tenant is in effect in every process once it is answered."""
import unittest
import uuid

from integration import harness

KEY = "a-very-long-api-key-0123456789"
ROUNDS = 40


class TenantChanges(harness.GatehouseTest):
    environment = {"BCRYPT_LOG_ROUNDS": "4"}

    def configure(self, app, **settings):
        self.expect(self.gatehouse.once("PUT", "/recipe/multitenancy/app/v2", body={"appId": app.app, "coreConfig": settings}))

    def test_a_new_apps_key_is_asked_for_at_once(self):
        for _ in range(ROUNDS):
            app = self.gatehouse.new_app({"api_keys": KEY})
            for path in ("/users/count", "/recipe/roles"):
                self.text(app.get(path), 401, "Invalid API key")
            self.expect(app.get("/users/count", headers={"api-key": KEY}))
            app.close()

    def test_a_key_that_is_given_or_taken_counts_at_once(self):
        app = self.gatehouse.new_app()
        for _ in range(ROUNDS):
            self.configure(app, api_keys=KEY)
            self.text(app.get("/users/count"), 401, "Invalid API key")
            self.configure(app, api_keys=None)
            self.expect(app.get("/users/count"))

    def test_a_setting_is_what_the_services_go_by_at_once(self):
        app = self.gatehouse.new_app()
        user = self.expect(app.post("/recipe/signup", {"email": "a@example.com", "password": "correct horse 1"}))["user"]["id"]
        session = {"userId": user, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False, "useDynamicSigningKey": False}
        for round_number in range(ROUNDS):
            validity_s = 1000 + 500 * (round_number % 2)
            self.configure(app, access_token_validity=validity_s)
            token = self.expect(app.post("/recipe/session", session))["accessToken"]
            self.assertEqual(round((token["expiry"] - token["createdTime"]) / 1000), validity_s)

    def test_a_new_tenants_users_are_found_and_a_removed_tenants_are_not(self):
        app = self.gatehouse.new_app()
        for _ in range(ROUNDS // 2):
            tenant = uuid.uuid4().hex
            self.expect(app.put("/recipe/multitenancy/tenant/v2", {"tenantId": tenant, "firstFactors": None}))
            self.expect(app.post("/recipe/signup", {"email": "a@example.com", "password": "correct horse 1"}, tenant=tenant))
            self.expect(app.post("/recipe/multitenancy/tenant/remove", {"tenantId": tenant}))
            reply = app.post("/recipe/signin", {"email": "a@example.com", "password": "correct horse 1"}, tenant=tenant)
            self.assertEqual(reply.status, 400, reply)
            self.assertIn("Tenant with the following connectionURIDomain, appId and tenantId combination not found", reply.text)


if __name__ == "__main__":
    unittest.main()
