"""The data for listing, searching and counting follows the tables, whichever program writes them, and no such statement scans a whole table of users."""
import base64
import json
import random
import re
import threading
import unittest

from bench import generate_users
from integration import harness, plan_log, registry_invariants

RECIPES = ("emailpassword", "thirdparty", "passwordless")
PASSWORD = "correct horse 1"

# As the original adds a user: one statement after another.
SIGN_UP_SQL = """
BEGIN;
INSERT INTO app_id_to_user_id (app_id, user_id, primary_or_recipe_user_id, recipe_id, time_joined, primary_or_recipe_user_time_joined)
VALUES ('%(app)s', '%(id)s', '%(id)s', 'emailpassword', %(joined)d, %(joined)d);
INSERT INTO recipe_user_account_infos (app_id, recipe_user_id, recipe_id, account_info_type, account_info_value, third_party_id, third_party_user_id)
VALUES ('%(app)s', '%(id)s', 'emailpassword', 'email', '%(id)s@example.com', '', '');
INSERT INTO recipe_user_tenants (app_id, recipe_user_id, tenant_id, recipe_id, account_info_type, account_info_value, third_party_id, third_party_user_id)
VALUES ('%(app)s', '%(id)s', 'public', 'emailpassword', 'email', '%(id)s@example.com', '', '');
INSERT INTO emailpassword_users (app_id, user_id, email, password_hash, time_joined) VALUES ('%(app)s', '%(id)s', '%(id)s@example.com', 'x', %(joined)d);
COMMIT;"""


class Listing(harness.GatehouseTest):
    environment = {"BCRYPT_LOG_ROUNDS": "4"}

    def whole(self):
        self.assertEqual(registry_invariants.broken_at_rest(self.gatehouse.sql), {})

    def tenants_of(self, client, *tenants):
        for tenant in tenants:
            self.expect(client.put("/recipe/multitenancy/tenant/v2", {"tenantId": tenant}))

    def pages(self, limit, order="ASC", tenant=None, recipes=None):
        """All ids of all pages."""
        ids, query = [], {"limit": limit, "timeJoinedOrder": order}
        if recipes:
            query["includeRecipeIds"] = ",".join(recipes)
        while True:
            page = self.expect(self.app.get("/users", query, tenant=tenant))
            ids += [user["id"] for user in page["users"]]
            if "nextPaginationToken" not in page:
                return ids
            self.assertEqual(len(page["users"]), limit)
            query["paginationToken"] = page["nextPaginationToken"]

    def expected(self, order, tenant, recipes):
        """As the original selects them."""
        rows = self.gatehouse.sql("""
            SELECT u.primary_or_recipe_user_id FROM app_id_to_user_id u JOIN recipe_user_tenants t ON t.app_id = u.app_id AND t.recipe_user_id = u.user_id
            WHERE u.app_id = '%s' AND t.tenant_id = '%s' AND t.recipe_id IN ('%s')
            GROUP BY 1 ORDER BY min(u.primary_or_recipe_user_time_joined) %s, 1 DESC""" % (self.app.app, tenant, "', '".join(recipes), order))
        return [row[0].strip() for row in rows]

    def compare(self, tenants):
        for tenant in tenants:
            for recipes in (None, ["emailpassword"], ["thirdparty"], ["passwordless"], ["emailpassword", "passwordless"]):
                for order in ("ASC", "DESC"):
                    expected = self.expected(order, tenant, recipes or RECIPES)
                    self.assertEqual(self.pages(7, order, tenant, recipes), expected, (tenant, recipes, order))
                query = {"includeRecipeIds": ",".join(recipes)} if recipes else {}
                self.expect(self.app.get("/users/count", {**query, "includeAllTenants": "false"}, tenant=tenant), count=len(expected))
        for recipes in (None, ["emailpassword"], ["thirdparty", "passwordless"]):
            query = {"includeRecipeIds": ",".join(recipes)} if recipes else {}
            rows = self.gatehouse.sql("SELECT count(DISTINCT primary_or_recipe_user_id) FROM app_id_to_user_id u WHERE app_id = '%s' AND recipe_id IN ('%s')"
                                      " AND EXISTS (SELECT 1 FROM recipe_user_tenants t WHERE t.app_id = u.app_id AND t.recipe_user_id = u.user_id)"
                                      % (self.app.app, "', '".join(recipes or RECIPES)))
            self.expect(self.app.get("/users/count", {**query, "includeAllTenants": "true"}), count=int(rows[0][0]))

    def sign_up(self, client, rng, number, tenant):
        """A user of any recipe; its id, or None when it exists already."""
        kind, name = rng.choice(RECIPES), "u%d" % number
        if kind == "emailpassword":
            reply = client.post("/recipe/signup", {"email": name + "@example.com", "password": PASSWORD}, tenant=tenant)
        elif kind == "thirdparty":
            reply = client.post("/recipe/signinup", {"thirdPartyId": "google", "thirdPartyUserId": name, "email": {"id": name + "@example.com", "isVerified": True}},
                                tenant=tenant)
        else:
            info = {"email": name + "@example.com"} if number % 2 else {"phoneNumber": "+1415555%04d" % number}
            code = client.post("/recipe/signinup/code", info, tenant=tenant).json
            reply = client.post("/recipe/signinup/code/consume", {k: code[k] for k in ("deviceId", "preAuthSessionId", "userInputCode")}, tenant=tenant)
        self.assertEqual(reply.status, 200, reply)
        return reply.json.get("recipeUserId")

    def change(self, client, rng, users, tenants, number):
        """One request that changes what is listed, on random users and tenants; its answer depends on what came before."""
        def any_user():
            return rng.choice(users)
        reply = rng.choice([
            lambda: users.append(self.sign_up(client, rng, number, rng.choice(tenants))) if number % 2 else None,
            lambda: client.post("/recipe/accountlinking/user/primary", {"recipeUserId": any_user()}),
            lambda: client.post("/recipe/accountlinking/user/link", {"recipeUserId": any_user(), "primaryUserId": any_user()}),
            lambda: client.post("/recipe/accountlinking/user/link", {"recipeUserId": any_user(), "primaryUserId": any_user()}),
            lambda: client.post("/recipe/accountlinking/user/unlink", {"recipeUserId": any_user()}),
            lambda: client.post("/recipe/multitenancy/tenant/user", {"recipeUserId": any_user()}, tenant=rng.choice(tenants)),
            lambda: client.post("/recipe/multitenancy/tenant/user", {"recipeUserId": any_user()}, tenant=rng.choice(tenants)),
            lambda: client.post("/recipe/multitenancy/tenant/user/remove", {"recipeUserId": any_user()}, tenant=rng.choice(tenants)),
            lambda: client.post("/user/remove", {"userId": any_user(), "removeAllLinkedAccounts": rng.random() < 0.3}),
            lambda: client.post("/recipe/userid/map", {"superTokensUserId": any_user(), "externalUserId": "ext-%d" % number, "force": True}),
        ])()
        if reply is not None:
            self.assertLess(reply.status, 429, reply)

    def test_random_changes(self):
        tenants = ["public", "a", "b", "c"]
        self.tenants_of(self.app, *tenants[1:])
        rng = random.Random(1)
        users = [user for number in range(40) if (user := self.sign_up(self.app, rng, 2 * number, rng.choice(tenants)))]
        for rounds in range(4):
            for number in range(60):
                self.change(self.app, rng, users, tenants, 1000 * (rounds + 1) + number)
            self.whole()
        self.app.post("/recipe/multitenancy/tenant/remove", {"tenantId": "c"})
        self.whole()
        # External ids would need translation in the comparison.
        self.gatehouse.sql("DELETE FROM userid_mapping WHERE app_id = '%s'" % self.app.app)
        self.compare(tenants[:-1])
        self.tenants_of(self.app, "c")
        self.expect(self.app.get("/users/count", tenant="c"), count=0)

    def test_random_changes_at_once(self):
        tenants = ["public", "a", "b", "c"]
        self.tenants_of(self.app, *tenants[1:])
        rng = random.Random(2)
        users = [user for number in range(30) if (user := self.sign_up(self.app, rng, 2 * number, rng.choice(tenants)))]
        errors = []

        def run(thread):
            own = random.Random(thread)
            client = harness.Client(self.gatehouse.port, app=self.app.app)
            try:
                for number in range(40):
                    self.change(client, own, users, tenants, 1000 * (thread + 1) + number)
                    if thread == 0 and number % 10 == 5:
                        client.post("/recipe/multitenancy/tenant/remove", {"tenantId": "c"})
                        client.put("/recipe/multitenancy/tenant/v2", {"tenantId": "c"})
            except Exception as error:
                errors.append(error)
            finally:
                client.close()
        threads = [threading.Thread(target=run, args=(thread,)) for thread in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        # No user can be added to a tenant that is being removed: that is a 400, which sign-ups above do not expect.
        self.assertEqual([error for error in errors if "not found" not in str(error)], [])
        self.whole()
        self.gatehouse.sql("DELETE FROM userid_mapping WHERE app_id = '%s'" % self.app.app)
        self.compare(tenants)

    def test_a_tenant_is_removed_while_its_users_are_changed(self):
        """Neither transaction sees what the other does, so neither can tell which tenants the group is in afterwards."""
        self.tenants_of(self.app, "a", "b", "c")
        add = ("INSERT INTO recipe_user_tenants SELECT app_id, recipe_user_id, '%s', recipe_id, account_info_type, account_info_value, third_party_id, third_party_user_id"
               " FROM recipe_user_account_infos WHERE recipe_user_id = '%s';")
        moved, left, kept = (self.expect(self.app.post("/recipe/signup", {"email": name + "@example.com", "password": PASSWORD}, tenant="a"))["recipeUserId"]
                             for name in ("moved", "left", "kept"))
        for user in (left, kept):
            self.expect(self.app.post("/recipe/multitenancy/tenant/user", {"recipeUserId": user}, tenant="b"))
        self.expect(self.app.get("/users/count", {"includeAllTenants": "true"}), count=3)
        with self.gatehouse.postgres.session(self.gatehouse.database) as other:
            other.run("BEGIN; SELECT 1 FROM app_id_to_user_id WHERE user_id IN ('%s', '%s') ORDER BY user_id FOR UPDATE;" % (moved, left))
            other.run(add % ("c", moved) + "DELETE FROM recipe_user_tenants WHERE tenant_id = 'b' AND recipe_user_id = '%s';" % left)
            self.expect(self.app.post("/recipe/multitenancy/tenant/remove", {"tenantId": "a"}))
            self.assertFalse(registry_invariants.at_rest(self.gatehouse.sql))
            other.run("COMMIT;")
        self.whole()
        self.expect(self.app.get("/users/count", {"includeAllTenants": "true"}), count=2)
        self.assertEqual((self.pages(5, tenant="b"), self.pages(5, tenant="c")), ([kept], [moved]))

    def test_what_others_write(self):
        """Statements of a core that knows nothing of ours."""
        self.tenants_of(self.app, "a")
        app = self.app.app
        ids = ["%s-%027d" % (app[:8], n) for n in range(6)]
        for number, user in enumerate(ids):
            self.gatehouse.sql(SIGN_UP_SQL % {"app": app, "id": user, "joined": 1000 + 10 * number})
            self.whole()
        row = "WHERE app_id = '%s' AND user_id = '%s'"
        for statement in (
            # Link 1 and 2 to 0, in the original's way; the time follows.
            "UPDATE app_id_to_user_id SET is_linked_or_is_a_primary_user = true " + row % (app, ids[0]),
            "UPDATE app_id_to_user_id SET is_linked_or_is_a_primary_user = true, primary_or_recipe_user_id = '%s' %s" % (ids[1], row % (app, ids[0])),
            "UPDATE app_id_to_user_id SET is_linked_or_is_a_primary_user = true, primary_or_recipe_user_id = '%s' %s" % (ids[0], row % (app, ids[0])),
            "UPDATE app_id_to_user_id SET is_linked_or_is_a_primary_user = true, primary_or_recipe_user_id = '%s' WHERE app_id = '%s' AND user_id IN ('%s', '%s')"
            % (ids[0], app, ids[1], ids[2]),
            "UPDATE app_id_to_user_id SET primary_or_recipe_user_time_joined = 1000 WHERE app_id = '%s' AND primary_or_recipe_user_id = '%s'" % (app, ids[0]),
            # Into another tenant, and from there back; a recipe's change; a new id.
            "INSERT INTO recipe_user_tenants SELECT app_id, recipe_user_id, 'a', recipe_id, account_info_type, account_info_value, third_party_id, third_party_user_id"
            " FROM recipe_user_account_infos WHERE app_id = '%s'" % app,
            "UPDATE recipe_user_tenants SET tenant_id = 'a' WHERE app_id = '%s' AND tenant_id = 'public' AND false" % app,
            "DELETE FROM recipe_user_tenants WHERE app_id = '%s' AND tenant_id = 'public' AND recipe_user_id = '%s'" % (app, ids[1]),
            "DELETE FROM recipe_user_tenants WHERE app_id = '%s' AND tenant_id = 'a' AND recipe_user_id = '%s'" % (app, ids[3]),
            "UPDATE recipe_user_tenants SET tenant_id = 'a' WHERE app_id = '%s' AND recipe_user_id = '%s'" % (app, ids[3]),
            "UPDATE app_id_to_user_id SET recipe_id = 'passwordless' " + row % (app, ids[4]),
            "UPDATE app_id_to_user_id SET user_id = 'new-id' " + row % (app, ids[5]),
            "UPDATE recipe_user_tenants SET recipe_user_id = 'new-id' WHERE recipe_user_id = '%s'" % ids[5],
            "INSERT INTO user_last_active (app_id, user_id, last_active_time) SELECT app_id, user_id, time_joined * 100000 FROM app_id_to_user_id WHERE app_id = '%s'" % app,
            "UPDATE user_last_active SET last_active_time = last_active_time + 7000 WHERE app_id = '%s'" % app,
            "INSERT INTO user_last_active VALUES ('%s', 'new-id', 5) ON CONFLICT (app_id, user_id) DO UPDATE SET last_active_time = 86400000 * 3::bigint" % app,
            "DELETE FROM user_last_active WHERE app_id = '%s' AND user_id = '%s'" % (app, ids[2]),
            "DELETE FROM app_id_to_user_id " + row % (app, ids[1]),
            # Removing the leader removes its dependants too.
            "DELETE FROM app_id_to_user_id " + row % (app, ids[0]),
            "DELETE FROM tenants WHERE app_id = '%s' AND tenant_id = 'a'" % app,
            "DELETE FROM apps WHERE app_id = '%s'" % app,
        ):
            self.gatehouse.sql(statement)
            found = registry_invariants.broken(self.gatehouse.sql)
            self.assertEqual([name for name in found if "listed" in name or "counted" in name], [], statement)
        self.assertEqual(self.gatehouse.sql("SELECT count(*) FROM gatehouse_listed_users WHERE app_id = '%s'" % app), [["0"]])
        self.gatehouse.sql("DELETE FROM recipe_user_account_infos WHERE app_id = '%s'" % app)

    def test_active_users(self):
        day = 86400000
        now = 20000 * day + 5 * 3600000 + 123456
        rng = random.Random(3)
        times = sorted(now - int(rng.random() ** 4 * 40 * day) for _ in range(400))
        for first in range(0, 400, 50):
            self.gatehouse.sql("INSERT INTO user_last_active VALUES " + ",".join(
                "('%s', 'active-%d', %d)" % (self.app.app, first + n, time) for n, time in enumerate(times[first:first + 50])))
        # Folding, which otherwise happens at random.
        for width in (60000, day):
            self.gatehouse.sql("SELECT gatehouse_fold_active('%s', %d, %d)" % (self.app.app, width, now))
        self.whole()
        sinces = [0, 1, now - day, now - 30 * day, now + 1, (now // day) * day, (now // day) * day + 1, 9223372036854775807] + times[::40] + [t + 1 for t in times[::40]]
        for since in sinces:
            self.expect(self.app.get("/users/count/active", {"since": since}), count=sum(time >= since for time in times))

    def test_folding(self):
        """Many small changes leave few rows behind, and the same sum."""
        for number in range(300):
            self.gatehouse.sql(SIGN_UP_SQL % {"app": self.app.app, "id": "fold-%s-%d" % (self.app.app[:8], number), "joined": number})
        self.gatehouse.sql("SELECT gatehouse_fold_users('%s', 'public')" % self.app.app)
        self.assertEqual(self.gatehouse.sql("SELECT recipes, users FROM gatehouse_user_counts WHERE app_id = '%s' AND tenant_id = 'public'" % self.app.app), [["1", "300"]])
        self.whole()

    def test_recount(self):
        """One statement makes up for what was written without the triggers."""
        user = self.sign_up(self.app, random.Random(4), 0, "public")
        self.gatehouse.sql("SET session_replication_role = replica; DELETE FROM recipe_user_tenants WHERE recipe_user_id = '%s'; DELETE FROM gatehouse_user_counts" % user)
        self.assertNotEqual(registry_invariants.broken(self.gatehouse.sql), {})
        self.gatehouse.sql("SELECT gatehouse_recount_users()")
        self.expect(self.app.get("/users/count"), count=0)
        self.whole()

    def test_a_removed_users_token(self):
        """A page begins where its first user was, also when that is gone."""
        users = [self.sign_up(self.app, random.Random(number), number, "public") for number in range(6)]
        page = self.expect(self.app.get("/users", {"limit": 3, "timeJoinedOrder": "ASC"}))
        self.assertEqual(base64.b64decode(page["nextPaginationToken"]).decode().split(";")[0], users[3])
        self.expect(self.app.post("/user/remove", {"userId": users[3]}))
        rest = self.expect(self.app.get("/users", {"limit": 3, "timeJoinedOrder": "ASC", "paginationToken": page["nextPaginationToken"]}))
        self.assertEqual([user["id"] for user in rest["users"]], users[4:])


class Plans(unittest.TestCase):
    """The server's own record of how it ran each statement."""
    # A table with a row per tenant and set of recipes may be scanned while it is small.
    USER_TABLES = {"app_id_to_user_id", "recipe_user_tenants", "recipe_user_account_infos", "primary_user_tenants", "emailpassword_users", "thirdparty_users",
                   "userid_mapping", "emailverification_verified_emails", "user_last_active", "gatehouse_listed_users"}
    USERS = 24000

    @classmethod
    def setUpClass(cls):
        cls.log = plan_log.PlanLog()
        cls.addClassCleanup(cls.log.close)
        cls.postgres = harness.Postgres(log=cls.log.file, settings=cls.log.settings)
        cls.addClassCleanup(cls.postgres.stop)
        cls.gatehouse = harness.Gatehouse(mode="all-in-one", postgres=cls.postgres, environment={"BCRYPT_LOG_ROUNDS": "4"}).start()
        cls.addClassCleanup(cls.gatehouse.kill)
        cls.client = cls.gatehouse.client()
        cls.addClassCleanup(cls.client.close)
        for tenant in ("branch", "small"):
            cls.client.put("/recipe/multitenancy/tenant/v2", {"tenantId": tenant})
        generate_users.load(lambda text: cls.gatehouse.sql(plan_log.QUIET + text), cls.USERS)

    def plans(self, requests, times=8):
        """(query, plan) of the statements of requests made often enough for plans that do not depend on the parameters."""
        self.log.take(self.gatehouse.sql)
        for number in range(times):
            for request in requests:
                reply = request(number)
                self.assertEqual(reply.status, 200, reply)
        return [(document["Query Text"], document["Plan"]) for document in self.log.take(self.gatehouse.sql)]

    def scans(self, plan):
        if plan["Node Type"] == "Seq Scan":
            yield plan["Relation Name"]
        for child in plan.get("Plans", ()):
            yield from self.scans(child)

    def check(self, plans, *tables):
        for table in tables:
            self.assertTrue(any(table in query for query, _ in plans), table)
        for query, plan in plans:
            self.assertEqual(self.USER_TABLES & set(self.scans(plan)), set(), query + "\n" + json.dumps(plan, indent=1)[:3000])

    def get(self, path, tenant=None, **query):
        return lambda number: self.client.get(path, {k: v(number) if callable(v) else v for k, v in query.items()}, tenant=tenant)

    def test_pages(self):
        def token(number):
            user = self.gatehouse.sql(plan_log.QUIET + "SELECT primary_user_id, time_joined FROM gatehouse_listed_users"
                                      " WHERE tenant_id = 'public' ORDER BY time_joined OFFSET %d LIMIT 1" % (2500 * number + 1))[0]
            return base64.b64encode((user[0].strip() + ";" + user[1]).encode()).decode()
        requests = []
        for order in ("ASC", "DESC"):
            for recipes in ({}, {"includeRecipeIds": "thirdparty"}, {"includeRecipeIds": "passwordless,webauthn"}):
                for tenant in (None, "branch", "small"):
                    requests.append(self.get("/users", tenant=tenant, limit=20, timeJoinedOrder=order, **recipes))
                requests.append(self.get("/users", limit=20, timeJoinedOrder=order, paginationToken=token, **recipes))
        self.check(self.plans(requests), "gatehouse_listed_users")

    def test_searches(self):
        # Few are found: for a large part of the users a scan of all may well be chosen.
        requests = [lambda number: self.client.post("/recipe/signinup", {"thirdPartyId": "github", "thirdPartyUserId": "search-%d" % number,
                                                                         "email": {"id": "search-%d@example.com" % number, "isVerified": True}})]
        for order in ("ASC", "DESC"):
            for tags in ({"email": lambda n: "user1234%d" % n}, {"email": lambda n: "company99%d" % n}, {"provider": "gith"}, {"phone": "+1415"},
                         {"email": "user1234;user2345", "provider": "google"}, {"phone": "+1;+2", "provider": "google"}):
                requests.append(self.get("/users", timeJoinedOrder=order, **tags))
        self.check(self.plans(requests), "account_info_type = 'email'", "account_info_type = 'tparty'", "account_info_type = 'phone'")

    def test_counts(self):
        requests = [self.get("/users/count", tenant=tenant, includeAllTenants=everywhere, **recipes) for tenant in (None, "branch", "small")
                    for everywhere in ("true", "false") for recipes in ({}, {"includeRecipeIds": "thirdparty"})
                    if tenant is None or everywhere == "false"]
        plans = self.plans(requests)
        self.check(plans, "gatehouse_user_counts")
        # Nothing but the sums.
        self.assertFalse(any("recipe_user_tenants" in query for query, _ in plans))

    def test_active_users(self):
        now = int(self.gatehouse.sql("SELECT (extract(epoch FROM now()) * 1000)::bigint")[0][0])
        requests = [self.get("/users/count/active", since=since) for since in (0, now - 86400000, now - 30 * 86400000, now)]
        self.check(self.plans(requests), "gatehouse_active_counts")

    def test_changes(self):
        """The triggers' own statements."""
        users = []

        def sign_up(number):
            body = {"thirdPartyId": "google", "thirdPartyUserId": "plan-%d" % len(users), "email": {"id": "plan-%d@example.com" % len(users), "isVerified": True}}
            reply = self.client.post("/recipe/signinup", body)
            users.append(reply.json["recipeUserId"])
            return reply
        post = self.client.post
        requests = [
            sign_up, sign_up,
            lambda n: post("/recipe/accountlinking/user/primary", {"recipeUserId": users[-1]}),
            lambda n: post("/recipe/accountlinking/user/link", {"recipeUserId": users[-2], "primaryUserId": users[-1]}),
            lambda n: post("/recipe/multitenancy/tenant/user", {"recipeUserId": users[-1]}, tenant="branch"),
            lambda n: post("/recipe/multitenancy/tenant/user/remove", {"recipeUserId": users[-1]}, tenant="branch"),
            lambda n: post("/recipe/accountlinking/user/unlink", {"recipeUserId": users[-2]}),
            lambda n: post("/user/remove", {"userId": users[-1]}),
        ]
        ours = [(query, plan) for query, plan in self.plans(requests) if re.search("gatehouse_|old_rows|new_rows", query)]
        self.check(ours, "FROM pairs p", "gatehouse_listed_users", "old_rows", "new_rows")


if __name__ == "__main__":
    unittest.main()
