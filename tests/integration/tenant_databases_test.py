"""Apps and tenants with their own database or schema: their rows are there and nowhere else, and nobody else is affected when it is down."""
import threading
import time
import unittest

from integration import harness, pg_proxy

PASSWORD = "correct horse 1"
# Tables that may have no row of an app that lives elsewhere. tenant_configs and its children belong to the base database only.
TABLES = ["apps", "tenants", "app_id_to_user_id", "recipe_user_account_infos", "recipe_user_tenants", "primary_user_tenants", "userid_mapping", "emailpassword_users",
          "emailverification_verified_emails", "emailverification_tokens", "emailpassword_pswd_reset_tokens", "user_metadata", "user_last_active", "thirdparty_users",
          "passwordless_users", "passwordless_devices", "passwordless_codes", "session_info", "roles", "role_permissions", "user_roles",
          "totp_users", "totp_user_devices", "totp_used_codes", "jwt_signing_keys",
          "session_access_token_signing_keys"]


class TenantDatabases(harness.GatehouseTest):
    def setUp(self):
        super().setUp()
        self.postgres = self.gatehouse.postgres
        self.own = self.postgres.create_database()

    def put_tenant(self, app, tenant, config, **k):
        return app.put("/recipe/multitenancy/tenant/v2", {"tenantId": tenant, "coreConfig": config}, **k)

    def in_database(self, database):
        """A core config. If the base is configured by a connection URI, its parts win over individual keys, a tenant's too: as in the original."""
        return {"postgresql_connection_uri": self.postgres.uri(database)}

    def rows(self, database, app, schema="public"):
        """Tables with rows of the app, and how many."""
        query = " UNION ALL ".join("SELECT '%s', count(*) FROM %s.%s WHERE app_id = '%s'" % (t, schema, t, app.app) for t in TABLES)
        return {table: int(count) for table, count in self.postgres.sql(query, database) if count != "0"}

    def connections(self, database):
        return int(self.postgres.sql("SELECT count(*) FROM pg_stat_activity WHERE datname = '%s'" % database, "postgres")[0][0])

    def sign_up(self, app, email="a@example.com", tenant=None):
        return self.expect(app.post("/recipe/signup", {"email": email, "password": PASSWORD}, tenant=tenant))["user"]["id"]

    def session(self, app, user, tenant=None):
        return self.expect(app.post("/recipe/session", {"userId": user, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False}, tenant=tenant))

    def device(self, app, user):
        device = {"userId": user, "deviceName": "phone", "skew": 1, "period": 30, "secretKey": "JBSWY3DPEHPK3PXP"}
        self.expect(app.post("/recipe/totp/device/import", device))
        self.assertEqual([found["name"] for found in self.expect(app.get("/recipe/totp/device/list", {"userId": user}))["devices"]], ["phone"])

    def use_everything(self, app, tenant=None):
        """One of each kind of user, with sessions, roles, metadata, verification, links, a mapping; returns the ids by kind."""
        users = {"password": self.sign_up(app, tenant=tenant), "linked": self.sign_up(app, "linked@example.com", tenant), "mapped": self.sign_up(app, "m@example.com", tenant)}
        self.expect(app.post("/recipe/signin", {"email": "a@example.com", "password": PASSWORD}, tenant=tenant))
        social = {"thirdPartyId": "google", "thirdPartyUserId": "g-1", "email": {"id": "social@example.com", "isVerified": True}}
        users["social"] = self.expect(app.post("/recipe/signinup", social, tenant=tenant))["user"]["id"]
        code = self.expect(app.post("/recipe/signinup/code", {"email": "code@example.com"}, tenant=tenant))
        link = {"preAuthSessionId": code["preAuthSessionId"], "linkCode": code["linkCode"]}
        users["code"] = self.expect(app.post("/recipe/signinup/code/consume", link, tenant=tenant))["user"]["id"]
        self.expect(app.post("/recipe/signinup/code", {"email": "open@example.com"}, tenant=tenant))

        session = self.session(app, users["password"], tenant)
        token = {"accessToken": session["accessToken"]["token"], "enableAntiCsrf": False, "doAntiCsrfCheck": False, "checkDatabase": True}
        self.expect(app.post("/recipe/session/verify", token))
        self.expect(app.post("/recipe/session/refresh", {"refreshToken": session["refreshToken"]["token"], "enableAntiCsrf": False, "useDynamicSigningKey": True}))
        self.expect(app.post("/recipe/session/refresh", {"refreshToken": session["refreshToken"]["token"], "enableAntiCsrf": False, "useDynamicSigningKey": False}))

        self.expect(app.put("/recipe/role", {"role": "editor", "permissions": ["write"]}))
        self.expect(app.put("/recipe/user/role", {"userId": users["password"], "role": "editor"}, tenant=tenant))
        self.expect(app.get("/recipe/user/roles", {"userId": users["password"]}, tenant=tenant), roles=["editor"])
        self.device(app, users["password"])
        self.expect(app.post("/recipe/totp/verify", {"userId": users["password"], "totp": "x"}, tenant=tenant), status="INVALID_TOTP_ERROR")
        self.expect(app.put("/recipe/user/metadata", {"userId": users["password"], "metadataUpdate": {"n": 1}}))
        self.expect(app.get("/recipe/user/metadata", {"userId": users["password"]}), metadata={"n": 1})

        verify = {"userId": users["password"], "email": "a@example.com"}
        made = self.expect(app.post("/recipe/user/email/verify/token", verify, tenant=tenant))["token"]
        self.expect(app.post("/recipe/user/email/verify", {"method": "token", "token": made}, tenant=tenant))
        self.expect(app.get("/recipe/user/email/verify", verify), isVerified=True)
        self.expect(app.post("/recipe/user/email/verify/token", {"userId": users["mapped"], "email": "m@example.com"}, tenant=tenant))
        self.expect(app.post("/recipe/user/password/reset/token", {"userId": users["linked"], "email": "linked@example.com"}, tenant=tenant))

        self.expect(app.post("/recipe/accountlinking/user/primary", {"recipeUserId": users["password"]}))
        self.expect(app.post("/recipe/accountlinking/user/link", {"recipeUserId": users["linked"], "primaryUserId": users["password"]}))
        self.expect(app.post("/recipe/userid/map", {"superTokensUserId": users["mapped"], "externalUserId": "ext-1"}))
        self.assertEqual(self.expect(app.get("/user/id", {"userId": "ext-1"}))["user"]["id"], "ext-1")
        jwt = {"payload": {}, "validity": 100, "useStaticSigningKey": True, "algorithm": "RS256", "jwksDomain": "http://x"}
        self.expect(app.post("/recipe/jwt", jwt))

        listed = self.expect(app.get("/users", tenant=tenant))["users"]
        self.assertEqual({u["id"] for u in listed}, {users["password"], users["social"], users["code"], "ext-1"})
        self.expect(app.get("/users/count", tenant=tenant), count=4)
        self.expect(app.get("/users/count", {"includeAllTenants": "true"}), count=4)
        self.expect(app.get("/users/count/active", {"since": "0"}))
        return users

    def test_an_app_with_a_database_of_its_own(self):
        for schema in ("public", "s1"):
            with self.subTest(schema):
                own = self.postgres.create_database()
                app = self.gatehouse.new_app({"postgresql_connection_uri": self.postgres.uri(own), "postgresql_table_schema": schema})
                self.addCleanup(app.close)
                users = self.use_everything(app)
                self.assertEqual(self.rows(self.gatehouse.database, app), {})
                rows = self.rows(own, app, schema)
                self.assertEqual(set(TABLES) - set(rows), set())
                self.assertEqual(self.postgres.sql("SELECT count(*) FROM %s.tenant_configs" % schema, own), [["0"]])
                self.assertEqual(self.gatehouse.sql("SELECT count(*) FROM tenant_configs WHERE app_id = '%s'" % app.app), [["1"]])

                self.expect(app.post("/user/remove", {"userId": users["password"]}))
                self.expect(app.post("/user/remove", {"userId": "ext-1"}))
                left = self.rows(own, app, schema)
                for table in ("session_info", "user_metadata", "user_roles", "totp_users", "primary_user_tenants", "userid_mapping", "emailpassword_users", "emailpassword_pswd_reset_tokens"):
                    self.assertNotIn(table, left)
                self.expect(self.gatehouse.once("POST", "/recipe/multitenancy/app/remove", body={"appId": app.app}), didExist=True)
                self.assertEqual(self.rows(own, app, schema), {})
                self.text(app.get("/users/count"), 400, "AppId or tenantId not found => Tenant with the following connectionURIDomain, appId and tenantId combination not "
                          "found: (, %s, public)" % app.app)

    def test_a_tenant_with_a_database_of_its_own(self):
        self.sign_up(self.app, "base@example.com")
        self.expect(self.put_tenant(self.app, "own", self.in_database(self.own)))
        users = self.use_everything_in_tenant()
        base, own = self.rows(self.gatehouse.database, self.app), self.rows(self.own, self.app)
        self.assertEqual((base["app_id_to_user_id"], own["app_id_to_user_id"]), (1, 2))
        self.assertNotIn("session_info", base)
        self.assertEqual(own["session_info"], 1)
        # Keys, activity and roles belong to the app; who has a role is stored with the user.
        self.assertNotIn("jwt_signing_keys", own)
        self.assertNotIn("user_last_active", own)
        self.assertNotIn("user_roles", base)
        self.assertEqual((base["roles"], own["user_roles"]), (1, 1))
        self.expect(self.app.get("/users/count"), count=1)
        self.expect(self.app.get("/users/count", tenant="own"), count=2)
        self.expect(self.app.get("/users/count", {"includeAllTenants": "true"}), count=3)
        self.expect(self.app.get("/users/count/active", {"since": "0"}), count=3)
        # A user of a tenant's database is found only by its id, and can't be linked across databases.
        self.assertEqual(self.expect(self.app.get("/user/id", {"userId": users[0]}))["user"]["tenantIds"], ["own"])
        other = self.sign_up(self.app, "lead@example.com")
        self.expect(self.app.post("/recipe/accountlinking/user/primary", {"recipeUserId": other}))
        refused = self.app.post("/recipe/accountlinking/user/link", {"recipeUserId": users[0], "primaryUserId": other})
        self.assertEqual(refused.status, 400)
        self.assertTrue(refused.text.startswith("Cannot link users that are parts of different databases. Different pool IDs: "), refused)

        # Removal deletes everything, including the activity in the app's database.
        self.expect(self.app.get("/users/count/active", {"since": "0"}), count=4)
        self.expect(self.app.post("/user/remove", {"userId": users[0]}))
        self.expect(self.app.get("/users/count/active", {"since": "0"}), count=3)
        self.assertEqual(self.gatehouse.sql("SELECT count(*) FROM user_last_active WHERE app_id = '%s' AND user_id = '%s'" % (self.app.app, users[0])), [["0"]])
        self.assertNotIn("session_info", self.rows(self.own, self.app))
        self.assertNotIn("totp_users", self.rows(self.own, self.app))
        self.expect(self.app.post("/recipe/multitenancy/tenant/remove", {"tenantId": "own"}), didExist=True)
        self.assertEqual(self.postgres.sql("SELECT count(*) FROM tenants WHERE app_id = '%s'" % self.app.app, self.own), [["0"]])
        self.assertEqual(self.postgres.sql("SELECT count(*) FROM recipe_user_tenants WHERE app_id = '%s'" % self.app.app, self.own), [["0"]])
        self.expect(self.app.get("/users/count"), count=2)

    def use_everything_in_tenant(self):
        users = [self.sign_up(self.app, "%d@example.com" % i, tenant="own") for i in range(2)]
        self.session(self.app, users[0], tenant="own")
        self.expect(self.app.put("/recipe/role", {"role": "r", "permissions": []}))
        self.expect(self.app.put("/recipe/user/role", {"userId": users[0], "role": "r"}, tenant="own"))
        self.expect(self.app.get("/recipe/user/roles", {"userId": users[0]}, tenant="own"), roles=["r"])
        self.device(self.app, users[0])
        self.expect(self.app.post("/recipe/totp/verify", {"userId": users[0], "totp": "x"}), status="UNKNOWN_USER_ID_ERROR")
        self.expect(self.app.post("/recipe/totp/verify", {"userId": users[0], "totp": "x"}, tenant="own"), status="INVALID_TOTP_ERROR")
        return users

    def test_schemas_and_pools_in_one_database(self):
        """A schema separates rows; another pool size doesn't: those tenants are in one database, and share its users."""
        self.expect(self.put_tenant(self.app, "schema", {"postgresql_table_schema": "s_" + self.app.app}))
        self.expect(self.put_tenant(self.app, "small", {"postgresql_connection_pool_size": 1}))
        self.sign_up(self.app, "x@example.com", tenant="schema")
        self.assertEqual(self.rows(self.gatehouse.database, self.app, "s_" + self.app.app)["emailpassword_users"], 1)
        self.assertNotIn("emailpassword_users", self.rows(self.gatehouse.database, self.app))
        small, public = self.sign_up(self.app, "s@example.com", tenant="small"), self.sign_up(self.app, "p@example.com")
        self.assertEqual(self.rows(self.gatehouse.database, self.app)["emailpassword_users"], 2)
        self.expect(self.app.get("/users/count", {"includeAllTenants": "true"}), count=3)
        self.expect(self.app.post("/recipe/multitenancy/tenant/user", {"recipeUserId": public}, tenant="small"))
        self.expect(self.app.post("/recipe/accountlinking/user/primary", {"recipeUserId": public}))
        self.expect(self.app.post("/recipe/accountlinking/user/link", {"recipeUserId": small, "primaryUserId": public}))
        self.expect(self.app.get("/users/count", {"includeAllTenants": "true"}), count=2)

    def test_another_prefix_in_a_schema_that_was_used(self):
        """Other tables in a known place: they have to be created, for a tenant that changes its prefix and for a later one."""
        schema = "s_" + self.app.app
        for number, prefix in enumerate(("", "p", "q")):
            config = {"postgresql_table_schema": schema, "postgresql_table_names_prefix": prefix}
            self.expect(self.put_tenant(self.app, "prefixed", config))
            self.sign_up(self.app, "x@example.com", tenant="prefixed")
            users = self.gatehouse.sql("SELECT count(*) FROM %s.%semailpassword_users" % (schema, prefix and prefix + "_"))
            self.assertEqual(users, [["1"]], prefix)
            if number > 0:
                self.expect(self.app.post("/recipe/multitenancy/tenant/remove", {"tenantId": "prefixed"}), didExist=True)

    def test_tenants_of_one_database_share_a_pool(self):
        config = {**self.in_database(self.own), "postgresql_connection_pool_size": 2, "postgresql_idle_connection_timeout": 600000}
        tenants = ["one", "two", "three"]
        for tenant in tenants:
            self.expect(self.put_tenant(self.app, tenant, config))
        clients = [self.gatehouse.client(app=self.app.app) for _ in range(12)]
        stop, seen = time.monotonic() + 3, set()

        def work(i):
            try:
                while time.monotonic() < stop:
                    seen.add(clients[i].get("/users/count", tenant=tenants[i % 3]).status)
                    seen.add(clients[i].get("/recipe/user/roles", {"userId": "x"}, tenant=tenants[i % 3]).status)
            except Exception as error:  # seen by the assertion below
                seen.add(error)
        threads = [threading.Thread(target=work, args=(i,)) for i in range(12)]
        for thread in threads:
            thread.start()
        most = 0
        for thread in threads:
            while thread.is_alive():
                most = max(most, self.connections(self.own))
                thread.join(0.05)
        for client in clients:
            client.close()
        self.assertEqual(seen, {200})
        # All-in-one has one pool of 2; apart, each service that was asked has its own.
        services = 1 if self.gatehouse.mode == "all-in-one" else len(harness.SERVICES)
        self.assertGreater(most, 0)
        self.assertLessEqual(most, 2 * services)
        # The connections of a database are closed with its last tenant.
        for tenant in tenants:
            self.expect(self.app.post("/recipe/multitenancy/tenant/remove", {"tenantId": tenant}), didExist=True)
        harness.wait_until(lambda: self.connections(self.own) == 0, 10, "the connections to a database that nobody uses any more to close")

    def test_conflicting_settings_are_refused(self):
        before = self.gatehouse.sql("SELECT count(*) FROM tenant_configs")
        self.expect(self.put_tenant(self.app, "own", self.in_database(self.own)))
        prefix = self.put_tenant(self.app, "prefix", {**self.in_database(self.own), "postgresql_table_names_prefix": "p"})
        self.text(prefix, 400, "Invalid core config: You cannot set different values for postgresql_table_names_prefix for the same user pool")
        table = self.put_tenant(self.app, "table", {**self.in_database(self.own), "postgresql_session_info_table_name": "p"})
        self.text(table, 400, "Invalid core config: You cannot set different values for postgresql_session_info_table_name for the same user pool")
        domain = self.gatehouse.once("PUT", "/recipe/multitenancy/connectionuridomain/v2",
                                     body={"connectionUriDomain": "d.example", "coreConfig": self.in_database(self.own)})
        self.assertEqual(domain.status, 400)
        self.assertIn("cannot be mapped to the same user pool as", domain.text)
        away = self.put_tenant(self.app, "away", self.in_database("there_is_none"))
        self.text(away, 400, "Invalid core config: the database that the configuration names can't be used")
        self.assertEqual(int(self.gatehouse.sql("SELECT count(*) FROM tenant_configs")[0][0]), int(before[0][0]) + 1)
        for tenant in ("prefix", "table", "away"):
            self.assertEqual(self.app.get("/users/count", tenant=tenant).status, 400)

    def others_work(self):
        """Every kind of work of the app's public tenant, each quickly."""
        slowest = 0
        for call in (lambda: self.app.get("/users/count"), lambda: self.app.get("/recipe/roles"),
                     lambda: self.app.post("/recipe/signin", {"email": "base@example.com", "password": PASSWORD}),
                     lambda: self.session(self.app, self.base_user), lambda: self.app.get("/recipe/multitenancy/tenant/list/v2")):
            start = time.monotonic()
            reply = call()
            slowest = max(slowest, time.monotonic() - start)
            if isinstance(reply, harness.Reply):
                self.assertEqual(reply.status, 200, reply)
        return slowest

    def test_a_database_that_is_away_and_returns(self):
        self.base_user = self.sign_up(self.app, "base@example.com")
        proxy = pg_proxy.PgProxy(self.postgres.port)
        self.addCleanup(proxy.stop)
        # A separate app: operations on all of an app's users need all of its databases.
        away = self.gatehouse.new_app({"postgresql_connection_uri": proxy.uri(self.own)})
        self.addCleanup(away.close)
        user = self.sign_up(away)
        for silent in (False, True):
            with self.subTest("silence" if silent else "refused"):
                proxy.stop()
                if silent:
                    proxy.listen("silence")
                clients = [self.gatehouse.client(app=away.app) for _ in range(8)]
                replies, stop = [], threading.Event()

                def ask(client):
                    try:
                        while not stop.wait(0.02):
                            replies.append(client.get("/users/count"))
                    except Exception as error:  # seen by the assertion below
                        replies.append(error)
                threads = [threading.Thread(target=ask, args=(client,)) for client in clients]
                for thread in threads:
                    thread.start()
                # The first requests find out for the others, for as long as a connection may take.
                harness.wait_until(lambda: len(replies) > len(threads), 15, "the first answers")
                times = [self.others_work() for _ in range(5)]
                stop.set()
                for thread in threads:
                    thread.join()
                self.assertTrue(all(isinstance(reply, harness.Reply) for reply in replies), replies)
                for client in clients:
                    client.close()
                self.assertEqual({(r.status, r.text) for r in replies}, {(503, "The database is not available\n")})
                self.assertLess(sorted(times)[2], 2, times)
                # The process is ready all the same: the base database is up.
                self.assertEqual(self.gatehouse.admin("/readyz").status, 200)
                if silent:
                    proxy.stop()
                proxy.listen()
                harness.wait_until(lambda: away.get("/user/id", {"userId": user}).status == 200, 8, "the recovery of the app whose database is back")
                self.expect(away.get("/users/count"), count=1)
                for service in ("/recipe/roles", "/.well-known/jwks.json", "/recipe/multitenancy/tenant/list/v2"):
                    harness.wait_until(lambda: away.get(service).status == 200, 8, service)

    def test_a_restart_finds_everything(self):
        second = harness.Gatehouse()
        self.addCleanup(second.kill)
        second.start()
        app = second.new_app(self.in_database(self.own))
        self.expect(app.put("/recipe/multitenancy/tenant/v2", {"tenantId": "t", "coreConfig": {"postgresql_table_schema": "other"}}))
        users = {tenant: self.sign_up(app, "a@example.com", tenant) for tenant in (None, "t")}
        app.close()
        second.stop()
        for process in second.processes.values():
            process.start()
        second.wait_ready()
        for tenant, user in users.items():
            self.expect(app.post("/recipe/signin", {"email": "a@example.com", "password": PASSWORD}, tenant=tenant), recipeUserId=user)
        app.close()
        # A second instance sees tenants made at the first at once.
        if second.mode == "all-in-one":
            third = harness.Gatehouse(database=second.database)
            self.addCleanup(third.kill)
            third.start()
            late = self.postgres.create_database()
            other = harness.Client(third.port, app=app.app)
            self.addCleanup(other.close)
            self.expect(app.put("/recipe/multitenancy/tenant/v2", {"tenantId": "late", "coreConfig": self.in_database(late)}))
            user = self.sign_up(other, "l@example.com", "late")
            self.expect(app.post("/recipe/signin", {"email": "l@example.com", "password": PASSWORD}, tenant="late"), recipeUserId=user)
        app.close()


if __name__ == "__main__":
    unittest.main()
