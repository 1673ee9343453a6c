"""The table of docs/security.md over HTTP: each domain, app and tenant tries to create, change and remove every other with its own key, in each generation of the interface."""
import os
import unittest

from integration import harness

BASE_KEY = "the-key-of-the-base-domain"
DOMAINS = ("", "x.example", "y.example")
STYLES = (("3.0", ""), ("5.0", ""), ("5.4", "/v2"))
STATE = ("SELECT c.*, (SELECT string_agg(factor_id, ',' ORDER BY factor_id) FROM tenant_first_factors f WHERE (f.connection_uri_domain, f.app_id, f.tenant_id)"
         " = (c.connection_uri_domain, c.app_id, c.tenant_id)), (SELECT string_agg(factor_id, ',' ORDER BY factor_id) FROM tenant_required_secondary_factors f"
         " WHERE (f.connection_uri_domain, f.app_id, f.tenant_id) = (c.connection_uri_domain, c.app_id, c.tenant_id)) FROM tenant_configs c ORDER BY 1, 2, 3")


def documented():
    """{(target, operation, source): allowed}."""
    with open(os.path.join(harness.ROOT, "docs", "security.md")) as f:
        lines = f.read().split("## Who may change whom\n")[1].split("\n## ")[0].splitlines()
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if line.startswith("|")]
    header, cells = rows[0], {}
    for row in rows[2:]:
        for name, cell in zip(header[2:], row[2:]):
            cells[row[0], row[1], name] = cell == "yes"
    return cells


def level(scope):
    domain, app, tenant = scope
    return "a tenant" if tenant != "public" else "an app" if app != "public" else "a domain" if domain else "the base"


def seen_from(target, source):
    domain, app, _ = target
    if source == target:
        return "itself"
    if source == (domain, app, "public"):
        return "its app"
    if source == (domain, "public", "public"):
        return "its domain"
    if source == ("", "public", "public"):
        return "the base"
    if source[0] != domain:
        return "another domain"
    return "a tenant of the same app" if source[1] == app else "another app of the domain"


class WhoMayChangeWhom(harness.GatehouseTest):
    environment = {"API_KEYS": BASE_KEY}

    def setUp(self):
        self.client = self.gatehouse.client()
        self.addCleanup(self.client.close)

    def key(self, scope):
        domain, app, _ = scope
        return BASE_KEY if (domain, app) == ("", "public") else "the-very-own-key-of-%s-%s" % (app, domain.replace(".example", "") or "base")

    def call(self, source, method, path, body, cdi="5.4"):
        """As the holder of the key of the source's app."""
        domain, app, tenant = source
        prefix = ("/appid-" + app if app != "public" else "") + ("/" + tenant if tenant != "public" else "")
        headers = {"api-key": self.key(source)}
        if domain:
            headers["Host"] = domain
        return self.client.request(method, prefix + path, body=body, headers=headers, cdi=cdi)

    def create(self, source, kind, body):
        self.expect(self.call(source, "PUT", "/recipe/multitenancy/%s/v2" % kind, body), createdNew=True)

    def build(self):
        """In each domain the public app and the apps a and b, each with the tenants t and u."""
        for domain in DOMAINS:
            public = (domain, "public", "public")
            if domain:
                self.create(("", "public", "public"), "connectionuridomain",
                            {"connectionUriDomain": domain, "coreConfig": {"api_keys": self.key(public), "postgresql_table_schema": domain.replace(".", "_")}})
            for app in ("a", "b"):
                self.create(public, "app", {"appId": app, "coreConfig": {"api_keys": self.key((domain, app, ""))}})
            for app in ("public", "a", "b"):
                for tenant in ("t", "u"):
                    self.create((domain, app, "public"), "tenant", {"tenantId": tenant})
        return [(d, a, t) for d in DOMAINS for a in ("public", "a") for t in ("public", "t")]

    def requests(self, source):
        """The targets that a request made at the source can name: (kind, its body's field, the target)."""
        domain, app, _ = source
        for tenant in ("public", "t", "u", "new"):
            yield "tenant", {"tenantId": tenant}, (domain, app, tenant)
        yield "tenant", {}, (domain, app, "public")
        for other in ("public", "a", "b", "new"):
            yield "app", {"appId": other}, (domain, other, "public")
        yield "app", {}, (domain, "public", "public")
        for other in ("x.example", "y.example", "new.example"):
            yield "connectionuridomain", {"connectionUriDomain": other}, (other, "public", "public")
        yield "connectionuridomain", {}, ("", "public", "public")

    def change(self, cdi, suffix, number):
        """A change that is visible in the database each time."""
        if suffix:
            return {"firstFactors": ["custom-%d" % number], "requiredSecondaryFactors": ["otp-%d" % number]}
        return {"firstFactors": ["custom-%d" % number]} if cdi == "5.0" else {"emailPasswordEnabled": number % 2 == 0, "passwordlessEnabled": True}

    def state(self):
        return self.gatehouse.sql(STATE)

    def test_every_cell_that_a_request_can_name(self):
        cells, tried = documented(), {True: 0, False: 0}
        sources = self.build()
        for source in sources:
            allowed, before = [], self.state()
            for kind, body, target in self.requests(source):
                operation = "create" if "new" in "".join(target) else "change"
                may = cells[level(target), operation, seen_from(target, source)]
                for number, (cdi, suffix) in enumerate(STYLES):
                    if may:
                        # One creation: the next would be a change.
                        if operation == "change" or number == 0:
                            allowed.append((kind, body, target, operation, cdi, suffix))
                        continue
                    tried[False] += 1
                    reply = self.call(source, "PUT", "/recipe/multitenancy/%s%s" % (kind, suffix), {**body, **self.change(cdi, suffix, number)}, cdi)
                    self.assertEqual(reply.status, 403, "%s %s %s: %r" % (source, operation, target, reply))
                if body and not cells[level(target), "remove", seen_from(target, source)]:
                    reply = self.call(source, "POST", "/recipe/multitenancy/%s/remove" % kind, body)
                    self.assertEqual(reply.status, 403, "%s removes %s: %r" % (source, target, reply))
                    tried[False] += 1
            self.assertEqual(self.state(), before, "what was refused to %s changed something" % (source,))
            for number, (kind, body, target, operation, cdi, suffix) in enumerate(allowed):
                tried[True] += 1
                extra = {"coreConfig": {"postgresql_table_schema": "new"}} if target[0] == "new.example" else {}
                reply = self.call(source, "PUT", "/recipe/multitenancy/%s%s" % (kind, suffix), {**body, **extra, **self.change(cdi, suffix, number)}, cdi)
                self.expect(reply, createdNew=operation == "create")
                if operation == "create":
                    remover = {"a tenant": source, "an app": (source[0], "public", "public"), "a domain": ("", "public", "public")}[level(target)]
                    self.expect(self.call(remover, "POST", "/recipe/multitenancy/%s/remove" % kind, body), didExist=True)
            if allowed:
                self.assertNotEqual(self.state(), before)
        # Both kinds of cells, in numbers that a broken test would not reach.
        self.assertGreater(tried[True], 100)
        self.assertGreater(tried[False], 250)

    def test_own_path_only(self):
        """Third-party configuration and users' association concern the tenant of the path, whatever the body says."""
        self.create(("", "public", "public"), "app", {"appId": "own", "coreConfig": {"api_keys": self.key(("", "own", ""))}})
        app = ("", "own", "public")
        self.create(app, "tenant", {"tenantId": "t"})
        names = {"tenantId": "public", "appId": "public", "connectionUriDomain": ""}
        self.expect(self.call(("", "own", "t"), "PUT", "/recipe/multitenancy/config/thirdparty",
                              {**names, "config": {**names, "thirdPartyId": "google", "clients": [{"clientId": "c"}]}}), createdNew=True)
        rows = self.gatehouse.sql("SELECT app_id, tenant_id FROM tenant_thirdparty_providers")
        self.assertEqual(rows, [["own", "t"]])
        user = self.expect(self.call(app, "POST", "/recipe/signup", {"email": "a@example.com", "password": "correct horse 1"}))["user"]["id"]
        self.expect(self.call(("", "own", "t"), "POST", "/recipe/multitenancy/tenant/user", {**names, "recipeUserId": user}), wasAlreadyAssociated=False)
        self.assertEqual(self.gatehouse.sql("SELECT DISTINCT app_id FROM recipe_user_tenants"), [["own"]])
        # Another app's user is unknown here.
        self.assertEqual(self.call(("", "public", "public"), "POST", "/recipe/multitenancy/tenant/user", {"recipeUserId": user}).json, {"status": "UNKNOWN_USER_ID_ERROR"})
        # Another app's key opens none of it.
        for path, body in (("/recipe/multitenancy/config/thirdparty", {"config": {"thirdPartyId": "x"}}), ("/recipe/multitenancy/tenant/v2", {"tenantId": "t"})):
            reply = self.client.request("PUT", "/appid-own/t" + path, body=body, headers={"api-key": self.key(("", "other", ""))})
            self.assertEqual(reply.status, 401, reply)

    def test_what_the_process_says_of_itself_needs_the_key(self):
        for key, status in ((None, 401), ("another-key-than-the-one", 401), (BASE_KEY, 200)):
            reply = self.client.get("/config", {"pid": "1"}, headers={"api-key": key} if key else {})
            self.assertEqual(reply.status, status, reply)
        # What clients request before they have a key stays open.
        for path in ("/hello", "/.well-known/jwks.json"):
            self.assertEqual(self.client.get(path).status, 200)


if __name__ == "__main__":
    unittest.main()
