"""Settings that belong to the holder of the SaaS secret: an ordinary key neither sets, changes, hides nor removes them, in any generation of the interface, nor by removing the tenant or app that has them."""
import json
import unittest

from integration import harness

API_KEY = "an-ordinary-key-of-the-base"
SAAS_SECRET = "the-secret-of-the-one-who-runs-this-for-others"
STYLES = (("3.0", ""), ("5.0", ""), ("5.4", "/v2"))
CORE, DATABASE = "Not allowed to modify protected configs.", "Not allowed to modify DB related configs."


class ProtectedSettings(harness.GatehouseTest):
    @classmethod
    def setUpClass(cls):
        cls.gatehouse = harness.Gatehouse(test_mode=False, environment={"API_KEYS": API_KEY, "SUPERTOKENS_SAAS_SECRET": SAAS_SECRET}).start()
        cls.addClassCleanup(cls.gatehouse.kill)

    def setUp(self):
        self.client = self.gatehouse.client()
        self.addCleanup(self.client.close)

    def put(self, kind, body, key, path="", cdi="5.4", suffix="/v2", **headers):
        return self.client.request("PUT", "%s/recipe/multitenancy/%s%s" % (path, kind, suffix), body=body, cdi=cdi, headers={"api-key": key, **headers})

    def remove(self, kind, body, key, path="", **headers):
        return self.client.request("POST", "%s/recipe/multitenancy/%s/remove" % (path, kind), body=body, headers={"api-key": key, **headers})

    def stored(self, app, tenant="public", domain=""):
        rows = self.gatehouse.sql("SELECT core_config FROM tenant_configs WHERE (connection_uri_domain, app_id, tenant_id) = ('%s', '%s', '%s')" % (domain, app, tenant))
        return json.loads(rows[0][0]) if rows else None

    def refused(self, reply, text):
        self.text(reply, 403, text)

    def test_any_difference_is_refused(self):
        # An app in the base database, and one in a schema of its own, each with a tenant.
        protected = {"ip_deny_regex": "10[.].*", "saml_legacy_acs_url": "https://a.example/acs"}
        self.expect(self.put("app", {"appId": "core", "coreConfig": protected}, SAAS_SECRET))
        self.expect(self.put("app", {"appId": "db", "coreConfig": {"postgresql_table_schema": "of_db", "postgresql_connection_pool_size": 3}}, SAAS_SECRET))
        self.expect(self.put("tenant", {"tenantId": "t", "coreConfig": {"ip_deny_regex": "11[.].*"}}, SAAS_SECRET, "/appid-core"))
        before = {name: self.stored(*name) for name in (("core", "public"), ("core", "t"), ("db", "public"))}
        tries = 0
        for cdi, suffix in STYLES:
            for (app, tenant), config in before.items():
                for key, value in config.items():
                    if key == "saml_legacy_acs_url" and tenant != "public":
                        continue
                    text = DATABASE if key.startswith("postgresql") else CORE
                    other = 4 if isinstance(value, int) else "other"
                    # From each place that may change it.
                    ways = [("tenant", {"tenantId": tenant}, "/appid-" + app)]
                    if tenant == "public":
                        ways += [("app", {"appId": app}, ""), ("app", {"appId": app}, "/appid-" + app)]
                    else:
                        ways += [("tenant", {"tenantId": tenant}, "/appid-%s/%s" % (app, tenant))]
                    for kind, body, path in ways:
                        for new in (None, other):
                            tries += 1
                            self.refused(self.put(kind, {**body, "coreConfig": {key: new}}, API_KEY, path, cdi, suffix), text)
                        # No value, or the stored one: no difference.
                        self.expect(self.put(kind, {**body, "coreConfig": {key: value}}, API_KEY, path, cdi, suffix), createdNew=False)
                        self.expect(self.put(kind, {**body, "coreConfig": {"totp_max_attempts": None}}, API_KEY, path, cdi, suffix))
                        self.expect(self.put(kind, body, API_KEY, path, cdi, suffix), createdNew=False)
        self.assertGreater(tries, 60)
        for name, config in before.items():
            self.assertEqual({k: v for k, v in self.stored(*name).items() if k != "totp_max_attempts"}, config)
        # The holder of the secret may.
        self.expect(self.put("app", {"appId": "core", "coreConfig": {"ip_deny_regex": None}}, SAAS_SECRET))
        self.assertNotIn("ip_deny_regex", self.stored("core"))

    def test_what_is_inherited_is_not_hidden(self):
        self.expect(self.put("app", {"appId": "heir", "coreConfig": {"ip_deny_regex": "10[.].*"}}, SAAS_SECRET))
        for cdi, suffix in STYLES:
            for config in ({"ip_deny_regex": None}, {"ip_deny_regex": "none"}):
                self.refused(self.put("tenant", {"tenantId": "t", "coreConfig": config}, API_KEY, "/appid-heir", cdi, suffix), CORE)
            self.refused(self.put("tenant", {"tenantId": "t", "coreConfig": {"postgresql_host": None}}, API_KEY, "/appid-heir", cdi, suffix), DATABASE)
        self.assertIsNone(self.stored("heir", "t"))
        # A null set by the holder of the secret is a setting too.
        self.expect(self.put("tenant", {"tenantId": "open", "coreConfig": {"ip_deny_regex": None}}, SAAS_SECRET, "/appid-heir"))
        self.refused(self.put("tenant", {"tenantId": "open", "coreConfig": {"ip_deny_regex": None}}, API_KEY, "/appid-heir"), CORE)
        self.assertEqual(self.stored("heir", "open"), {"ip_deny_regex": None})

    def test_removal_and_a_new_beginning(self):
        self.expect(self.put("app", {"appId": "gone"}, API_KEY))
        self.expect(self.put("tenant", {"tenantId": "t", "coreConfig": {"ip_allow_regex": ".*"}}, SAAS_SECRET, "/appid-gone"))
        self.expect(self.put("tenant", {"tenantId": "own", "coreConfig": {"postgresql_table_schema": "of_own"}}, SAAS_SECRET, "/appid-gone"))
        self.expect(self.put("tenant", {"tenantId": "plain"}, API_KEY, "/appid-gone"))
        user = self.client.request("POST", "/appid-gone/own/recipe/signup", body={"email": "a@example.com", "password": "correct horse 1"}, headers={"api-key": API_KEY})
        self.expect(user)
        self.refused(self.remove("tenant", {"tenantId": "t"}, API_KEY, "/appid-gone"), CORE)
        self.refused(self.remove("tenant", {"tenantId": "own"}, API_KEY, "/appid-gone"), DATABASE)
        self.assertEqual(self.gatehouse.sql("SELECT count(*) FROM of_own.recipe_user_tenants WHERE app_id = 'gone'"), [["1"]])
        self.expect(self.remove("tenant", {"tenantId": "plain"}, API_KEY, "/appid-gone"), didExist=True)
        for tenant in ("t", "own"):
            self.expect(self.remove("tenant", {"tenantId": tenant}, SAAS_SECRET, "/appid-gone"), didExist=True)
        # With the last protected setting the protection is gone.
        self.expect(self.remove("app", {"appId": "gone"}, API_KEY), didExist=True)

        self.expect(self.put("app", {"appId": "gone", "coreConfig": {"postgresql_table_schema": "of_gone"}}, SAAS_SECRET))
        self.refused(self.remove("app", {"appId": "gone"}, API_KEY), DATABASE)
        self.assertEqual(self.gatehouse.sql("SELECT count(*) FROM of_gone.apps WHERE app_id = 'gone'"), [["1"]])
        self.expect(self.remove("app", {"appId": "gone"}, SAAS_SECRET), didExist=True)

        domain = {"connectionUriDomain": "gone.example"}
        self.expect(self.put("connectionuridomain", {**domain, "coreConfig": {"postgresql_table_schema": "of_domain"}}, SAAS_SECRET))
        self.refused(self.remove("connectionuridomain", domain, API_KEY), DATABASE)
        self.assertIsNotNone(self.stored("public", domain="gone.example"))
        self.expect(self.remove("connectionuridomain", domain, SAAS_SECRET), didExist=True)


if __name__ == "__main__":
    unittest.main()
