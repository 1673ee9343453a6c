"""A Gatehouse under measurement: operations on it, one request each."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from integration import harness  # noqa: E402


class Subject:
    """One Gatehouse, a user and a session in one of its tenants."""

    OPERATIONS = ("hello", "jwks", "verify", "create_session", "refresh", "sign_in", "look_up_user", "look_up", "create", "change")

    def __init__(self, tenants, apps, by_sql=0):
        """`by_sql`: that many more tenants in the first app, inserted at once."""
        self.gatehouse = harness.Gatehouse(mode="all-in-one", environment={"LOG_LEVEL": "WARN"}).start()
        self.client = self.gatehouse.client()
        begun = time.monotonic()
        for i in range(apps):
            app = "app%d" % i
            self.ok(self.client.put("/recipe/multitenancy/app/v2", {"appId": app, "coreConfig": {"access_token_validity": 3600 + i}}))
            client = self.gatehouse.client(app=app)
            for t in range(tenants // apps - 1):
                self.ok(client.put("/recipe/multitenancy/tenant/v2", {"tenantId": "t%d" % t, "firstFactors": ["emailpassword"]}))
            client.close()
        self.made_in_s = time.monotonic() - begun
        if by_sql:
            self.gatehouse.stop()
            self.gatehouse.sql("""INSERT INTO tenant_configs (connection_uri_domain, app_id, tenant_id, core_config, email_password_enabled, passwordless_enabled,
                third_party_enabled, is_first_factors_null) SELECT '', 'app0', 'sql' || n, '{}', true, true, true, true FROM generate_series(1, %d) n;
                INSERT INTO tenants (app_id, tenant_id, created_at_time) SELECT 'app0', 'sql' || n, 1 FROM generate_series(1, %d) n""" % (by_sql, by_sql))
            self.gatehouse.start()
        # In the middle of them all.
        self.app = self.gatehouse.client(app="app%d" % (apps // 2))
        self.tenant = "t0"
        self.user = self.ok(self.app.post("/recipe/signup", {"email": "a@example.com", "password": "x1234567"}, tenant=self.tenant))["user"]["id"]
        session = self.ok(self.app.post("/recipe/session", {"userId": self.user, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False}, tenant=self.tenant))
        self.access, self.refresh_token = session["accessToken"]["token"], session["refreshToken"]["token"]
        self.first_tenant = 0

    @staticmethod
    def ok(reply):
        assert reply.status == 200 and reply.json.get("status") == "OK", reply
        return reply.json

    def hello(self):
        assert self.app.get("/hello").status == 200

    def jwks(self):
        assert self.app.get("/.well-known/jwks.json").status == 200

    def create_session(self):
        self.ok(self.app.post("/recipe/session", {"userId": self.user, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False,
                                                  "useDynamicSigningKey": True}, tenant=self.tenant))

    def look_up_user(self):
        self.ok(self.app.get("/user/id", {"userId": self.user}))

    def verify(self):
        self.ok(self.app.post("/recipe/session/verify", {"accessToken": self.access, "enableAntiCsrf": False, "doAntiCsrfCheck": False, "checkDatabase": False}, cdi="5.6"))

    def refresh(self):
        body = {"refreshToken": self.refresh_token, "enableAntiCsrf": False, "useDynamicSigningKey": True}
        self.refresh_token = self.ok(self.app.post("/recipe/session/refresh", body, cdi="5.6"))["refreshToken"]["token"]

    def sign_in(self):
        self.ok(self.app.post("/recipe/signin", {"email": "a@example.com", "password": "x1234567"}, tenant=self.tenant))

    def look_up(self):
        self.ok(self.app.get("/recipe/multitenancy/tenant/v2", tenant=self.tenant))

    def create(self):
        """Not removed afterwards: removal is another change."""
        self.first_tenant += 1
        self.ok(self.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": "new%d" % self.first_tenant}))

    def change(self):
        self.ok(self.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": self.tenant, "coreConfig": {"totp_max_attempts": 3 + time.monotonic_ns() % 90}}))
