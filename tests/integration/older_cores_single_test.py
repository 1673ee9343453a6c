"""`gatehouse migrate` on the tables of every core since 5.0: refused at start, brought over, identical to new ones, and usable for sign-ins.

tests/integration/older_cores.py has the tables. The rows are what Gatehouse itself writes, put into the older columns: tokens, hashes and keys have the same form since 5.0.
"""
import os
import subprocess
import unittest

from integration import harness, older_cores

PASSWORD = "correct horse 7"
EMAIL, IN_T1, MAPPED, LINKED = "mail@example.com", "tenant@example.com", "mapped@example.com", "linked@example.com"
PHONE = "+4930123456"
THIRD_PARTY = {"thirdPartyId": "google", "thirdPartyUserId": "g-1", "email": {"id": "third@example.com", "isVerified": True}}

# In an order that satisfies foreign keys. The result of each table's query, limited to the columns of the older table.
ROWS = {
    "apps": "SELECT * FROM apps", "tenants": "SELECT * FROM tenants", "key_value": "SELECT * FROM key_value",
    "tenant_configs": "SELECT * FROM tenant_configs", "tenant_first_factors": "SELECT * FROM tenant_first_factors",
    "app_id_to_user_id": "SELECT app_id, user_id, recipe_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user FROM app_id_to_user_id"
                         " ORDER BY user_id <> primary_or_recipe_user_id",
    "all_auth_recipe_users": "SELECT DISTINCT u.app_id, t.tenant_id, u.user_id, u.primary_or_recipe_user_id, u.is_linked_or_is_a_primary_user, u.recipe_id,"
                             " u.time_joined, u.primary_or_recipe_user_time_joined FROM app_id_to_user_id u JOIN recipe_user_tenants t"
                             " ON t.app_id = u.app_id AND t.recipe_user_id = u.user_id",
    "emailpassword_users": "SELECT * FROM emailpassword_users", "thirdparty_users": "SELECT * FROM thirdparty_users",
    "passwordless_users": "SELECT * FROM passwordless_users",
    "emailpassword_user_to_tenant": "SELECT u.app_id, t.tenant_id, u.user_id, u.email FROM emailpassword_users u JOIN recipe_user_tenants t"
                                    " ON t.app_id = u.app_id AND t.recipe_user_id = u.user_id",
    "thirdparty_user_to_tenant": "SELECT app_id, 'public' AS tenant_id, user_id, third_party_id, third_party_user_id FROM thirdparty_users",
    "passwordless_user_to_tenant": "SELECT app_id, 'public' AS tenant_id, user_id, email, phone_number FROM passwordless_users",
    "userid_mapping": "SELECT * FROM userid_mapping", "user_metadata": "SELECT * FROM user_metadata", "roles": "SELECT * FROM roles",
    "role_permissions": "SELECT * FROM role_permissions", "user_roles": "SELECT * FROM user_roles", "session_info": "SELECT * FROM session_info",
    "jwt_signing_keys": "SELECT * FROM jwt_signing_keys", "session_access_token_signing_keys": "SELECT * FROM session_access_token_signing_keys",
    "emailverification_verified_emails": "SELECT * FROM emailverification_verified_emails",
}
EXTRA = """
INSERT INTO totp_users (user_id) VALUES ('someone');
INSERT INTO totp_user_devices (user_id, device_name, secret_key, period, skew, verified) VALUES ('someone', 'phone', 'x', 30, 1, true);
INSERT INTO dashboard_users (user_id, email, password_hash, time_joined) VALUES ('d', 'd@example.com', 'x', 1);
INSERT INTO dashboard_user_sessions (session_id, user_id, time_created, expiry) VALUES ('s', 'd', 1, 2);
INSERT INTO passwordless_devices (device_id_hash, email, link_code_salt, failed_attempts) VALUES ('h', 'e@example.com', 's', 0);
INSERT INTO passwordless_codes (code_id, device_id_hash, link_code_hash, created_at) VALUES ('c', 'h', 'l', 1);
INSERT INTO user_last_active (user_id, last_active_time) VALUES ('someone', 1);
"""

# One line per item in the tables' definition; the order of columns and names of checks don't matter.
SHAPE = """
SELECT 'column ' || c.relname || '.' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || CASE WHEN a.attnotnull THEN ' not null' ELSE '' END
    || COALESCE(' default ' || pg_get_expr(d.adbin, d.adrelid), '')
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
  WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
UNION ALL SELECT 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
  WHERE connamespace = 'public'::regnamespace AND conrelid <> 0
UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public'
UNION ALL SELECT 'trigger ' || tgrelid::regclass || ' ' || tgname FROM pg_trigger WHERE NOT tgisinternal
ORDER BY 1
"""
# What older installations keep, which is harmless: a default, the names of some keys.
KEPT = {"column all_auth_recipe_users.primary_or_recipe_user_time_joined bigint not null default 0":
            "column all_auth_recipe_users.primary_or_recipe_user_time_joined bigint not null",
        "constraint bulk_import_users bulk_import_users__app_id_fkey FOREIGN KEY (app_id) REFERENCES apps(app_id) ON DELETE CASCADE":
            "constraint bulk_import_users bulk_import_users_app_id_fkey FOREIGN KEY (app_id) REFERENCES apps(app_id) ON DELETE CASCADE",
        "constraint oauth_sessions oauth_sessions_app_id_client_id_fkey FOREIGN KEY (app_id, client_id) REFERENCES oauth_clients(app_id, client_id) ON DELETE CASCADE":
            "constraint oauth_sessions oauth_sessions_client_id_fkey FOREIGN KEY (app_id, client_id) REFERENCES oauth_clients(app_id, client_id) ON DELETE CASCADE"}


def quoted(value):
    return "NULL" if value is None else "'%s'" % value.replace("'", "''")


class OlderCores(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres = harness.Postgres.shared()
        cls.gatehouse = harness.Gatehouse(mode="all-in-one", environment={"BCRYPT_LOG_ROUNDS": "5"}).start()
        cls.addClassCleanup(cls.gatehouse.kill)
        client = cls.gatehouse.client()
        cls.addClassCleanup(client.close)

        def ok(reply):
            if reply.status != 200 or reply.json.get("status", "OK") != "OK":
                raise AssertionError(reply)
            return reply.json
        sign_up = lambda email, **k: ok(client.post("/recipe/signup", {"email": email, "password": PASSWORD}, **k))["recipeUserId"]
        ok(client.put("/recipe/multitenancy/tenant/v2", {"tenantId": "t1"}))
        cls.user, cls.mapped, linked = sign_up(EMAIL), sign_up(MAPPED), sign_up(LINKED)
        cls.in_t1 = sign_up(IN_T1, tenant="t1")
        cls.third = ok(client.post("/recipe/signinup", THIRD_PARTY))["recipeUserId"]
        code = ok(client.post("/recipe/signinup/code", {"phoneNumber": PHONE}))
        cls.with_code = ok(client.post("/recipe/signinup/code/consume", {k: code[k] for k in ("preAuthSessionId", "deviceId", "userInputCode")}))["recipeUserId"]
        ok(client.post("/recipe/userid/map", {"superTokensUserId": cls.mapped, "externalUserId": "external"}))
        ok(client.put("/recipe/user/metadata", {"userId": cls.user, "metadataUpdate": {"a": [1]}}))
        ok(client.put("/recipe/role", {"role": "editor", "permissions": ["write"]}))
        ok(client.put("/recipe/user/role", {"userId": cls.user, "role": "editor"}))
        cls.sessions = [ok(client.post("/recipe/session", {"userId": cls.user, "userDataInJWT": {}, "userDataInDatabase": {"n": 1}, "enableAntiCsrf": False,
                                                          "useDynamicSigningKey": dynamic})) for dynamic in (True, False)]
        # Account linking exists since core 7.0: in older tables these two are not linked.
        ok(client.post("/recipe/accountlinking/user/primary", {"recipeUserId": cls.third}))
        ok(client.post("/recipe/accountlinking/user/link", {"recipeUserId": linked, "primaryUserId": cls.third}))
        cls.rows = {}
        for table, query in ROWS.items():
            names = cls.gatehouse.sql("SELECT string_agg(key, ',') FROM (SELECT json_object_keys(row_to_json(r)) AS key FROM (%s LIMIT 1) r) k" % query)[0][0]
            names = [name for name in names.split(",") if name]
            values = cls.gatehouse.sql("SELECT %s FROM (%s) r" % (", ".join("COALESCE(replace(%s::text, E'\\n', ' '), E'\\x01')" % name for name in names), query)) if names else []
            cls.rows[table] = (names, [[None if value == "\x01" else value for value in row] for row in values])
        cls.fresh = cls.shape(cls.gatehouse.database)
        cls.gatehouse.stop()

    @classmethod
    def shape(cls, database):
        return [row[0] for row in cls.postgres.sql(SHAPE, database) if "activity_log" not in row[0]]

    def run_program(self, database, *arguments, environment=None):
        environment = {**os.environ, "POSTGRESQL_CONNECTION_URI": self.postgres.uri(database), "GATEHOUSE_ADMIN_PORT": "0", **(environment or {})}
        return subprocess.run([os.path.join(harness.BIN, "gatehouse")] + list(arguments), capture_output=True, text=True, env=environment, timeout=120)

    def migrate(self, database, status=0, **k):
        done = self.run_program(database, "migrate", **k)
        self.assertEqual(done.returncode, status, done.stderr)
        return done

    def start_refused(self, database):
        done = self.run_program(database, "start", "--port", str(harness.free_port()))
        self.assertEqual(done.returncode, 1, done.stderr)
        return done.stderr

    def fill(self, database, before_6):
        """The rows, limited to columns that the tables have; those of 5.0 belong to one tenant."""
        columns = {}
        for table, column in self.postgres.sql("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'", database):
            columns.setdefault(table, set()).add(column)
        script = ""
        for table, (names, rows) in self.rows.items():
            kept = [i for i, name in enumerate(names) if name in columns.get(table, ())]
            of_t1 = [row for row in rows if self.in_t1 in row or IN_T1 in row or "t1" in row]
            for row in rows:
                if not kept or (before_6 and row in of_t1):
                    continue
                script += "INSERT INTO %s (%s) VALUES (%s) ON CONFLICT DO NOTHING;\n" % (table, ", ".join(names[i] for i in kept), ", ".join(quoted(row[i]) for i in kept))
        self.postgres.sql(script + EXTRA, database)

    def make(self, sql, before_6=False):
        database = self.postgres.create_database()
        self.postgres.sql(sql, database)
        self.fill(database, before_6)
        return database

    def assert_same_as_new(self, database):
        shape = sorted(KEPT.get(line, line) for line in self.shape(database))
        self.assertEqual([line for line in shape if line not in self.fresh], [], "only in the older database")
        self.assertEqual([line for line in self.fresh if line not in shape], [], "missing in the older database")

    def assert_serves(self, database, version, others=0):
        gatehouse = harness.Gatehouse(mode="all-in-one", database=database)
        self.addCleanup(gatehouse.kill)
        gatehouse.start()
        client = gatehouse.client()

        def ok(reply):
            self.assertEqual(reply.status, 200, reply)
            self.assertEqual(reply.json.get("status", "OK"), "OK", reply)
            return reply.json
        for email, user, tenant in ((EMAIL, self.user, None), (MAPPED, "external", None), (IN_T1, self.in_t1, "t1")):
            if tenant and version == "5.0":
                continue
            self.assertEqual(ok(client.post("/recipe/signin", {"email": email, "password": PASSWORD}, tenant=tenant))["recipeUserId"], user)
        self.assertEqual(client.post("/recipe/signin", {"email": EMAIL, "password": "wrong"}).json["status"], "WRONG_CREDENTIALS_ERROR")
        self.assertEqual(client.post("/recipe/signup", {"email": EMAIL, "password": PASSWORD}).json["status"], "EMAIL_ALREADY_EXISTS_ERROR")
        again = ok(client.post("/recipe/signinup", THIRD_PARTY))
        self.assertEqual((again["createdNewUser"], again["recipeUserId"]), (False, self.third))
        code = ok(client.post("/recipe/signinup/code", {"phoneNumber": PHONE}))
        again = ok(client.post("/recipe/signinup/code/consume", {k: code[k] for k in ("preAuthSessionId", "deviceId", "userInputCode")}))
        self.assertEqual((again["createdNewUser"], again["recipeUserId"]), (False, self.with_code))
        for session, dynamic in zip(self.sessions, (True, False)):
            body = {"accessToken": session["accessToken"]["token"], "enableAntiCsrf": False, "doAntiCsrfCheck": False, "checkDatabase": True}
            self.assertEqual(ok(client.post("/recipe/session/verify", body))["session"]["handle"], session["session"]["handle"])
            body = {"refreshToken": session["refreshToken"]["token"], "enableAntiCsrf": False, "useDynamicSigningKey": dynamic}
            self.assertEqual(ok(client.post("/recipe/session/refresh", body))["session"]["handle"], session["session"]["handle"])
        self.assertEqual(ok(client.get("/recipe/user/metadata", {"userId": self.user}))["metadata"], {"a": [1]})
        self.assertEqual(ok(client.get("/recipe/user/roles", {"userId": self.user}))["roles"], ["editor"])
        linked = ok(client.get("/user/id", {"userId": self.third}))["user"]
        self.assertEqual(len(linked["loginMethods"]), 2 if older_cores.number(version) >= (7, 0) else 1)
        self.assertEqual(ok(client.get("/users/count"))["count"], others + (4 if older_cores.number(version) >= (7, 0) else 5))
        ok(client.post("/user/remove", {"userId": self.user}))
        self.assertEqual(client.post("/recipe/signin", {"email": EMAIL, "password": PASSWORD}).json["status"], "WRONG_CREDENTIALS_ERROR")
        client.close()
        gatehouse.stop()

    def test_every_version_upgraded_step_by_step(self):
        for version in older_cores.VERSIONS:
            with self.subTest(version):
                database = self.make(older_cores.tables(version), before_6=version == "5.0")
                before = self.shape(database)
                if older_cores.number(version) < (12, 0):
                    self.assertIn("the tables are those of core %s. Stop every other core, run `gatehouse migrate`, then start again" % version,
                                  self.start_refused(database))
                    self.assertEqual(self.shape(database), before)
                done = self.migrate(database)
                if older_cores.number(version) < (12, 1):
                    self.assertIn("the tables are those of core " + version, done.stderr)
                self.assert_same_as_new(database)
                self.assert_serves(database, version)

    def make_back(self, version, fill=True):
        """As a fresh installation of a core has them, from a copy of our own tables."""
        if not hasattr(OlderCores, "template"):
            OlderCores.template = self.postgres.create_database()
            self.migrate(self.template)
        database = "back_%s_%s_%s" % (self.template, version.replace(".", "_"), fill)
        self.postgres.sql('CREATE DATABASE "%s" TEMPLATE "%s"' % (database, self.template), "postgres")
        self.postgres.sql(older_cores.back(version), database)
        if fill:
            self.fill(database, before_6=False)
        return database

    def test_every_version_freshly_installed(self):
        for version in ["12.1"] + list(older_cores.BACK):
            with self.subTest(version):
                database = self.make_back(version)
                done = self.migrate(database)
                if older_cores.number(version) < (12, 1):
                    self.assertIn("the tables are those of core %s\"" % version, done.stderr)
                self.assert_same_as_new(database)
                self.assertEqual(self.postgres.sql("SELECT count(*) FROM app_id_to_user_id WHERE time_joined = 0", database), [["0"]])
                if version == "9.0":
                    again = self.migrate(database)
                    self.assertNotIn('"migration"', again.stderr)
                    self.assertNotIn("brought over", again.stdout)
                    self.assert_serves(database, version)

    def test_a_start_brings_12_0_up_itself(self):
        database = self.make_back("12.0", fill=False)
        gatehouse = harness.Gatehouse(mode="all-in-one", database=database)
        self.addCleanup(gatehouse.kill)
        gatehouse.start()
        self.assertEqual(gatehouse.once("POST", "/recipe/signup", body={"email": EMAIL, "password": PASSWORD}).json["status"], "OK")
        gatehouse.stop()
        self.assert_same_as_new(database)

    def refused(self, database, *texts, **k):
        before = self.shape(database)
        done = self.migrate(database, status=1, **k)
        for text in texts + ("nothing was changed",):
            self.assertIn(text, done.stderr)
        self.assertEqual(self.shape(database), before)

    def test_older_than_5_0_is_refused(self):
        for sql, found in (("", "a core before 5.0 (4.5 or later)"), ("DROP TABLE totp_used_codes, totp_user_devices, totp_users", "a core before 5.0 (4.4 or later)"),
                           ("DROP TABLE totp_used_codes, totp_user_devices, totp_users, dashboard_user_sessions, dashboard_users, userid_mapping, user_roles,"
                            " role_permissions, roles, user_metadata, passwordless_codes, passwordless_devices, passwordless_users", "a core before 3.8")):
            database = self.postgres.create_database()
            self.postgres.sql(older_cores.CORE_5_0 + "ALTER TABLE session_info DROP COLUMN use_static_key;" + sql, database)
            self.refused(database, "the tables are those of %s; core 5.0 is the oldest that is taken over" % found)
            self.assertIn("core 5.0 is the oldest that is taken over", self.start_refused(database))

    def test_half_done_by_an_older_build(self):
        """Its migrations are recorded, but one column is missing."""
        database = self.postgres.create_database()
        self.migrate(database)
        self.postgres.sql("ALTER TABLE tenant_configs DROP COLUMN is_first_factors_null", database)
        self.assertIn("without what core 9.1 changed in them", self.start_refused(database))
        self.migrate(database)
        self.assert_same_as_new(database)

    def many_users(self, count):
        return """INSERT INTO all_auth_recipe_users (user_id, recipe_id, time_joined) SELECT 'u' || i, 'emailpassword', i FROM generate_series(1, %d) i;
            INSERT INTO emailpassword_users (user_id, email, password_hash, time_joined) SELECT 'u' || i, 'u' || i || '@example.com', 'x', i FROM generate_series(1, %d) i;
            """ % (count, count)

    def test_interrupted_waiting_and_at_once(self):
        database = self.make(older_cores.tables("5.0"), before_6=True)
        self.postgres.sql(self.many_users(5100), database)
        environment = {**os.environ, "POSTGRESQL_CONNECTION_URI": self.postgres.uri(database)}
        begin = lambda: subprocess.Popen([os.path.join(harness.BIN, "gatehouse"), "migrate"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)
        waits = lambda: self.postgres.sql("SELECT 1 FROM pg_locks WHERE NOT granted AND relation = 'user_roles'::regclass", database)
        with self.postgres.session(database) as reader:
            reader.run("BEGIN; SELECT count(*) FROM user_roles;")
            running = begin()
            harness.wait_until(waits, 30, "migrate to wait for the reader")
            # A transaction queued behind it does not wait for long.
            self.postgres.sql("SET statement_timeout = '4s'; INSERT INTO user_roles (user_id, role) VALUES ('someone', 'editor')", database)
            running.kill()
            running.communicate()
            both = [begin(), begin()]
            harness.wait_until(waits, 30, "migrate to wait for the reader")
            reader.run("COMMIT;")
        outputs = [run.communicate(timeout=120) for run in both]
        self.assertEqual([run.returncode for run in both], [0, 0], outputs)
        self.assert_same_as_new(database)
        self.assertEqual(self.postgres.sql("""SELECT count(*), count(*) FILTER (WHERE time_joined > 0) FROM app_id_to_user_id WHERE user_id LIKE 'u%'""", database),
                         [["5100", "5100"]])
        self.assertEqual(self.postgres.sql("SELECT count(*) FROM emailpassword_user_to_tenant WHERE user_id LIKE 'u%'", database), [["5100"]])
        self.assert_serves(database, "5.0", others=5100)

    def test_names_of_its_own(self):
        database = self.make(older_cores.tables("5.0"), before_6=True)
        self.postgres.sql("""CREATE SCHEMA auth; DO $$ DECLARE t record; BEGIN
            FOR t IN SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' LOOP
              EXECUTE format('ALTER TABLE public.%I SET SCHEMA auth', t.name);
              EXECUTE format('ALTER TABLE auth.%I RENAME TO %I', t.name, CASE t.name WHEN 'key_value' THEN 'settings' ELSE 'pre_' || t.name END);
            END LOOP; END $$""", database)
        names = {"POSTGRESQL_TABLE_SCHEMA": "auth", "POSTGRESQL_TABLE_NAMES_PREFIX": "pre", "POSTGRESQL_KEY_VALUE_TABLE_NAME": "settings"}
        self.migrate(database, environment=names)
        self.assertEqual(self.postgres.sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'", database), [["0"]])
        gatehouse = harness.Gatehouse(mode="all-in-one", database=database, environment=names)
        self.addCleanup(gatehouse.kill)
        gatehouse.start()
        self.assertEqual(gatehouse.once("POST", "/recipe/signin", body={"email": EMAIL, "password": PASSWORD}).json["recipeUserId"], self.user)

    def test_what_operators_added(self):
        database = self.make(older_cores.tables("5.0"), before_6=True)
        self.postgres.sql("""ALTER TABLE emailpassword_users ADD COLUMN note TEXT DEFAULT 'n'; CREATE INDEX by_note ON emailpassword_users (note);
            CREATE VIEW emails AS SELECT email, note FROM emailpassword_users;
            ALTER TABLE thirdparty_users ALTER third_party_user_id TYPE VARCHAR(128)""", database)
        for obstacle, text, away in (
                ("CREATE TABLE profiles (id CHAR(36) REFERENCES emailpassword_users)", "the foreign key profiles_id_fkey of public.profiles stands on the key emailpassword_users_pkey",
                 "DROP TABLE profiles"),
                ("CREATE VIEW grouped AS SELECT user_id, email FROM emailpassword_users GROUP BY user_id", "the view grouped stands on", "DROP VIEW grouped"),
                ("CREATE VIEW tp AS SELECT third_party_user_id FROM thirdparty_users", "the view tp stands on", "DROP VIEW tp"),
                ("CREATE VIEW tenants AS SELECT 1 AS app_id", "tenants is no table", "DROP VIEW tenants"),
                ("CREATE TABLE tenants (name TEXT)", "the table tenants has no column app_id", "DROP TABLE tenants"),
                ("ALTER TABLE user_metadata DROP CONSTRAINT user_metadata_pkey; INSERT INTO user_metadata VALUES ('twice', '{}'), ('twice', '{}')",
                 "rows of user_metadata have the same user_id", "DELETE FROM user_metadata WHERE user_id = 'twice'")):
            with self.subTest(text):
                self.postgres.sql(obstacle, database)
                self.refused(database, text)
                self.postgres.sql(away, database)
        self.migrate(database)
        self.assertEqual(self.postgres.sql("SELECT note FROM emails WHERE email = '%s'" % EMAIL, database), [["n"]])
        self.assertEqual(self.postgres.sql("SELECT 1 FROM pg_indexes WHERE indexname = 'by_note'", database), [["1"]])

    def test_tables_of_another_role(self):
        database = self.make(older_cores.tables("9.0"))
        self.postgres.sql("""CREATE ROLE plain LOGIN; CREATE ROLE other; GRANT ALL ON SCHEMA public TO plain; DO $$ DECLARE t record; BEGIN FOR t IN SELECT tablename AS name FROM pg_tables WHERE schemaname = 'public' LOOP
            EXECUTE format('ALTER TABLE %I OWNER TO plain', t.name); END LOOP; END $$; ALTER TABLE session_info OWNER TO other""", database)
        plain = {"POSTGRESQL_CONNECTION_URI": self.postgres.uri(database).replace("gatehouse:x", "plain")}
        self.refused(database, "the role other owns 1 of the tables (such as session_info), which only it may change", environment=plain)
        self.postgres.sql("ALTER TABLE session_info OWNER TO plain", database)
        self.migrate(database, environment=plain)
        self.assert_same_as_new(database)

    def test_rows_that_fit_no_foreign_key(self):
        database = self.make(older_cores.tables("5.0"), before_6=True)
        self.postgres.sql("INSERT INTO emailpassword_users VALUES ('orphan', 'orphan@example.com', 'x', 1)", database)
        done = self.migrate(database)
        self.assertIn("some rows do not fit the foreign key emailpassword_users_user_id_fkey", done.stderr)
        self.assertEqual(self.postgres.sql("SELECT user_id FROM emailpassword_users WHERE user_id = 'orphan'", database)[0][0].strip(), "orphan")

    def test_users_that_need_care(self):
        """Phone numbers as cores before 7.0.12 stored them; unknown recipes."""
        database = self.make(older_cores.tables("5.0"), before_6=True)
        self.postgres.sql("""INSERT INTO all_auth_recipe_users VALUES ('odd', 'passwordless', 5), ('odder', 'passwordless', 6), ('who', 'carrier-pigeon', 7);
            INSERT INTO passwordless_users VALUES ('odd', NULL, '+49 (30) 555', 5), ('odder', NULL, '+49 30555', 6)""", database)
        self.refused(database, "the user who is of an unknown recipe (carrier-pigeon)")
        self.postgres.sql("DELETE FROM all_auth_recipe_users WHERE user_id = 'who'", database)
        done = self.migrate(database, status=3)
        self.assertIn("the phone of user odder belongs to odd already", done.stdout)
        self.assertEqual(self.postgres.sql("SELECT rtrim(recipe_user_id) FROM recipe_user_tenants WHERE account_info_value = '+4930555'", database), [["odd"]])
        self.assertEqual(self.postgres.sql("SELECT DISTINCT phone_number FROM passwordless_users WHERE user_id LIKE 'odd%'", database), [["+4930555"]])

    def test_databases_of_tenants(self):
        """At different versions; all are checked before any is changed."""
        base, second, too_old = self.make(older_cores.tables("9.0")), self.make(older_cores.tables("7.0")), self.postgres.create_database()
        self.postgres.sql(older_cores.CORE_5_0 + "ALTER TABLE session_info DROP COLUMN use_static_key", too_old)
        for app, database in (("second", second), ("old", too_old)):
            self.postgres.sql("INSERT INTO tenant_configs VALUES ('', '%s', 'public', '{\"postgresql_connection_uri\": \"%s\"}', true, true, true)" % (
                app, self.postgres.uri(database)), base)
        before = self.shape(second)
        self.refused(base, "the database of tenant (, old, public)", "core 5.0 is the oldest")
        self.assertEqual(self.shape(second), before)
        self.postgres.sql("DELETE FROM tenant_configs WHERE app_id = 'old'", base)
        self.migrate(base)
        self.assert_same_as_new(base)
        self.assert_same_as_new(second)


if __name__ == "__main__":
    unittest.main()
