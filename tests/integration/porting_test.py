"""Moving out and in: `gatehouse export` of every kind of user, and `gatehouse import` of that file into an empty app, where every way to sign in, id, role, factor and link is then."""
import json
import os
import stat
import subprocess
import tempfile
import unittest

from integration import harness
from integration.passkeys import Authenticator, Site

PASSWORD = "correct horse 1"
ARGON2 = ("testing123", "$argon2id$v=19$m=1024,t=2,p=1$C/SDRiV6s98cavfVIvfWew$5c4DsP8smGCf5ReOqgNmVQ")
FIREBASE = ("user1password", "$f_scrypt$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==$42xEC+ixf3L2lw==$m=14$r=8$s=Bw==")
SIGNER_KEY = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
SECRET = "JBSWY3DPEHPK3PXP"


def gatehouse(gatehouse, *arguments, **environment):
    own = {name: value for name, value in os.environ.items() if not name.startswith(("POSTGRESQL_", "SUPERTOKENS_", "GATEHOUSE_"))}
    own.update(POSTGRESQL_CONNECTION_URI=gatehouse.postgres.uri(gatehouse.database), **environment)
    return subprocess.run([os.path.join(harness.BIN, "gatehouse"), *arguments], env=own, capture_output=True, text=True, timeout=120)


class Porting(harness.GatehouseTest):
    environment = {"BCRYPT_LOG_ROUNDS": "4", "FIREBASE_PASSWORD_HASHING_SIGNER_KEY": SIGNER_KEY}

    def setUp(self):
        super().setUp()
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.own_database = self.gatehouse.postgres.create_database()
        self.prepare(self.app)

    def prepare(self, app):
        self.expect(app.put("/recipe/multitenancy/tenant/v2", {"tenantId": "t1"}))
        for role in ("editor", "admin"):
            self.expect(app.put("/recipe/role", {"role": role, "permissions": ["p"]}))

    def path(self, name):
        return os.path.join(self.directory, name)

    def export(self, app, name="users.jsonl"):
        done = gatehouse(self.gatehouse, "export", self.path(name), "--app", app.app)
        self.assertEqual(done.returncode, 0, done)
        with open(self.path(name), encoding="utf-8") as f:
            return {user["externalUserId"]: user for user in map(json.loads, f)}, done.stderr

    def sign_up(self, email, tenant=None):
        return self.expect(self.app.post("/recipe/signup", {"email": email, "password": PASSWORD}, tenant=tenant))["user"]["id"]

    def hashed(self, email, password_hash, algorithm):
        return self.expect(self.app.post("/recipe/user/passwordhash/import", {"email": email, "passwordHash": password_hash, "hashingAlgorithm": algorithm}))["user"]["id"]

    def social(self, email, user_id, verified=True, tenant=None):
        return self.expect(self.app.post("/recipe/signinup", {"thirdPartyId": "google", "thirdPartyUserId": user_id, "email": {"id": email, "isVerified": verified}},
                                         tenant=tenant))["user"]["id"]

    def passwordless(self, **contact):
        code = self.expect(self.app.post("/recipe/signinup/code", contact))
        return self.expect(self.app.post("/recipe/signinup/code/consume", {"preAuthSessionId": code["preAuthSessionId"], "linkCode": code["linkCode"]}))["user"]["id"]

    def make_everybody(self):
        """A user of each kind; the ids that clients know them by."""
        app, users = self.app, {}
        users["password"] = self.sign_up("password@x.io")
        users["argon2"] = self.hashed("argon2@x.io", ARGON2[1], "argon2")
        users["firebase"] = self.hashed("firebase@x.io", FIREBASE[1], "firebase_scrypt")
        users["social"] = self.social("social@x.io", "g-1")
        users["email"] = self.passwordless(email="code@x.io")
        users["phone"] = self.passwordless(phoneNumber="+14155552671")
        # A group: three methods, in two tenants, mapped, with everything that can belong to a user.
        first, second = self.sign_up("group@x.io"), self.social("group2@x.io", "g-2", tenant="t1")
        third = self.passwordless(email="group3@x.io")
        self.expect(app.post("/recipe/multitenancy/tenant/user", {"recipeUserId": first}, tenant="t1"))
        self.expect(app.post("/recipe/accountlinking/user/primary", {"recipeUserId": first}))
        for other in (second, third):
            self.expect(app.post("/recipe/accountlinking/user/link", {"recipeUserId": other, "primaryUserId": first}))
        users["group"] = "group ä/1"
        self.expect(app.post("/recipe/userid/map", {"superTokensUserId": first, "externalUserId": users["group"]}))
        token = self.expect(app.post("/recipe/user/email/verify/token", {"userId": users["group"], "email": "group@x.io"}))["token"]
        self.expect(app.post("/recipe/user/email/verify", {"method": "token", "token": token}))
        self.expect(app.put("/recipe/user/metadata", {"userId": users["group"], "metadataUpdate": {"n": {"k": [1, 2.50, "ü"]}, "gone": None}}))
        for role, tenant in (("editor", None), ("editor", "t1"), ("admin", "t1")):
            self.expect(app.put("/recipe/user/role", {"userId": users["group"], "role": role}, tenant=tenant))
        self.expect(app.post("/recipe/totp/device/import", {"userId": users["group"], "deviceName": "phone", "skew": 1, "period": 30, "secretKey": SECRET}))
        self.expect(app.post("/recipe/accountlinking/user/primary", {"recipeUserId": users["social"]}))
        return users

    def test_what_is_in_the_file(self):
        app = self.app
        users = self.make_everybody()
        # What can't be in it: passkeys, devices that were never verified, roles where the user isn't, who is in no tenant.
        app.cdi = "5.6"
        self.expect(Site(app).sign_up(Authenticator("porting"), "passkey@x.io"))
        self.expect(app.post("/recipe/totp/device", {"userId": users["password"], "deviceName": "new", "skew": 0, "period": 30}))
        self.expect(app.put("/recipe/user/role", {"userId": users["password"], "role": "admin"}, tenant="t1"))
        nowhere = self.sign_up("nowhere@x.io")
        self.expect(app.post("/recipe/multitenancy/tenant/user/remove", {"recipeUserId": nowhere}))
        # A tenant may have a database of its own.
        self.expect(app.put("/recipe/multitenancy/tenant/v2", {"tenantId": "t2", "coreConfig": {"postgresql_connection_uri": self.gatehouse.postgres.uri(self.own_database)}}))
        users["elsewhere"] = self.sign_up("elsewhere@x.io", tenant="t2")
        # Nobody of another app.
        other = self.gatehouse.new_app()
        self.addCleanup(other.close)
        self.expect(other.post("/recipe/signup", {"email": "other@x.io", "password": PASSWORD}))
        found, report = self.export(app)
        self.assertEqual(set(found), set(users.values()))
        self.assertEqual(stat.S_IMODE(os.stat(self.path("users.jsonl")).st_mode), 0o600)
        self.assertIn("Exported 8 users with 10 login methods to ", report)
        for line in ("1 passkey, which the format can't hold", "2 users without any other way to sign in", "1 login method that is in no tenant",
                     "1 TOTP device that its user has not verified", "1 role in a tenant that its user is not in"):
            self.assertIn("Left out: " + line, report)
        self.assertNotIn("x.io", report)
        group = found[users["group"]]
        self.assertEqual(group["userMetadata"], {"n": {"k": [1, 2.50, "ü"]}})
        self.assertEqual(group["userRoles"], [{"role": "admin", "tenantIds": ["t1"]}, {"role": "editor", "tenantIds": ["public", "t1"]}])
        self.assertEqual(group["totpDevices"], [{"deviceName": "phone", "secretKey": SECRET, "period": 30, "skew": 1}])
        methods = group["loginMethods"]
        self.assertEqual([(m["recipeId"], m["email"], m.get("isPrimary"), m["isVerified"], sorted(m["tenantIds"])) for m in methods],
                         [("emailpassword", "group@x.io", True, True, ["public", "t1"]), ("thirdparty", "group2@x.io", None, True, ["t1"]),
                          ("passwordless", "group3@x.io", None, True, ["public"])])
        self.assertEqual((methods[1]["thirdPartyId"], methods[1]["thirdPartyUserId"]), ("google", "g-2"))
        self.assertEqual({name: (found[users[name]]["loginMethods"][0]["passwordHash"], found[users[name]]["loginMethods"][0]["hashingAlgorithm"])
                          for name in ("argon2", "firebase")}, {"argon2": (ARGON2[1], "argon2"), "firebase": (FIREBASE[1], "firebase_scrypt")})
        self.assertEqual(found[users["password"]]["loginMethods"][0]["hashingAlgorithm"], "bcrypt")
        self.assertEqual(set(found[users["password"]]), {"externalUserId", "loginMethods"})
        self.assertEqual(found[users["phone"]]["loginMethods"][0]["phoneNumber"], "+14155552671")
        self.assertTrue(found[users["social"]]["loginMethods"][0]["isPrimary"])
        self.assertEqual(found[users["elsewhere"]]["loginMethods"][0]["tenantIds"], ["t2"])
        # Never over another file, and to standard output too.
        again = gatehouse(self.gatehouse, "export", self.path("users.jsonl"), "--app", app.app)
        self.assertEqual((again.returncode, "is there already" in again.stderr), (1, True), again)
        out = gatehouse(self.gatehouse, "export", "-", "--app", app.app)
        self.assertEqual({json.loads(line)["externalUserId"] for line in out.stdout.splitlines()}, set(users.values()))
        for arguments, text in ((["export"], "needs the file"), (["export", self.path("x"), "--app", "nobody"], "there is no app nobody"),
                                (["export", self.path("no/such/x")], "can't be created")):
            done = gatehouse(self.gatehouse, *arguments)
            self.assertEqual((done.returncode, text in done.stderr), (1, True), done)
        self.assertEqual(os.listdir(self.directory), ["users.jsonl"])
        self.gatehouse.postgres.sql('DROP DATABASE "%s" WITH (FORCE)' % self.own_database, "postgres")
        missing = gatehouse(self.gatehouse, "export", self.path("part"), "--app", app.app)
        self.assertEqual((missing.returncode, os.path.exists(self.path("part"))), (1, False), missing)

    def import_into(self, app, name, *arguments):
        return gatehouse(self.gatehouse, "import", self.path(name), "--url", "http://127.0.0.1:%d" % self.gatehouse.port, "--app", app.app, *arguments)

    def shown(self, app, user):
        """The user as clients see it, without internal ids, and what else there is of it."""
        whole = self.expect(app.get("/user/id", {"userId": user}))["user"]
        for method in whole["loginMethods"]:
            # Of the methods only the primary one keeps an id that clients know.
            if method["recipeUserId"] != user:
                method["recipeUserId"] = None
            method["tenantIds"].sort()
        whole["tenantIds"].sort()
        roles = {tenant: sorted(self.expect(app.get("/recipe/user/roles", {"userId": user}, tenant=tenant))["roles"]) for tenant in ("public", "t1")}
        metadata = self.expect(app.get("/recipe/user/metadata", {"userId": user}))["metadata"]
        devices = self.expect(app.get("/recipe/totp/device/list", {"userId": user}))["devices"]
        return {"user": whole, "roles": roles, "metadata": metadata, "devices": devices}

    def signs_in(self, app, email, password, user, tenant=None):
        signed_in = self.expect(app.post("/recipe/signin", {"email": email, "password": password}, tenant=tenant))
        self.assertEqual(signed_in["user"]["id"], user)

    def test_round_trip(self):
        users = self.make_everybody()
        before, _ = self.export(self.app)
        there = self.gatehouse.new_app()
        self.addCleanup(there.close)
        dry = self.import_into(there, "users.jsonl", "--dry-run")
        # The tenant and the roles are missing as yet.
        self.assertEqual((dry.returncode, dry.stdout.count("\n")), (3, len(dry.stdout.splitlines())), dry)
        self.assertIn("Invalid tenantId: t1", dry.stdout)
        self.prepare(there)
        dry = self.import_into(there, "users.jsonl", "--dry-run")
        self.assertEqual((dry.returncode, dry.stdout), (0, ""), dry)
        self.assertEqual(self.expect(there.get("/users/count"))["count"], 0)
        done = self.import_into(there, "users.jsonl")
        self.assertEqual((done.returncode, "7 users imported, 0 failed" in done.stderr, "x.io" in done.stderr), (0, True, False), done)
        for name, user in users.items():
            with self.subTest(name):
                self.assertEqual(self.shown(there, user), self.shown(self.app, user))
        self.signs_in(there, "password@x.io", PASSWORD, users["password"])
        self.signs_in(there, "argon2@x.io", ARGON2[0], users["argon2"])
        self.signs_in(there, "firebase@x.io", FIREBASE[0], users["firebase"])
        for tenant in (None, "t1"):
            self.signs_in(there, "group@x.io", PASSWORD, users["group"], tenant)
        for email, user_id, user, tenant in (("social@x.io", "g-1", users["social"], None), ("group2@x.io", "g-2", users["group"], "t1")):
            again = self.expect(there.post("/recipe/signinup", {"thirdPartyId": "google", "thirdPartyUserId": user_id, "email": {"id": email, "isVerified": True}}, tenant=tenant))
            self.assertEqual((again["createdNewUser"], again["user"]["id"]), (False, user))
        for contact, user in (({"email": "code@x.io"}, users["email"]), ({"phoneNumber": "+14155552671"}, users["phone"]), ({"email": "group3@x.io"}, users["group"])):
            code = self.expect(there.post("/recipe/signinup/code", contact))
            again = self.expect(there.post("/recipe/signinup/code/consume", {"preAuthSessionId": code["preAuthSessionId"], "linkCode": code["linkCode"]}))
            self.assertEqual((again["createdNewUser"], again["user"]["id"]), (False, user))
        now = subprocess.run(["oathtool", "--totp", "--base32", SECRET], check=True, capture_output=True, text=True).stdout.strip()
        self.expect(there.post("/recipe/totp/verify", {"userId": users["group"], "totp": now}))
        # What comes out there is what went in.
        after, _ = self.export(there, "again.jsonl")
        self.assertEqual(after, before)
        # Twice is an error of each user, and nothing else.
        os.rename(self.path("users.jsonl"), self.path("twice.jsonl"))
        dry = self.import_into(there, "twice.jsonl", "--dry-run")
        self.assertIn("7 users: 7 would fail", dry.stderr, dry)
        self.assertNotIn("x.io", dry.stdout + dry.stderr)
        twice = self.import_into(there, "twice.jsonl")
        self.assertEqual((twice.returncode, "0 users imported, 7 failed" in twice.stderr), (3, True), twice)
        self.assertEqual(self.export(there, "third.jsonl")[0], before)
        self.assertEqual(self.expect(there.get("/bulk-import/users/count"))["count"], 0)


if __name__ == "__main__":
    unittest.main()
