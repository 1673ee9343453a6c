"""A database that core 11.4.7 filled keeps working: every session, token, password, code and key of its manifest, of the kinds that these services own.

Needs ../shared/databases next to the repository (or $GATEHOUSE_SHARED/databases); skipped without it.
"""
import base64
import gzip
import hashlib
import json
import os
import subprocess
import time
import unittest

from integration import harness, registry_invariants

FOLDER = os.path.join(os.environ.get("GATEHOUSE_SHARED", os.path.join(harness.ROOT, "..", "shared")), "databases")
NAME = os.path.join(FOLDER, "supertokens-11.4.7")
# The core's configuration, from the README.md there.
CONFIGURATION = {"ACCESS_TOKEN_VALIDITY": "86400000", "REFRESH_TOKEN_VALIDITY": "5256000", "BCRYPT_LOG_ROUNDS": "6",
                 "FIREBASE_PASSWORD_HASHING_SIGNER_KEY": "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="}
# In addition to the core's own rows: an id without a login method that leads a linked user, a user in no tenant, an id that leads nothing, two with one email.
ODD_ROWS = """
INSERT INTO app_id_to_user_id (app_id, user_id, recipe_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user) VALUES
  ('public', 'ghost', 'emailpassword', 'ghost', true), ('public', 'member', 'emailpassword', 'ghost', true),
  ('public', 'homeless', 'emailpassword', 'homeless', false), ('public', 'nobody', 'emailpassword', 'nobody', false),
  ('public', 'zz-late', 'emailpassword', 'zz-late', false);
INSERT INTO emailpassword_users (app_id, user_id, email, password_hash, time_joined) VALUES
  ('public', 'member', 'member@example.com', 'x', 1700000000001), ('public', 'homeless', 'homeless@example.com', 'x', 1700000000002),
  ('public', 'zz-late', 'member@example.com', 'x', 1700000000003);
INSERT INTO all_auth_recipe_users (app_id, tenant_id, user_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user, recipe_id, time_joined,
    primary_or_recipe_user_time_joined) VALUES
  ('public', 'public', 'member', 'ghost', true, 'emailpassword', 1700000000001, 1700000000001),
  ('public', 'public', 'zz-late', 'zz-late', false, 'emailpassword', 1700000000003, 1700000000003);
"""
HAVE = os.path.exists(NAME + ".json")



def verify_rs256(jwt, keys):
    """Whether one of the JWKS's keys signed it. Textbook RSA: verification needs no library."""
    header, payload, signature = jwt.split(".")
    number = lambda text: int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")
    kid = json.loads(base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)))["kid"]
    key = next(k for k in keys if k["kid"] == kid)
    modulus = number(key["n"])
    size = (modulus.bit_length() + 7) // 8
    opened = pow(number(signature), number(key["e"]), modulus).to_bytes(size, "big")
    digest = hashlib.sha256((header + "." + payload).encode()).digest()
    info = bytes.fromhex("3031300d060960864801650304020105000420") + digest
    return opened == b"\0\1" + b"\xff" * (size - len(info) - 3) + b"\0" + info


@unittest.skipUnless(HAVE, "*** NOT CHECKED: the database of a real core; ../shared/databases is not beside the repository ***")
class OriginalDatabase(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(NAME + ".json", encoding="utf-8") as f:
            cls.manifest = json.load(f)
        cls.postgres = harness.Postgres.shared()
        cls.database = cls.postgres.create_database()
        with gzip.open(NAME + ".sql.gz", "rt", encoding="utf-8") as f:
            cls.postgres.sql(f.read(), cls.database)
        cls.gatehouse = harness.Gatehouse(mode="all-in-one", database=cls.database, environment=CONFIGURATION)
        cls.refused = cls.run_program("start", "--port", str(cls.gatehouse.port))
        cls.migrated = cls.run_program("migrate")
        cls.again = cls.run_program("migrate")
        cls.gatehouse.start()
        cls.addClassCleanup(cls.gatehouse.kill)
        cls.api = cls.gatehouse.client()
        cls.addClassCleanup(cls.api.close)

    @classmethod
    def run_program(cls, *arguments):
        environment = {**os.environ, **CONFIGURATION, "POSTGRESQL_CONNECTION_URI": cls.postgres.uri(cls.database), "GATEHOUSE_ADMIN_PORT": "0"}
        return subprocess.run([os.path.join(harness.BIN, "gatehouse")] + list(arguments), capture_output=True, text=True, env=environment, timeout=120)

    def each(self, kind, label):
        for item in self.manifest[kind]:
            with self.subTest(kind=kind, base=item["base"], what=label(item)):
                yield item

    def call(self, method, base, path, body=None, query=None, cdi="5.4"):
        reply = self.api.request(method, base + path, body=body, query=query, cdi=cdi)
        self.assertEqual(reply.status, 200, reply)
        return reply.json

    def ok(self, *arguments, **k):
        answer = self.call(*arguments, **k)
        self.assertEqual(answer.get("status", "OK"), "OK", str(answer)[:300])
        return answer

    def app(self, base):
        return "/appid-shop" if base.startswith("/appid-shop") else ""

    def test_migration(self):
        self.assertEqual(self.refused.returncode, 1, self.refused.stderr)
        self.assertIn("gatehouse migrate", self.refused.stderr)
        self.assertEqual(self.migrated.returncode, 0, self.migrated.stderr)
        self.assertIn("users brought over: 80; in no tenant: 0; ids without a login method: 0; conflicts: 0", self.migrated.stdout)
        self.assertEqual(self.again.returncode, 0, self.again.stderr)
        self.assertNotIn("brought over", self.again.stdout)

    def test_foreign_keys(self):
        rows = self.postgres.sql("""SELECT conname FROM pg_constraint WHERE contype = 'f' AND confupdtype = 'c' AND confrelid = 'app_id_to_user_id'::regclass""",
                                 self.database)
        names = {row[0] for row in rows}
        for name in ("app_id_to_user_id_primary_or_recipe_user_id_fkey", "all_auth_recipe_users_primary_or_recipe_user_id_fkey",
                     "all_auth_recipe_users_user_id_fkey", "emailpassword_users_user_id_fkey", "thirdparty_users_user_id_fkey",
                     "passwordless_users_user_id_fkey", "webauthn_users_user_id_fkey", "userid_mapping_supertokens_user_id_fkey",
                     "webauthn_account_recovery_token_user_id_fkey"):
            self.assertIn(name, names)

    def test_invariants(self):
        for name, query in registry_invariants.INVARIANTS.items():
            if name == "the tables before the registry stay empty":
                continue  # The source of what was brought over.
            with self.subTest(name):
                rows = self.postgres.sql(query, self.migrated_only())
                self.assertEqual(rows, [])

    @classmethod
    def migrated_only(cls):
        """A database that was brought over and not changed since."""
        if not hasattr(cls, "untouched"):
            cls.untouched = cls.postgres.create_database()
            with gzip.open(NAME + ".sql.gz", "rt", encoding="utf-8") as f:
                cls.postgres.sql(f.read(), cls.untouched)
            cls.migrate(cls.untouched)
        return cls.untouched

    @classmethod
    def migrate(cls, database):
        environment = {**os.environ, **CONFIGURATION, "POSTGRESQL_CONNECTION_URI": cls.postgres.uri(database)}
        return subprocess.run([os.path.join(harness.BIN, "gatehouse"), "migrate"], capture_output=True, text=True, env=environment, timeout=120)

    def test_odd_rows(self):
        database = self.postgres.create_database()
        with gzip.open(NAME + ".sql.gz", "rt", encoding="utf-8") as f:
            self.postgres.sql(f.read(), database)
        # pg_dump leaves the search path empty only in its own session.
        self.postgres.sql(ODD_ROWS, database)
        done = self.migrate(database)
        self.assertEqual(done.returncode, 3, done.stderr)  # everything is brought over, and there was a conflict
        self.assertIn("users brought over: 85; in no tenant: 2; ids without a login method: 2; conflicts: 1", done.stdout)
        self.assertIn("the email of user zz-late belongs to member already", done.stdout)
        self.assertNotIn("example.com", done.stdout)
        self.assertEqual(self.postgres.sql("SELECT count(*) FROM app_id_to_user_id WHERE time_joined = 0", database), [["0"]])
        self.assertEqual(self.postgres.sql("SELECT time_joined, primary_or_recipe_user_time_joined FROM app_id_to_user_id WHERE user_id = 'ghost'", database),
                         [["1700000000001", "1700000000001"]])

    def test_users(self):
        for user in self.each("users", lambda u: "%s %s %s" % (u["kind"], u.get("format", ""), u["id"])):
            base = user["base"]
            if user["kind"] == "emailpassword":
                answer = self.ok("POST", base, "/recipe/signin", {"email": user["email"], "password": user["password"]})
                self.assertEqual(answer["recipeUserId"], user["id"])
                wrong = self.call("POST", base, "/recipe/signin", {"email": user["email"], "password": user["password"] + "x"})
                self.assertEqual(wrong["status"], "WRONG_CREDENTIALS_ERROR")
            elif user["kind"] == "thirdparty":
                known = self.ok("GET", self.app(base), "/user/id", query={"userId": user["id"]})["user"]
                own = next(method["email"] for method in known["loginMethods"] if method["recipeUserId"] == user["id"])
                answer = self.ok("POST", base, "/recipe/signinup", {"thirdPartyId": user["thirdPartyId"], "thirdPartyUserId": user["thirdPartyUserId"],
                                                                    "email": {"id": own, "isVerified": False}})
                self.assertFalse(answer["createdNewUser"])
                self.assertEqual(answer["recipeUserId"], user["id"])
            else:
                # Signing in with a code belongs to passwordless; the user belongs to the registry.
                info = {k: user[k] for k in ("email", "phoneNumber") if k in user}
                answer = self.ok("GET", base, "/users/by-accountinfo", query={**info, "doUnionOfAccountInfo": "false"})
                self.assertIn(user["id"], [m["recipeUserId"] for u in answer["users"] for m in u["loginMethods"]])

    def verify(self, session, check_database, cdi):
        body = {"accessToken": session["accessToken"], "enableAntiCsrf": session["antiCsrfToken"] is not None, "doAntiCsrfCheck": False,
                "checkDatabase": check_database}
        return self.ok("POST", self.app(session["base"]), "/recipe/session/verify", body, cdi=cdi)

    def test_sessions(self):
        for s in self.each("sessions", lambda s: "%s %s" % (s["cdi"], s["where"])):
            base = self.app(s["base"])
            for cdi in ("5.4", "5.6") if s["cdi"] >= "2.21" else ("5.4",):
                for check in (False, True):
                    self.assertEqual(self.verify(s, check, cdi)["session"]["handle"], s["handle"])
            info = self.ok("GET", base, "/recipe/session", query={"sessionHandle": s["handle"]})
            self.assertEqual(info["recipeUserId"], s["userId"])
            body = {"refreshToken": s["refreshTokens"][-1], "enableAntiCsrf": s["antiCsrfToken"] is not None, "useDynamicSigningKey": s["dynamic"]}
            if s["antiCsrfToken"]:
                body["antiCsrfToken"] = s["antiCsrfToken"]
            answer = self.ok("POST", base, "/recipe/session/refresh", body)
            self.assertEqual(answer["session"]["handle"], s["handle"])
            self.verify({**s, "accessToken": answer["accessToken"]["token"]}, True, "5.4")
            if len(s["refreshTokens"]) > 2:
                theft = self.call("POST", base, "/recipe/session/refresh", {**body, "refreshToken": s["refreshTokens"][0]})
                self.assertEqual(theft["status"], "TOKEN_THEFT_DETECTED")
                self.assertEqual(theft["session"]["handle"], s["handle"])

    def test_jwts(self):
        for item in self.each("jwts", lambda j: str(j["static"])):
            self.assertTrue(verify_rs256(item["jwt"], self.call("GET", item["base"], "/.well-known/jwks.json")["keys"]))

    def test_linked(self):
        for group in self.each("linked", lambda g: g["primary"]):
            for member in group["members"]:
                user = self.ok("GET", group["base"], "/user/id", query={"userId": member})["user"]
                self.assertEqual(user["id"], group["primary"])
                self.assertTrue(user["isPrimaryUser"])
                self.assertEqual({m["recipeUserId"] for m in user["loginMethods"]}, set(group["members"]))
            alone = self.ok("GET", group["base"], "/user/id", query={"userId": group["alone"]})["user"]
            self.assertEqual([m["recipeUserId"] for m in alone["loginMethods"]], [group["alone"]])

    def test_mappings(self):
        for m in self.each("mappings", lambda m: m["externalUserId"]):
            answer = self.ok("POST", m["base"], "/recipe/signin", {"email": m["email"], "password": m["password"]})
            self.assertEqual((answer["user"]["id"], answer["recipeUserId"]), (m["externalUserId"], m["externalUserId"]))
            for given in (m["externalUserId"], m["superTokensUserId"]):
                self.assertEqual(self.ok("GET", m["base"], "/user/id", query={"userId": given})["user"]["id"], m["externalUserId"])
                mapping = self.ok("GET", m["base"], "/recipe/userid/map", query={"userId": given, "userIdType": "ANY"})
                self.assertEqual((mapping["superTokensUserId"], mapping["externalUserId"]), (m["superTokensUserId"], m["externalUserId"]))

    def split(self, kind):
        for key, value in self.manifest[kind].items():
            base, _, user = key.rpartition("|")
            with self.subTest(kind=kind, base=base, user=user):
                yield base, user, value

    def test_metadata(self):
        for base, user, value in self.split("metadata"):
            # A null in an update removes its member.
            self.assertEqual(self.ok("GET", self.app(base), "/recipe/user/metadata", query={"userId": user})["metadata"], value)

    def test_roles(self):
        for base, user, roles in self.split("roles"):
            self.assertEqual(self.ok("GET", base, "/recipe/user/roles", query={"userId": user})["roles"], roles)

    def test_tenants(self):
        for item in self.each("tenants", lambda t: ""):
            listed = self.ok("GET", item["base"], "/recipe/multitenancy/tenant/list/v2")["tenants"]
            self.assertEqual({t["tenantId"] for t in listed}, set(item["tenants"]))

    def test_tokens(self):
        now = int(time.time() * 1000)
        for t in self.each("tokens", lambda t: "%s %s" % (t["kind"], t["userId"])):
            # They are short-lived: as long as they would have been, from now.
            table = "emailverification_tokens" if t["kind"] == "emailverification" else "emailpassword_pswd_reset_tokens"
            self.postgres.sql("UPDATE %s SET token_expiry = %d WHERE user_id = '%s'" % (table, now + 3600000, t["userId"]), self.database)
            if t["kind"] == "emailverification":
                answer = self.ok("POST", t["base"], "/recipe/user/email/verify", {"method": "token", "token": t["token"]})
                self.assertEqual((answer["userId"], answer["email"]), (t["userId"], t["email"]))
            else:
                answer = self.ok("POST", t["base"], "/recipe/user/password/reset/token/consume", {"method": "token", "token": t["token"]})
                self.assertEqual(answer["userId"], t["userId"])


if __name__ == "__main__":
    unittest.main()
