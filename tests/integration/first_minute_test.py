"""A new database fills up before autovacuum gathers PostgreSQL's first statistics, within a minute: what an operation reads must not grow with the number of users meanwhile."""
import json
import subprocess
import time
import unittest

from bench import generate_users
from integration import harness
from integration.passkeys import Authenticator, Site

FEW, MANY = 100, 3000
# A connection keeps a plan from the sixth time on that it runs a statement.
TIMES = 6
# When a connection makes a plan it reads the catalog. A service has two, so two rounds may be such.
MEASURED = 3
PASSWORD, SECRET = "correct horse 1", "JBSWY3DPEHPK3PXP"
# What services keep of users %(first)d to %(last)d of generate_users.
MORE = """
SET session_replication_role = replica;
CREATE TEMP TABLE made AS SELECT i, md5('user' || i)::uuid::text AS id, 'key' || i || '@example.com' AS email, md5('passkey user' || i)::uuid::text AS passkey_id,
  (SELECT role FROM roles LIMIT 1) AS role FROM generate_series(%(first)d, %(last)d) i;
INSERT INTO session_info (app_id, tenant_id, session_handle, user_id, refresh_token_hash_2, session_data, expires_at, created_at_time, jwt_user_payload, use_static_key)
SELECT 'public', 'public', md5('session' || i), id, md5('hash' || i), '{}', 4000000000000, 1, '{}', false FROM made;
INSERT INTO user_roles (app_id, tenant_id, user_id, role) SELECT 'public', 'public', id, role FROM made;
INSERT INTO user_metadata (app_id, user_id, user_metadata) SELECT 'public', id, '{"a":1}' FROM made;
INSERT INTO emailverification_tokens (app_id, tenant_id, user_id, email, token, token_expiry) SELECT 'public', 'public', id, email, md5('ev' || i), 4000000000000 FROM made;
INSERT INTO emailpassword_pswd_reset_tokens (app_id, user_id, email, token, token_expiry) SELECT 'public', id, email, md5('pr' || i), 4000000000000 FROM made;
INSERT INTO totp_users (app_id, user_id) SELECT 'public', id FROM made;
INSERT INTO totp_user_devices (app_id, user_id, device_name, secret_key, period, skew, verified, created_at) SELECT 'public', id, 'd', 'JBSWY3DPEHPK3PXP', 30, 1, true, 1 FROM made;
INSERT INTO totp_used_codes (app_id, tenant_id, user_id, code, is_valid, expiry_time_ms, created_time_ms) SELECT 'public', 'public', id, '123456', true, 4000000000000, i FROM made;
INSERT INTO passwordless_users (app_id, user_id, email, time_joined) SELECT 'public', id, email, 1 FROM made;
INSERT INTO passwordless_devices (app_id, tenant_id, device_id_hash, email, link_code_salt, failed_attempts)
SELECT 'public', 'public', md5('device' || i), email, md5('salt' || i), 0 FROM made;
INSERT INTO passwordless_codes (app_id, tenant_id, code_id, device_id_hash, link_code_hash, created_at)
SELECT 'public', 'public', id, md5('device' || i), md5('link' || i), 4000000000000 FROM made;
INSERT INTO app_id_to_user_id (app_id, user_id, recipe_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user, time_joined, primary_or_recipe_user_time_joined)
SELECT 'public', passkey_id, 'webauthn', passkey_id, false, 1, 1 FROM made;
INSERT INTO recipe_user_account_infos (app_id, recipe_user_id, recipe_id, account_info_type, account_info_value, third_party_id, third_party_user_id)
SELECT 'public', passkey_id, 'webauthn', 'email', email, '', '' FROM made;
INSERT INTO recipe_user_tenants (app_id, recipe_user_id, tenant_id, recipe_id, account_info_type, account_info_value, third_party_id, third_party_user_id)
SELECT 'public', passkey_id, 'public', 'webauthn', 'email', email, '', '' FROM made;
INSERT INTO webauthn_users (app_id, user_id, email, rp_id, time_joined) SELECT 'public', passkey_id, email, 'example.com', 1 FROM made;
INSERT INTO webauthn_credentials (id, app_id, rp_id, user_id, counter, public_key, transports, created_at, updated_at)
SELECT md5('key' || i) || 'AAAAAAAAAAA', 'public', 'example.com', passkey_id, 0, '', '["internal"]', i, i FROM made;
INSERT INTO webauthn_account_recovery_tokens (app_id, tenant_id, user_id, email, token, expires_at) SELECT 'public', 'public', passkey_id, email, repeat(md5(i::text), 2), 4000000000000 FROM made;
INSERT INTO webauthn_generated_options (app_id, tenant_id, id, challenge, email, rp_id, rp_name, origin, expires_at, created_at)
SELECT 'public', 'public', id, md5(i::text), email, 'example.com', 'Example', 'https://example.com', 4000000000000, 1 FROM made;
SET session_replication_role = origin;
SELECT gatehouse_recount_users(); SELECT gatehouse_recount_passkeys();
"""
# But those of jobs, and the fold. The search for cut-off sign-ups is called by itself.
COUNTS = """SELECT json_build_array(left(regexp_replace(query, '\\s+', ' ', 'g'), 120), sum(shared_blks_hit + shared_blks_read)) FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query ~ '^\\s*(SELECT|WITH|INSERT|UPDATE|DELETE)' 
AND query !~ 'pg_stat_statements|gatehouse_(gather_statistics|fold_users|next_login_fault|mend_login|settle_user|maintain_activity_log)|^INSERT INTO (activity_log|user_last_active) '
AND query !~ '^WITH RECURSIVE app|pg_try_advisory_xact_lock' GROUP BY left(regexp_replace(query, '\\s+', ' ', 'g'), 120);"""
# Tables that autovacuum would have visited a minute later.
WAITING = """SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname !~ '^activity_log_p|^pg_stat' AND pg_relation_size(oid) / 8192 >= greatest(2, 4 * relpages)"""


def code():
    now = "@%d" % time.time()
    return subprocess.run(["oathtool", "--totp", "--base32", "--now", now, SECRET], check=True, capture_output=True, text=True).stdout.strip()


class FirstMinute(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres = harness.Postgres(settings=["autovacuum=off", "shared_preload_libraries=pg_stat_statements"])
        cls.addClassCleanup(cls.postgres.stop)
        database = cls.postgres.create_database()
        cls.postgres.sql("CREATE EXTENSION pg_stat_statements", database)
        environment = {"BCRYPT_LOG_ROUNDS": "4", "POSTGRESQL_CONNECTION_POOL_SIZE": "2", "POSTGRESQL_IDLE_CONNECTION_TIMEOUT": "3600000"}
        cls.gatehouse = harness.Gatehouse(postgres=cls.postgres, database=database, environment=environment).start()
        cls.addClassCleanup(cls.gatehouse.kill)
        cls.app = cls.gatehouse.client(cdi="5.4")
        cls.addClassCleanup(cls.app.close)
        for tenant in ("branch", "small"):
            cls.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": tenant})
        cls.app.put("/recipe/role", {"role": "admin"})

    def ok(self, reply, status="OK"):
        self.assertEqual((reply.status, reply.json.get("status")), (200, status), reply)
        return reply.json

    def operations(self, name):
        """(what, a call) of each; later ones use what earlier ones made."""
        ok, app, made = self.ok, self.app, {}
        email, R = name + "@example.com", "/recipe/"

        def sign_up():
            made["user"] = ok(app.post(R + "signup", {"email": email, "password": PASSWORD}))["recipeUserId"]

        def social(number):
            body = {"thirdPartyId": "google", "thirdPartyUserId": name + number, "email": {"id": email, "isVerified": True}}
            made["social"] = ok(app.post(R + "signinup", body))["recipeUserId"]

        def passwordless(number):
            device = ok(app.post(R + "signinup/code", {"email": number + email}))
            made["code user"] = ok(app.post(R + "signinup/code/consume", {"preAuthSessionId": device["preAuthSessionId"], "deviceId": device["deviceId"], "userInputCode": device["userInputCode"]}))["recipeUserId"]

        def session():
            made["session"] = ok(app.post(R + "session", {"userId": made["user"], "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False, "useDynamicSigningKey": True}))

        def refresh():
            made["session"] = ok(app.post(R + "session/refresh", {"refreshToken": made["session"]["refreshToken"]["token"], "enableAntiCsrf": False, "useDynamicSigningKey": True}))

        def reset():
            token = ok(app.post(R + "user/password/reset/token", {"userId": made["user"], "email": email}))["token"]
            ok(app.post(R + "user/password/reset/token/consume", {"token": token}))

        def verify_email():
            token = ok(app.post(R + "user/email/verify/token", {"userId": made["user"], "email": email}))["token"]
            ok(app.post(R + "user/email/verify", {"method": "token", "token": token}))

        def device():
            ok(app.post(R + "totp/device/import", {"userId": made["user"], "deviceName": "d", "skew": 1, "period": 30, "secretKey": SECRET}))

        def passkey_sign_up():
            made["passkey user"] = ok(made["site"].sign_up(made["key"], "k" + email))["recipeUserId"]

        def count():
            # One change in 64 folds what the others append: how many rows there are is chance.
            self.gatehouse.sql("SELECT gatehouse_fold_users('public', 'public')")
            ok(app.get("/users/count"))

        def recovery():
            token = ok(app.post(R + "webauthn/user/recover/token", {"userId": made["passkey user"], "email": "k" + email}))["token"]
            ok(app.get(R + "webauthn/user/recover", {"token": token}))
            ok(app.post(R + "webauthn/user/recover/token/consume", {"token": token}))
        made["site"], made["key"] = Site(app), Authenticator(name)
        body = {"email": email, "password": PASSWORD}
        return [
            ("sign-up", sign_up), ("sign-in", lambda: ok(app.post(R + "signin", body))),
            ("social sign-up", lambda: social("a")), ("social sign-in", lambda: social("a")),
            ("passwordless sign-up", lambda: passwordless("p")), ("passwordless sign-in", lambda: passwordless("p")),
            ("passkey sign-up", passkey_sign_up), ("passkey sign-in", lambda: ok(made["site"].sign_in(made["key"]))), ("passkey recovery", recovery),
            ("session", session), ("refresh", refresh), ("session information", lambda: ok(app.get(R + "session", {"sessionHandle": made["session"]["session"]["handle"]}))),
            ("sessions of a user", lambda: ok(app.get(R + "session/user", {"userId": made["user"]}))),
            ("metadata", lambda: ok(app.put(R + "user/metadata", {"userId": made["user"], "metadataUpdate": {"a": name}}))),
            ("metadata read", lambda: ok(app.get(R + "user/metadata", {"userId": made["user"]}))),
            ("role", lambda: ok(app.put(R + "user/role", {"userId": made["user"], "role": "admin"}))), ("roles of a user", lambda: ok(app.get(R + "user/roles", {"userId": made["user"]}))),
            ("device", device), ("code", lambda: ok(app.post(R + "totp/verify", {"userId": made["user"], "totp": code()}))),
            ("devices of a user", lambda: ok(app.get(R + "totp/device/list", {"userId": made["user"]}))),
            ("password reset", reset), ("email verification", verify_email),
            ("email change", lambda: ok(app.put(R + "user", {"recipeUserId": made["user"], "email": "q" + email}))),
            ("make primary", lambda: ok(app.post(R + "accountlinking/user/primary", {"recipeUserId": made["user"]}))),
            ("link", lambda: ok(app.post(R + "accountlinking/user/link", {"recipeUserId": made["social"], "primaryUserId": made["user"]}))),
            ("user", lambda: ok(app.get("/user/id", {"userId": made["social"]}))), ("user by email", lambda: ok(app.get("/users/by-accountinfo", {"email": email, "doUnionOfAccountInfo": "false"}))),
            ("tenant", lambda: ok(app.post(R + "multitenancy/tenant/user", {"recipeUserId": made["user"]}, tenant="branch"))),
            ("tenant left", lambda: ok(app.post(R + "multitenancy/tenant/user/remove", {"recipeUserId": made["user"]}, tenant="branch"))),
            ("unlink", lambda: ok(app.post(R + "accountlinking/user/unlink", {"recipeUserId": made["social"]}))),
            ("mapping", lambda: ok(app.post(R + "userid/map", {"superTokensUserId": made["social"], "externalUserId": "x" + name, "force": True}))),
            ("users listed", lambda: ok(app.get("/users", {"limit": 10}))), ("users counted", count),
            ("import", lambda: ok(app.post("/bulk-import/import", {"externalUserId": "i" + name, "userRoles": [{"role": "admin", "tenantIds": ["public"]}], "userMetadata": {"a": 1},
                                                                   "totpDevices": [{"secretKey": SECRET}], "loginMethods": [
                {"recipeId": "emailpassword", "email": "i" + email, "passwordHash": "$2a$04$" + "x" * 53, "hashingAlgorithm": "bcrypt", "isVerified": True, "isPrimary": True},
                {"recipeId": "thirdparty", "email": "i" + email, "thirdPartyId": "google", "thirdPartyUserId": "i" + name, "isVerified": True}]}))),
            ("removal", lambda: ok(app.post("/user/remove", {"userId": made["user"]}))), ("passkey removal", lambda: ok(app.post("/user/remove", {"userId": made["passkey user"]}))),
            ("search for cut-off sign-ups", lambda: self.gatehouse.sql("SELECT gatehouse_login_fault('public', '%s')" % made["social"])),
        ]

    def counts(self):
        return dict(map(json.loads, self.session.run(COUNTS)))

    def use(self, prefix, times=MEASURED, measured=MEASURED):
        """Pages that each operation reads, at best of some times: {(what, statement): pages}."""
        read = {}
        for number in range(times):
            before = self.counts()
            for what, call in self.operations("%s%d" % (prefix, number)):
                call()
                if number < times - measured:
                    continue
                after = self.counts()
                for query, pages in after.items():
                    grown = pages - before.get(query, 0)
                    if grown:
                        read[what, query] = min(grown, read.get((what, query), grown))
                before = after
        return read

    def fill(self, first, last):
        generate_users.make(self.gatehouse.sql, first, last, last)
        self.gatehouse.sql(MORE % {"first": first, "last": last})

    def test_pages(self):
        self.session = self.enterContext(self.postgres.session(self.gatehouse.database))
        self.use("empty", TIMES, measured=0)
        self.fill(1, FEW)
        few = self.use("few")
        self.fill(FEW + 1, MANY)
        # Each service looks at its tables while it is in use.
        for number in range(10):
            if self.gatehouse.sql(WAITING):
                self.use("new%d" % number, 1, measured=0)
        harness.wait_until(lambda: self.gatehouse.sql(WAITING) == [], 5, "statistics of %s" % self.gatehouse.sql(WAITING))
        many = self.use("many")
        self.assertGreater(len(many), 100)
        # An index has one more level; a plan that begins with few rows reads some pages in another order.
        beyond = {key: (few.get(key, 0), pages) for key, pages in many.items() if pages > 2 * few.get(key, 0) + 20}
        self.assertEqual(beyond, {})


if __name__ == "__main__":
    unittest.main()
