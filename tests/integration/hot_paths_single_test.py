"""SQL statements of a request on the hot paths, exactly, as PostgreSQL itself counts them (pg_stat_statements)."""
import re
import threading
import unittest

from integration import harness, passkeys

TIMES = 20
CONNECTIONS = 4
# PostgreSQL plans a statement for its parameters five times on each connection before it looks at a plan for any, and keeps to the former where that seems cheaper. Warming up gets past that, and
# prepares what is prepared once per connection, on the connection that requests use one after the other. A job may make them use another one meanwhile, and new statistics end a plan: fewer than one
# plan for two calls are none for each.
PLANS = TIMES // 2
WARM_UP = 12
# Statements that run periodically, independent of requests: batches of last-active times and of the audit log, readiness, the directory's check of all tenants, jobs.
BACKGROUND = re.compile(r"INSERT INTO (user_last_active|activity_log)|SELECT (current_setting|pg_try_advisory_xact_lock|public\.gatehouse_settle_user"
                        r"|public\.gatehouse_maintain_activity_log|public\.gatehouse_gather_statistics|at_app, at_user|[cp]\.connection_uri_domain)|WITH RECURSIVE app\(id\)")


# Statements of jobs that requests could run too: these would show in each. (Keys are read again a few seconds after an app's first ones were made.)
NOT_IN_EACH = re.compile(r"BEGIN$|COMMIT$|SELECT \$\d+, \$\d+, value, created_at_time FROM session_access_token_signing_keys")


class HotPaths(harness.GatehouseTest):
    # Production behaviour: test mode turns the throttle of activity notes off.
    @classmethod
    def setUpClass(cls):
        cls.postgres = harness.Postgres(settings=["shared_preload_libraries=pg_stat_statements", "pg_stat_statements.track_planning=on"])
        cls.addClassCleanup(cls.postgres.stop)
        database = cls.postgres.create_database()
        cls.postgres.sql("CREATE EXTENSION pg_stat_statements", database)
        # One more listens for changes of tenants.
        environment = {"BCRYPT_LOG_ROUNDS": "4", "POSTGRESQL_CONNECTION_POOL_SIZE": str(CONNECTIONS + 1), "POSTGRESQL_IDLE_CONNECTION_TIMEOUT": "3600000"}
        cls.gatehouse = harness.Gatehouse(test_mode=False, environment=environment, postgres=cls.postgres, database=database).start()
        cls.addClassCleanup(cls.gatehouse.kill)
        cls.fill_pool()

    @classmethod
    def fill_pool(cls):
        """Opens all connections of the pool. Otherwise one is opened whenever a request finds them all in use: by a job, or by the directory, which reads a tenant again that has changed."""
        def ask():
            client = cls.gatehouse.client()
            client.get("/recipe/roles")
            client.close()
        threads = [threading.Thread(target=ask) for _ in range(CONNECTIONS)]
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        with cls.postgres.session(cls.gatehouse.database) as session:
            session.run("BEGIN; LOCK TABLE roles IN ACCESS EXCLUSIVE MODE;")
            for thread in threads:
                thread.start()
            harness.wait_until(lambda: cls.gatehouse.sql(waiting) == [[str(CONNECTIONS)]], 30, "every connection to be in use")
            session.run("ROLLBACK;")
        for thread in threads:
            thread.join()

    def setUp(self):
        super().setUp()
        self.user = self.expect(self.app.post("/recipe/signup", {"email": "hot@example.com", "password": "x1234567"}))["user"]["id"]
        self.create = {"userId": self.user, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False}
        self.session = self.expect(self.app.post("/recipe/session", self.create))

    def calls(self):
        rows = self.gatehouse.sql("SELECT queryid, calls, plans, left(regexp_replace(query, '\\s+', ' ', 'g'), 2000) FROM pg_stat_statements"
                                  " WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query NOT LIKE '%pg_stat_statements%'")
        self.of_jobs = sum(int(calls) for _, calls, _, text in rows if BACKGROUND.match(text))
        return {query_id: (int(calls), int(plans), text) for query_id, calls, plans, text in rows if not BACKGROUND.match(text)}

    def expect_statements(self, call, *expected):
        """`call` runs exactly these statements, once each, in any order, and does not plan them at each call; a statement is named by its beginning and one of its tables."""
        for _ in range(WARM_UP):
            call()
        before = self.calls()
        of_jobs = self.of_jobs
        for _ in range(TIMES):
            call()
        none = (0, 0, "")
        ran = [(calls - before.get(query_id, none)[0], plans - before.get(query_id, none)[1], text) for query_id, (calls, plans, text) in self.calls().items()]
        # Jobs begin and end transactions, too: one for each of their statements at most, and a few to see whether there is anything to do.
        transactions = TIMES if ("BEGIN", "") in expected else 0
        allowed = range(transactions, transactions + TIMES + self.of_jobs - of_jobs)
        ran = [(transactions, plans, text) if text in ("BEGIN", "COMMIT") and calls in allowed else (calls, plans, text) for calls, plans, text in ran]
        ran = [(calls, plans, text) for calls, plans, text in ran if calls and not (NOT_IN_EACH.match(text) and calls < TIMES)]
        self.assertEqual([calls for calls, _, _ in ran], [TIMES] * len(expected), ran)
        self.assertEqual([row for row in ran if row[1] > PLANS], [])
        for verb, table in expected:
            self.assertTrue(any(text.startswith(verb) and table in text for _, _, text in ran), (verb, table, ran))

    def test_nothing_is_planned_at_each_call(self):
        ids = {"userId": self.user}
        self.expect(self.app.put("/recipe/role", {"role": "admin", "permissions": ["all"]}))
        self.expect(self.app.put("/recipe/user/role", {**ids, "role": "admin"}))
        access, handle = self.session["accessToken"]["token"], self.session["session"]["handle"]
        numbers = iter(range(1000))
        google = {"thirdPartyId": "google", "email": {"id": "g@example.com", "isVerified": True}}
        site = passkeys.Site(self.app)
        key = passkeys.Authenticator("hot")
        self.expect(site.sign_up(key, "passkey@example.com"))
        self.expect(self.app.post("/recipe/totp/device/import", {**ids, "deviceName": "d", "skew": 1, "period": 30, "secretKey": "JBSWY3DPEHPK3PXP"}))
        self.expect(self.app.put("/recipe/role", {"role": "other", "permissions": []}))
        other = self.expect(self.app.post("/recipe/signup", {"email": "other@example.com", "password": "x1234567"}))["user"]["id"]

        def link():
            self.expect(self.app.post("/recipe/accountlinking/user/primary", {"recipeUserId": self.user}))
            self.expect(self.app.post("/recipe/accountlinking/user/link", {"recipeUserId": other, "primaryUserId": self.user}))
            return self.app.post("/recipe/accountlinking/user/unlink", {"recipeUserId": other})
        operations = {
            "verify with the database": lambda: self.app.post("/recipe/session/verify", {"accessToken": access, "enableAntiCsrf": False, "doAntiCsrfCheck": False, "checkDatabase": True}, cdi="5.4"),
            "session information": lambda: self.app.get("/recipe/session", {"sessionHandle": handle}),
            "sessions of a user": lambda: self.app.get("/recipe/session/user", ids),
            "session data": lambda: self.app.put("/recipe/session/data", {"sessionHandle": handle, "userDataInDatabase": {}}),
            "roles of a user": lambda: self.app.get("/recipe/user/roles", ids),
            "users with a role": lambda: self.app.get("/recipe/role/users", {"role": "admin"}),
            "permissions": lambda: self.app.get("/recipe/role/permissions", {"role": "admin"}),
            "metadata": lambda: self.app.get("/recipe/user/metadata", ids),
            "update of metadata": lambda: self.app.put("/recipe/user/metadata", {**ids, "metadataUpdate": {"n": next(numbers)}}),
            "a page of users": lambda: self.app.get("/users", {"limit": 100}),
            "a short page of users": lambda: self.app.get("/users", {"limit": 1, "timeJoinedOrder": "DESC", "includeRecipeIds": "thirdparty"}),
            "search by email": lambda: self.app.get("/users", {"email": "hot"}),
            "search by several": lambda: self.app.get("/users", {"email": "hot;n", "provider": "google", "phone": "+1"}),
            "search by phone": lambda: self.app.get("/users", {"phone": "+1415", "timeJoinedOrder": "DESC"}),
            "search by provider": lambda: self.app.get("/users", {"provider": "goo"}),
            "count": lambda: self.app.get("/users/count"),
            "users by two account infos": lambda: self.app.get("/users/by-accountinfo", {"email": "hot@example.com", "phoneNumber": "+14155552671", "doUnionOfAccountInfo": "true"}),
            "users by third party": lambda: self.app.get("/users/by-accountinfo", {"thirdPartyId": "google", "thirdPartyUserId": "known", "doUnionOfAccountInfo": "false"}),
            "users by passkey": lambda: self.app.get("/users/by-accountinfo", {"webauthnCredentialId": key.id, "doUnionOfAccountInfo": "false"}),
            "sign-in": lambda: self.app.post("/recipe/signin", {"email": "hot@example.com", "password": "x1234567"}),
            "passkey sign-in": lambda: site.sign_in(key),
            "one-time codes": lambda: self.app.post("/recipe/totp/verify", {**ids, "totp": "x"}),
            "one-time code's devices": lambda: self.app.get("/recipe/totp/device/list", ids),
            "removal of sessions": lambda: self.app.post("/recipe/session/remove", {"sessionHandles": [self.app.post("/recipe/session", self.create).json["session"]["handle"] for _ in range(3)]}),
            "removal of a user's sessions": lambda: self.app.post("/recipe/session/remove", ids),
            "removal of a role": lambda: self.app.post("/recipe/user/role/remove", {**ids, "role": "other"}),
            "role": lambda: self.app.put("/recipe/role", {"role": "many", "permissions": ["a", "b", "c"]}),
            "removal of permissions": lambda: self.app.post("/recipe/role/permissions/remove", {"role": "many", "permissions": ["a", "b"]}),
            "roles with a permission": lambda: self.app.get("/recipe/permission/roles", {"permission": "c"}),
            "linking": link,
            "dashboard's users": lambda: self.app.get("/recipe/dashboard/users"),
            "user": lambda: self.app.get("/user/id", ids),
            "a change of email": lambda: self.app.put("/recipe/user", {"recipeUserId": self.user, "email": "hot@example.com"}),
            "users by account info": lambda: self.app.get("/users/by-accountinfo", {"email": "hot@example.com", "doUnionOfAccountInfo": "false"}),
            "sign-up": lambda: self.app.post("/recipe/signup", {"email": "n%d@example.com" % next(numbers), "password": "x1234567"}),
            "third party, new": lambda: self.app.post("/recipe/signinup", {**google, "thirdPartyUserId": "g%d" % next(numbers)}),
            "third party, known": lambda: self.app.post("/recipe/signinup", {**google, "thirdPartyUserId": "known"}),
            "code": lambda: self.app.post("/recipe/signinup/code", {"email": "hot@example.com"}),
            "is verified": lambda: self.app.get("/recipe/user/email/verify", {**ids, "email": "hot@example.com"}),
            "mapping": lambda: self.app.get("/recipe/userid/map", {**ids, "userIdType": "ANY"}),
            "tenant": lambda: self.app.get("/recipe/multitenancy/tenant/v2"),
        }
        self.expect_no_plans(operations)

    def track(self, which):
        """Sessions of PostgreSQL know it before their next statement."""
        self.gatehouse.sql("ALTER SYSTEM SET pg_stat_statements.track = '%s'" % which)
        self.gatehouse.sql("SELECT pg_reload_conf()")

    def expect_no_plans(self, operations):
        """The statements in functions and triggers, too."""
        self.track("all")
        self.addCleanup(self.track, "top")
        planned = []
        for name, call in operations.items():
            for _ in range(WARM_UP):
                self.assertEqual(call().status, 200, name)
            before = self.calls()
            for _ in range(TIMES):
                call()
            for query_id, (calls, plans, text) in self.calls().items():
                calls_before, plans_before, _ = before.get(query_id, (0, 0, ""))
                # What triggers run may be called several times by one request.
                if plans - plans_before > max(PLANS, (calls - calls_before) // 2):
                    planned.append("%s: %d calls, %d plans of %s" % (name, calls - calls_before, plans - plans_before, text))
        self.assertEqual(planned, [], "\n".join(planned))

    def test_nothing_is_planned_at_each_call_among_many(self):
        """With statistics of many rows a plan for one given id looks cheaper than one for any array of them."""
        self.gatehouse.sql("""
            INSERT INTO app_id_to_user_id (app_id, user_id, recipe_id, primary_or_recipe_user_id) SELECT '%(app)s', id, 'thirdparty', id FROM (SELECT gen_random_uuid()::text AS id FROM generate_series(1, 5000)) new;
            INSERT INTO session_info (app_id, tenant_id, session_handle, user_id, refresh_token_hash_2, session_data, expires_at, created_at_time, jwt_user_payload, use_static_key)
                SELECT app_id, 'public', 'handle' || row_number() OVER (), user_id, 'x', '{}', 9000000000000, 1, '{}', false FROM app_id_to_user_id WHERE app_id = '%(app)s';
            INSERT INTO passwordless_devices (app_id, tenant_id, device_id_hash, email, link_code_salt, failed_attempts)
                SELECT app_id, 'public', md5(user_id) || '============', 'm' || row_number() OVER () || '@example.com', '0123456789012345678901234567890123456789abcd', 0 FROM app_id_to_user_id WHERE app_id = '%(app)s';
            INSERT INTO passwordless_codes (app_id, tenant_id, code_id, device_id_hash, link_code_hash, created_at)
                SELECT app_id, tenant_id, gen_random_uuid()::text, device_id_hash, md5(device_id_hash || 'c') || '============', 9000000000000 FROM passwordless_devices WHERE app_id = '%(app)s';
            INSERT INTO user_metadata (app_id, user_id, user_metadata) SELECT app_id, user_id, '{}' FROM app_id_to_user_id WHERE app_id = '%(app)s';
            INSERT INTO emailverification_verified_emails (app_id, user_id, email) SELECT app_id, user_id, 'a@example.com' FROM app_id_to_user_id WHERE app_id = '%(app)s';
            INSERT INTO totp_users (app_id, user_id) SELECT app_id, user_id FROM app_id_to_user_id WHERE app_id = '%(app)s';
            INSERT INTO user_last_active (app_id, user_id, last_active_time) SELECT app_id, user_id, 1 FROM app_id_to_user_id WHERE app_id = '%(app)s' ON CONFLICT DO NOTHING;
            INSERT INTO roles (app_id, role) VALUES ('%(app)s', 'many');
            INSERT INTO user_roles (app_id, tenant_id, user_id, role) SELECT app_id, 'public', user_id, 'many' FROM app_id_to_user_id WHERE app_id = '%(app)s';
            ANALYZE""" % {"app": self.app.app})
        ids = {"userId": self.user}
        other = self.expect(self.app.post("/recipe/signup", {"email": "other@example.com", "password": "x1234567"}))["user"]["id"]

        def link():
            self.expect(self.app.post("/recipe/accountlinking/user/primary", {"recipeUserId": self.user}))
            self.expect(self.app.post("/recipe/accountlinking/user/link", {"recipeUserId": other, "primaryUserId": self.user}))
            return self.app.post("/recipe/accountlinking/user/unlink", {"recipeUserId": other})

        def sign_in_by_code():
            code = self.expect(self.app.post("/recipe/signinup/code", {"email": "code@example.com"}))
            return self.app.post("/recipe/signinup/code/consume", {"deviceId": code["deviceId"], "preAuthSessionId": code["preAuthSessionId"], "userInputCode": code["userInputCode"]})
        self.expect_no_plans({
            "linking": link,
            "sign-in by code": sign_in_by_code,
            "sessions of a user": lambda: self.app.get("/recipe/session/user", ids),
            "removal of a user's sessions": lambda: self.app.post("/recipe/session/remove", ids),
            "removal of sessions": lambda: self.app.post("/recipe/session/remove", {"sessionHandles": [self.app.post("/recipe/session", self.create).json["session"]["handle"]]}),
            "metadata": lambda: self.app.get("/recipe/user/metadata", ids),
            "removal of a user": lambda: self.app.post("/user/remove", {"userId": self.app.post("/recipe/signup", {"email": "gone@example.com", "password": "x1234567"}).json["user"]["id"], "removeAllLinkedAccounts": False}),
            "user": lambda: self.app.get("/user/id", ids),
            "search by email": lambda: self.app.get("/users", {"email": "hot"}),
        })

    def test_verify(self):
        body = {"accessToken": self.session["accessToken"]["token"], "enableAntiCsrf": False, "doAntiCsrfCheck": False, "checkDatabase": False}
        for cdi in ("5.4", "5.6"):
            self.expect_statements(lambda: self.expect(self.app.post("/recipe/session/verify", body, cdi=cdi)))

    def test_create(self):
        self.expect_statements(lambda: self.expect(self.app.post("/recipe/session", self.create)), ("WITH r", "session_info"))

    def refresh(self, cdi):
        body = {"refreshToken": self.token, "enableAntiCsrf": False, "useDynamicSigningKey": True}
        self.token = self.expect(self.app.post("/recipe/session/refresh", body, cdi=cdi))["refreshToken"]["token"]

    def test_refresh(self):
        """One statement that finds the session, rotates its token and says whose it is."""
        self.token = self.session["refreshToken"]["token"]
        self.expect_statements(lambda: self.refresh("5.6"), ("UPDATE", "session_info"))

    def test_refresh_before_eager_rotation(self):
        """The same for versions in which the presented token becomes the current one: it is found and promoted at once."""
        self.token = self.session["refreshToken"]["token"]
        self.expect_statements(lambda: self.refresh("5.4"), ("WITH promoted", "session_info"))

    def test_session_information(self):
        handle = self.session["session"]["handle"]
        self.expect_statements(lambda: self.expect(self.app.get("/recipe/session", {"sessionHandle": handle})), ("SELECT", "session_info"))

    def test_in_memory(self):
        self.expect_statements(lambda: self.assertEqual(self.app.get("/.well-known/jwks.json").status, 200))
        self.expect_statements(lambda: self.text(self.app.get("/hello"), 200, "Hello"))
        self.expect_statements(lambda: self.expect(self.app.get("/recipe/multitenancy/tenant/v2")))

    def test_sign_in(self):
        body = {"email": "hot@example.com", "password": "x1234567"}
        self.expect_statements(lambda: self.expect(self.app.post("/recipe/signin", body)), ("SELECT", "emailpassword_users"), ("WITH target", "app_id_to_user_id"))

    def test_get_user(self):
        self.expect_statements(lambda: self.expect(self.app.get("/user/id", {"userId": self.user})), ("WITH target", "app_id_to_user_id"))

    def test_one_time_code(self):
        """The user's lock, what is known under it, and the attempt."""
        app = self.gatehouse.new_app({"totp_max_attempts": 100})
        self.addCleanup(app.close)
        self.expect(app.post("/recipe/totp/device/import", {"userId": "u", "deviceName": "d", "skew": 1, "period": 30, "secretKey": "JBSWY3DPEHPK3PXP"}))
        self.expect_statements(lambda: self.expect(app.post("/recipe/totp/verify", {"userId": "u", "totp": "x"}), status="INVALID_TOTP_ERROR"),
                               ("BEGIN", ""), ("SELECT", "totp_users"), ("SELECT", "totp_user_devices"), ("SELECT", "totp_used_codes"), ("WITH known", "totp_used_codes"), ("COMMIT", ""))


if __name__ == "__main__":
    unittest.main()
