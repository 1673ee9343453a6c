"""Tokens issued in a removed tenant are no longer valid, though its app lives on."""
import time
import unittest
import uuid

from integration import harness

SESSION = {"userId": "someone", "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False}


class RemovedTenant(harness.GatehouseTest):
    def verify(self, token, cdi, **more):
        body = {"accessToken": token, "enableAntiCsrf": False, "doAntiCsrfCheck": False, **more}
        return self.app.post("/recipe/session/verify", body, cdi=cdi)

    def test_its_access_tokens_do_not_verify(self):
        for cdi in ("3.0", "5.6"):
            for dynamic in (True, False):
                tenant = "t" + uuid.uuid4().hex
                self.expect(self.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": tenant, "firstFactors": None}))
                session = self.expect(self.app.post("/recipe/session", {**SESSION, "useDynamicSigningKey": dynamic}, tenant=tenant, cdi=cdi))
                token, refresh = session["accessToken"]["token"], session["refreshToken"]["token"]
                self.expect(self.verify(token, cdi, checkDatabase=False))
                self.expect(self.app.post("/recipe/multitenancy/tenant/remove", {"tenantId": tenant}))
                for check in (False, True):
                    reply = self.verify(token, cdi, checkDatabase=check)
                    self.assertEqual(reply.status, 400, reply)
                    self.assertIn("combination not found: (, %s, %s)" % (self.app.app, tenant), reply.text)
                reply = self.app.post("/recipe/session/regenerate", {"accessToken": token}, cdi=cdi)
                self.assertEqual(reply.status, 400, reply)
                reply = self.app.post("/recipe/session/refresh", {"refreshToken": refresh, "enableAntiCsrf": False}, cdi=cdi)
                self.assertEqual(reply.status, 400, reply)

    def test_they_do_not_verify_in_a_tenant_that_is_made_again(self):
        tenant, tokens = "t" + uuid.uuid4().hex, {}
        make = lambda: self.expect(self.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": tenant, "firstFactors": None}))
        create = lambda cdi: self.expect(self.app.post("/recipe/session", SESSION, tenant=tenant, cdi=cdi))["accessToken"]["token"]
        make()
        for cdi in ("3.0", "5.4", "5.6"):
            tokens[cdi] = create(cdi)
            self.expect(self.verify(tokens[cdi], cdi, checkDatabase=False))
        self.expect(self.app.post("/recipe/multitenancy/tenant/remove", {"tenantId": tenant}))
        second = int(time.time())  # tokens' times are in seconds
        harness.wait_until(lambda: int(time.time()) > second, 2, "the next second")
        make()
        for cdi, token in tokens.items():
            self.expect(self.verify(token, cdi, checkDatabase=False), status="UNAUTHORISED", message="Either the session has ended or has been blacklisted")
            self.expect(self.verify(create(cdi), cdi, checkDatabase=False))


if __name__ == "__main__":
    unittest.main()
