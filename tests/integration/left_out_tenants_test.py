"""A tenant whose stored settings can't be used here is open to nobody, nor are those that inherit from it."""
import os
import subprocess
import unittest
import uuid

from integration import harness

KEY = "a-very-long-api-key-0123456789"
# A Java regular expression without a counterpart in RE2.
JAVA = '{"api_keys":"%s","ip_deny_regex":"(?!10).*"}' % KEY
TEXT = "The settings of this app or tenant can't be used; see the server's log"


class LeftOutTenants(harness.GatehouseTest):
    def setUp(self):
        super().setUp()
        self.other = self.gatehouse.new_app({"api_keys": KEY})
        self.other.headers["api-key"] = KEY
        self.addCleanup(self.other.close)
        self.tenant = "t" + uuid.uuid4().hex
        self.expect(self.other.put("/recipe/multitenancy/tenant/v2", {"tenantId": self.tenant, "coreConfig": {"ip_deny_regex": "192.0.2.*"}}))
        self.gatehouse.stop()
        self.addCleanup(self.gatehouse.sql, "DELETE FROM tenant_configs WHERE app_id = '%s'" % self.other.app)
        self.gatehouse.sql("UPDATE tenant_configs SET core_config = '%s' WHERE app_id = '%s' AND tenant_id = 'public'" % (JAVA, self.other.app))

    def start(self):
        self.app.close()
        self.other.close()
        self.gatehouse.start()

    def stranger(self):
        """A client of the other app, without its key."""
        client = self.gatehouse.client(app=self.other.app)
        self.addCleanup(client.close)
        return client

    def run_program(self, *arguments):
        environment = {k: v for k, v in next(iter(self.gatehouse.processes.values())).environment.items() if not k.startswith("GATEHOUSE_")}
        return subprocess.run([os.path.join(harness.BIN, "gatehouse")] + list(arguments), env={**os.environ, **environment}, capture_output=True, text=True)

    def test_nobody_gets_in_and_operators_are_told(self):
        for arguments in (("--check-config",), ("migrate",)):
            done = self.run_program(*arguments)
            self.assertEqual(done.returncode, 1, done)
            self.assertIn("tenant (, %s, public): Provided regular expression is invalid for ip_deny_regex config" % self.other.app, done.stdout + done.stderr)
            self.assertNotIn(KEY, done.stdout + done.stderr)
        self.start()
        stranger = self.stranger()
        session = {"userId": "someone", "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False, "useDynamicSigningKey": True}
        for tenant in (None, self.tenant, "nosuchtenant"):
            for key in ({}, {"api-key": KEY}, {"api-key": "x"}):
                for method, path, body in (("GET", "/users/count", None), ("POST", "/recipe/session", session), ("GET", "/recipe/multitenancy/tenant/v2", None),
                                           ("GET", "/hello", None), ("GET", "/.well-known/jwks.json", None)):
                    self.text(stranger.request(method, path, body=body, tenant=tenant, headers=key), 503, TEXT)
        self.expect(self.app.get("/users/count"))
        for service in list(self.gatehouse.admin_ports) + [None]:
            self.assertEqual(self.gatehouse.admin("/readyz", service).status, 200)
            self.assertIn("tenants left out, since their settings can't be used (see the log): 2", self.gatehouse.admin("/readyz", service).text)
            self.assertIn('gatehouse_tenants{state="left_out"} 2\n', self.gatehouse.admin("/metrics", service).text)
        # The holder of the base's key repairs it.
        self.expect(self.gatehouse.once("PUT", "/recipe/multitenancy/app/v2", body={"appId": self.other.app, "coreConfig": {"ip_deny_regex": None}}))
        self.text(stranger.get("/users/count", tenant=self.tenant), 401, "Invalid API key")
        self.expect(self.other.get("/users/count"))
        self.assertIn('gatehouse_tenants{state="left_out"} 0\n', self.gatehouse.admin("/metrics").text)
        self.assertEqual(self.gatehouse.admin("/readyz").text, "ready\n")
        done = self.run_program("--check-config")
        self.assertEqual((done.returncode, done.stdout.splitlines()[-1]), (0, "The configuration is valid."), done)

    def test_settings_that_are_no_json_are_not_taken_for_none(self):
        self.gatehouse.sql("UPDATE tenant_configs SET core_config = '{\"api_keys\":\"%s' WHERE app_id = '%s' AND tenant_id = 'public'" % (KEY, self.other.app))
        self.start()
        self.text(self.stranger().get("/users/count"), 503, TEXT)

    def test_a_tenant_without_its_app_is_open_to_nobody(self):
        self.gatehouse.sql("DELETE FROM tenant_configs WHERE app_id = '%s' AND tenant_id = 'public'" % self.other.app)
        self.start()
        client = self.stranger()
        self.text(client.get("/users/count", tenant=self.tenant), 503, TEXT)
        self.assertEqual(client.get("/users/count").status, 400)


if __name__ == "__main__":
    unittest.main()
