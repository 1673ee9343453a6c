"""A tenant's database that is down, refused or silent, does not affect users of the app's other databases: only operations that need all of them are refused, naming the one that is missing."""
import time
import unittest

from integration import harness, pg_proxy
from integration.tenant_databases_test import PASSWORD

MISSING = "The database of the tenant 'dead' is not available"
# A database gets 2 s, and a request queries up to five places. A hang would last 30 s.
SLOW_S = 12


class MissingDatabase(harness.GatehouseTest):
    def setUp(self):
        super().setUp()
        postgres = self.gatehouse.postgres
        self.proxy = pg_proxy.PgProxy(postgres.port)
        self.addCleanup(self.proxy.stop)
        self.put("own", postgres.uri(postgres.create_database()))
        self.put("dead", self.proxy.uri(postgres.create_database()))

    def put(self, tenant, uri):
        self.expect(self.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": tenant, "coreConfig": {"postgresql_connection_uri": uri}}))

    def sign_up(self, email, tenant=None):
        return self.expect(self.app.post("/recipe/signup", {"email": email, "password": PASSWORD}, tenant=tenant))["user"]["id"]

    def by_code(self, email, tenant=None):
        code = self.expect(self.app.post("/recipe/signinup/code", {"email": email}, tenant=tenant))
        used = self.app.post("/recipe/signinup/code/consume", {"preAuthSessionId": code["preAuthSessionId"], "linkCode": code["linkCode"]}, tenant=tenant)
        return self.expect(used)["user"]["id"]

    def by_provider(self, name, tenant=None):
        body = {"thirdPartyId": "google", "thirdPartyUserId": name, "email": {"id": name + "@example.com", "isVerified": True}}
        return self.expect(self.app.post("/recipe/signinup", body, tenant=tenant))["user"]["id"]

    def session(self, user, tenant=None):
        return self.expect(self.app.post("/recipe/session", {"userId": user, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False}, tenant=tenant))

    def timed(self, call):
        start = time.monotonic()
        result = call()
        self.times.append(time.monotonic() - start)
        return result

    def user_of_a_healthy_database(self, tenant):
        """All operations on a user of a database that answers."""
        tag, app = "%s-%d" % (tenant or "base", len(self.times)), self.app
        user = self.timed(lambda: self.sign_up(tag + "@example.com", tenant))
        session = self.timed(lambda: self.session(user, tenant))
        handle = session["session"]["handle"]
        refresh = {"refreshToken": session["refreshToken"]["token"], "enableAntiCsrf": False, "useDynamicSigningKey": True}
        calls = [
            lambda: app.get("/user/id", {"userId": user}),
            lambda: app.post("/recipe/session/refresh", refresh),
            lambda: app.put("/recipe/user/metadata", {"userId": user, "metadataUpdate": {"n": 1}}),
            lambda: app.get("/recipe/user/metadata", {"userId": user}),
            lambda: app.put("/recipe/user/role", {"userId": user, "role": "r"}, tenant=tenant),
            lambda: app.post("/recipe/user/email/verify/token", {"userId": user, "email": tag + "@example.com"}, tenant=tenant),
            lambda: app.get("/recipe/user/email/verify", {"userId": user, "email": tag + "@example.com"}),
            lambda: app.post("/recipe/user/password/reset/token", {"userId": user, "email": tag + "@example.com"}, tenant=tenant),
            lambda: app.put("/recipe/user", {"recipeUserId": user, "email": "new-%s@example.com" % tag}),
            lambda: app.post("/recipe/accountlinking/user/primary", {"recipeUserId": user}),
            lambda: app.get("/users/count", tenant=tenant),
            lambda: app.get("/hello", tenant=tenant),
        ]
        for call in calls:
            reply = self.timed(call)
            self.assertEqual(reply.status, 200, reply)
        linked = self.timed(lambda: self.by_provider("g-" + tag, tenant))
        code = self.timed(lambda: self.by_code("code-%s@example.com" % tag, tenant))
        self.expect(self.timed(lambda: app.put("/recipe/user", {"recipeUserId": code, "email": "other-%s@example.com" % tag}, headers={"rid": "passwordless"})))
        self.expect(self.timed(lambda: app.post("/recipe/accountlinking/user/link", {"recipeUserId": linked, "primaryUserId": user})))
        handles = self.expect(self.timed(lambda: app.get("/recipe/session/user", {"userId": user})))["sessionHandles"]
        self.assertEqual(handles, [handle])
        revoked = self.expect(self.timed(lambda: app.post("/recipe/session/remove", {"userId": user})))["sessionHandlesRevoked"]
        self.assertEqual(revoked, [handle])
        for one in (user, code):
            self.expect(self.timed(lambda: app.post("/user/remove", {"userId": one})))
            # Without the other database it is unknown whether this id is free.
            self.text(self.timed(lambda: app.get("/user/id", {"userId": one})), 503, MISSING)

    def app_as_a_whole(self):
        app = self.app
        self.assertEqual(self.timed(lambda: app.get("/hello")).status, 200)
        self.assertEqual(self.timed(lambda: app.get("/hello", tenant="dead")).status, 503)
        tenants = self.expect(self.timed(lambda: app.get("/ee/featureflag")))["usageStats"]["multi_tenancy"]["tenants"]
        self.assertEqual({t["tenantId"]: "usersCount" in t for t in tenants}, {"public": True, "own": True, "dead": False})
        # A session of an id that belongs to no user, as in applications without users.
        self.timed(lambda: self.session("nobody-%d" % len(self.times)))
        for call in (lambda: app.get("/users/count", {"includeAllTenants": "true"}), lambda: app.get("/user/id", {"userId": "nobody"}),
                     lambda: app.get("/recipe/session/user", {"userId": "nobody"}), lambda: app.post("/recipe/session/remove", {"userId": "nobody"}),
                     lambda: app.get("/recipe/userid/map", {"userId": "nobody", "userIdType": "ANY"}),
                     lambda: app.post("/recipe/role/remove", {"role": "gone"})):
            self.text(self.timed(call), 503, MISSING)

    def test_others_go_on(self):
        self.expect(self.app.put("/recipe/role", {"role": "r"}))
        there = self.sign_up("dead@example.com", "dead")
        for silent in (False, True):
            with self.subTest("silence" if silent else "refused"):
                self.proxy.stop()
                if silent:
                    self.proxy.listen("silence")
                self.times = []
                self.app_as_a_whole()
                for tenant in (None, "own"):
                    self.user_of_a_healthy_database(tenant)
                self.assertLess(max(self.times), SLOW_S, self.times)
                self.assertLess(sorted(self.times)[len(self.times) // 2], 1, self.times)
        self.proxy.stop()
        self.proxy.listen()
        harness.wait_until(lambda: self.app.get("/user/id", {"userId": there}).status == 200, 10, "the recovery of the tenant's database")
        harness.wait_until(lambda: self.app.get("/users/count", {"includeAllTenants": "true"}).status == 200, 10, "the recovery of the count")
        # Each service tries the database again by itself.
        harness.wait_until(lambda: self.app.post("/recipe/role/remove", {"role": "gone"}).status == 200, 10, "the recovery of roles")
        self.assertEqual(self.app.get("/user/id", {"userId": "nobody"}).json, {"status": "UNKNOWN_USER_ID_ERROR"})
        self.expect(self.app.post("/recipe/role/remove", {"role": "gone"}), didRoleExist=False)


if __name__ == "__main__":
    unittest.main()
