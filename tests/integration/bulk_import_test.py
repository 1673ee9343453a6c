"""Users moved in by the thousand: errors are reported for each before anything is stored, the job imports the rest, and everything works for them as for users that signed up here."""
import json
import time
import unittest

from integration import harness, pg_proxy, registry_invariants

USERS, IMPORT = "/bulk-import/users", "/bulk-import/import"
BCRYPT = "$2a$10$GzEm3vKoAqnJCTWesRARCe/ovjt/07qjvcH9jbLUg44Fn77gMZkmm"  # testPass123
ARGON2 = "$argon2id$v=19$m=1024,t=2,p=1$C/SDRiV6s98cavfVIvfWew$5c4DsP8smGCf5ReOqgNmVQ"  # testing123
FIREBASE = ("$f_scrypt$lSrfV15cpx95/sZS2W9c9Kp6i/LVgQNDNC/qzrCnh1SAyZvqmZqAjTdn3aoItz+VHjoZilo78198JAdRuid5lQ==$42xEC+ixf3L2lw=="
            "$m=14$r=8$s=Bw==")  # user1password
FIREBASE_KEY = "jxspr8Ki0RYycVU8zykbdLGjFQ3McFUH0uiiTvC8pVMXAn210wjLNmdZJzxUECKbm0QsEmYUSDzZvpjeJ9WmXA=="
SETTINGS = {"BCRYPT_LOG_ROUNDS": "4", "FIREBASE_PASSWORD_HASHING_SIGNER_KEY": FIREBASE_KEY, "BULK_MIGRATION_SLEEP_BETWEEN_ROUNDS_IN_BATCH_MS": "10"}


def password(email, value=BCRYPT, algorithm="bcrypt", **more):
    return {"recipeId": "emailpassword", "email": email, "passwordHash": value, "hashingAlgorithm": algorithm, **more}


def plain(email, text, **more):
    return {"recipeId": "emailpassword", "email": email, "plainTextPassword": text, **more}


def third_party(user, email, **more):
    return {"recipeId": "thirdparty", "thirdPartyId": "google", "thirdPartyUserId": user, "email": email, **more}


def passwordless(**more):
    return {"recipeId": "passwordless", **more}


class BulkImportTest(harness.GatehouseTest):
    environment = SETTINGS

    def setUp(self):
        super().setUp()
        self.expect(self.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": "t1"}))
        for role in ("admin", "editor"):
            self.expect(self.app.put("/recipe/role", {"role": role}))

    def tearDown(self):
        self.assertEqual(registry_invariants.broken(self.gatehouse.sql), {})

    def count(self, status=None):
        return self.expect(self.app.get(USERS + "/count", {"status": status} if status else None))["count"]

    def add(self, *users):
        return self.expect(self.app.post(USERS, {"users": list(users)}))["users"]

    def imported(self, *users):
        """Adds users and waits until the job is done with them."""
        added = self.add(*users)
        harness.wait_until(lambda: self.count("NEW") == 0, 40, "the import")
        return added

    def failures(self):
        return {user["id"]: user["errorMessage"] for user in self.expect(self.app.get(USERS, {"status": "FAILED"}))["users"]}

    def signs_in(self, email, text, tenant=None):
        reply = self.app.post("/recipe/signin", {"email": email, "password": text}, tenant=tenant)
        return self.expect(reply)["user"]

    def test_what_an_id_had_before_survives_a_failed_import(self):
        """An application may keep data under ids of its own, before it moves their users in."""
        device = {"userId": "mine", "deviceName": "phone", "secretKey": "JBSWY3DPEHPK3PXP", "skew": 1, "period": 30}
        self.expect(self.app.post("/recipe/totp/device/import", device))
        self.expect(self.app.put("/recipe/user/role", {"userId": "mine", "role": "admin"}))
        self.expect(self.app.put("/recipe/user/metadata", {"userId": "mine", "metadataUpdate": {"plan": "pro"}}))
        user = {"externalUserId": "mine", "totpDevices": [{"secretKey": "JBSWY3DPEHPK3PXQ", "deviceName": "phone"}], "loginMethods": [password("mine@x.io")]}
        added = self.imported(user)
        self.assertEqual([text[:4] for text in self.failures().values()], ["E036"], added)
        self.assertEqual(self.app.post(IMPORT, user).status, 400)
        self.assertEqual(self.expect(self.app.get("/users/by-accountinfo", {"email": "mine@x.io", "doUnionOfAccountInfo": "false"}))["users"], [])
        self.assertEqual(self.expect(self.app.get("/recipe/userid/map", {"userId": "mine", "userIdType": "ANY"}), status="UNKNOWN_MAPPING_ERROR")["status"], "UNKNOWN_MAPPING_ERROR")
        devices = self.expect(self.app.get("/recipe/totp/device/list", {"userId": "mine"}))["devices"]
        self.assertEqual([one["name"] for one in devices], ["phone"])
        self.expect(self.app.get("/recipe/user/roles", {"userId": "mine"}), roles=["admin"])
        self.expect(self.app.get("/recipe/user/metadata", {"userId": "mine"}), metadata={"plan": "pro"})

    def test_everything_of_a_user_is_there(self):
        self.imported(
            {"externalUserId": "ext-1", "userMetadata": {"plan": "pro", "gone": None, "deep": {"kept": None}},
             "userRoles": [{"role": "admin", "tenantIds": ["public"]}, {"role": "editor", "tenantIds": ["public", "t1"]}],
             "totpDevices": [{"secretKey": "JBSWY3DPEHPK3PXP", "deviceName": "phone"}, {"secretKey": "JBSWY3DPEHPK3PXQ", "period": 60, "skew": 2}],
             "loginMethods": [password("A@x.io ", isPrimary=True, isVerified=True, timeJoinedInMSSinceEpoch=1600000000000),
                              third_party("g1", "b@x.io", isVerified=True, timeJoinedInMSSinceEpoch=1500000000000, tenantIds=["public", "T1"]),
                              passwordless(email="c@x.io", phoneNumber="+1 415 555 2671", timeJoinedInMSSinceEpoch=1700000000000)]})
        self.assertEqual(self.failures(), {})
        user = self.signs_in("a@x.io", "testPass123")
        self.assertEqual((user["id"], user["isPrimaryUser"], user["timeJoined"]), ("ext-1", True, 1500000000000))
        self.assertEqual([(m["recipeId"], m["verified"]) for m in user["loginMethods"]], [("thirdparty", True), ("emailpassword", True), ("passwordless", False)])
        self.assertEqual(user["loginMethods"][2]["phoneNumber"], "+14155552671")
        self.assertEqual(sorted(user["loginMethods"][0]["tenantIds"]), ["public", "t1"])
        self.expect(self.app.get("/recipe/user/metadata", {"userId": "ext-1"}), metadata={"plan": "pro", "deep": {"kept": None}})
        self.expect(self.app.get("/recipe/user/roles", {"userId": "ext-1"}), roles=["admin", "editor"])
        self.expect(self.app.get("/recipe/user/roles", {"userId": "ext-1"}, tenant="t1"), roles=["editor"])
        devices = self.expect(self.app.get("/recipe/totp/device/list", {"userId": "ext-1"}))["devices"]
        self.assertEqual({d["name"]: (d["period"], d["skew"], d["verified"]) for d in devices}, {"phone": (30, 1, True), "TOTP Device 0": (60, 2, True)})
        # The other login methods lead to the same user.
        reply = self.expect(self.app.post("/recipe/signinup", {"thirdPartyId": "google", "thirdPartyUserId": "g1", "email": {"id": "b@x.io", "isVerified": True}}))
        self.assertEqual((reply["createdNewUser"], reply["user"]["id"]), (False, "ext-1"))
        code = self.expect(self.app.post("/recipe/signinup/code", {"phoneNumber": "+14155552671"}))
        reply = self.expect(self.app.post("/recipe/signinup/code/consume", {"preAuthSessionId": code["preAuthSessionId"], "linkCode": code["linkCode"]}))
        self.assertEqual((reply["createdNewUser"], reply["user"]["id"]), (False, "ext-1"))
        self.expect(self.app.get("/users/count"), count=1)

    def test_passwords_of_every_kind_sign_in(self):
        self.imported({"loginMethods": [password("bcrypt@x.io")]}, {"loginMethods": [password("firebase@x.io", FIREBASE, "firebase_scrypt")]},
                      {"loginMethods": [password("argon2@x.io", ARGON2, " Argon2 ")]}, {"loginMethods": [plain("plain@x.io", "plainPass1")]},
                      {"loginMethods": [password("t1@x.io", tenantIds=["t1"])]})
        self.assertEqual(self.failures(), {})
        self.signs_in("bcrypt@x.io", "testPass123")
        self.signs_in("firebase@x.io", "user1password")
        self.signs_in("argon2@x.io", "testing123")
        self.signs_in("plain@x.io", "plainPass1")
        self.signs_in("t1@x.io", "testPass123", tenant="t1")
        self.expect(self.app.post("/recipe/signin", {"email": "t1@x.io", "password": "testPass123"}), status="WRONG_CREDENTIALS_ERROR")

    def test_one_wrong_user_of_many_is_told_and_nothing_is_stored(self):
        users = [{"loginMethods": [password("u%d@x.io" % i)]} for i in range(5)]
        users[3] = {"externalUserId": 5, "userRoles": [{"role": "nobody", "tenantIds": ["t1"]}], "loginMethods": [plain("u3@x.io", "p" * 8, timeJoinedInMSSinceEpoch=-1)]}
        reply = self.app.post(USERS, {"users": users})
        self.assertEqual(reply.status, 400, reply)
        self.assertEqual(json.loads(reply.text), {
            "error": "Data has missing or invalid fields. Please check the users field for more details.",
            "users": [{"index": 3, "errors": ["externalUserId should be of type string.", "Role nobody does not exist.", "timeJoined cannot be < 0 for a loginMethod.",
                                              "TenantId t1 for a user role does not exist in loginMethods."]}]})
        self.assertEqual(self.count(), 0)
        duplicates = [{"externalUserId": "e", "loginMethods": [password("a@x.io")]}, {"externalUserId": "e", "loginMethods": [password("b@x.io")]}]
        self.assertIn("externalUserId e is not unique. It is already used by another user.", self.app.post(USERS, {"users": duplicates}).text)
        for bad in ("x", None, [1], [None], [[]]):
            self.assertEqual(self.app.post(USERS, {"users": bad}).status, 400, bad)
        reply = self.app.post(USERS, {"users": [{"loginMethods": []}] * 10001})
        self.assertEqual((reply.status, json.loads(reply.text)), (400, {"error": "You can only add 10000 users at a time."}))

    def test_a_user_that_is_there_already_fails_and_the_others_come(self):
        self.expect(self.app.post("/recipe/signup", {"email": "taken@x.io", "password": "password1"}))
        self.expect(self.app.post(IMPORT, {"externalUserId": "mine", "loginMethods": [password("primary@x.io", isPrimary=True)]}))
        added = self.imported({"loginMethods": [password("taken@x.io")]}, {"loginMethods": [password("new@x.io")]}, {"externalUserId": "mine", "loginMethods": [password("m@x.io")]},
                              {"loginMethods": [password("twice@x.io")]}, {"loginMethods": [password("twice@x.io")]},
                              {"loginMethods": [third_party("g9", "primary@x.io", isPrimary=True)]})
        ids = [user["loginMethods"][0]["userId"] for user in added]
        failures = self.failures()
        twice = {ids[3], ids[4]} & set(failures)
        self.assertEqual(len(twice), 1, failures)
        self.assertEqual(failures[twice.pop()], "E003: A user with email twice@x.io already exists in emailpassword loginMethod.")
        self.assertEqual({ids.index(i): text for i, text in failures.items() if "twice" not in text}, {
            0: "E003: A user with email taken@x.io already exists in emailpassword loginMethod.",
            2: "E031: A user with externalId mine already exists",
            5: "E022: We tried to create the primary user for the userId %s but the account info is already associated with another primary user." % ids[5]})
        for email in ("new@x.io", "twice@x.io"):
            self.signs_in(email, "testPass123")
        self.expect(self.app.post("/recipe/signin", {"email": "m@x.io", "password": "testPass123"}), status="WRONG_CREDENTIALS_ERROR")
        # Removed ones make room.
        reply = self.app.post(USERS + "/remove", {"ids": list(failures) + ["other"]}).json
        self.assertEqual((set(reply["deletedIds"]), reply["invalidIds"]), (set(failures), ["other"]))
        self.assertEqual(self.count(), 0)

    def test_a_role_that_is_gone_by_then_takes_the_user_back(self):
        self.expect(self.app.put("/recipe/role", {"role": "passing"}))
        self.gatehouse.sql("INSERT INTO bulk_import_users (id, app_id, raw_data, created_at, updated_at) SELECT v.id, '%s', v.raw, 1, 1 FROM (VALUES %s) v(id, raw)" % (
            self.app.app, ",".join("('%s', '%s')" % (i, json.dumps({
                "id": i, "userRoles": [{"role": role, "tenantIds": ["public"]}],
                "loginMethods": [{"superTokensUserId": i, "recipeId": "emailpassword", "email": "%s@x.io" % i[:4], "passwordHash": BCRYPT, "hashingAlgorithm": "BCRYPT",
                                  "tenantIds": ["public"], "isVerified": False, "isPrimary": False, "timeJoinedInMSSinceEpoch": 5}]}))
                for i, role in (("aaaa0000-0000-4000-8000-000000000000", "admin"), ("bbbb0000-0000-4000-8000-000000000000", "none")))))
        self.add({"loginMethods": [password("wakes@x.io")]})
        harness.wait_until(lambda: self.count("NEW") == 0, 40, "the import")
        self.assertEqual(self.failures(), {"bbbb0000-0000-4000-8000-000000000000": "[Role none does not exist.]"})
        self.assertEqual(self.signs_in("aaaa@x.io", "testPass123")["id"], "aaaa0000-0000-4000-8000-000000000000")

    def test_one_user_at_once(self):
        user = self.expect(self.app.post(IMPORT, {"externalUserId": "one", "loginMethods": [password("one@x.io", isVerified=True)]}))["user"]
        self.assertEqual((user["id"], user["loginMethods"][0]["verified"], user["isPrimaryUser"]), ("one", True, False))
        reply = self.app.post(IMPORT, {"externalUserId": "two", "loginMethods": [password("one@x.io")]})
        self.text(reply, 400, '{"errors":["E003: A user with email one@x.io already exists in emailpassword loginMethod."]}')
        # Two that sign in with the same thing never become one user.
        reply = self.app.post(IMPORT, {"loginMethods": [password("t@x.io"), password("t@x.io")]})
        self.assertEqual(reply.status, 400, reply)
        self.expect(self.app.get("/users/count"), count=1)
        self.assertEqual(self.app.post(IMPORT, {"loginMethods": [password("z@x.io")]}, tenant="t1").status, 403)

    def test_secrets_stay_out_of_the_logs(self):
        self.imported({"totpDevices": [{"secretKey": "KVKFKRCPNZQUYMLXOVYDSQKJKZDTSRLD"}], "loginMethods": [plain("secretive@x.io", "unspeakable-password")]},
                      {"loginMethods": [password("secretive@x.io", BCRYPT)]})
        self.assertEqual(len(self.failures()), 1)
        logs = "".join(process.log() for process in self.gatehouse.processes.values())
        for secret in ("KVKFKRCPNZQUYMLXOVYDSQKJKZDTSRLD", "unspeakable-password", "secretive@x.io", BCRYPT):
            self.assertNotIn(secret, logs)
        metrics = self.gatehouse.admin("/metrics", "accounts" if "accounts" in self.gatehouse.admin_ports else None).text
        self.assertRegex(metrics, r"gatehouse_bulk_import_imported_total [1-9]")


class WaitingTest(harness.GatehouseTest):
    """Users that wait, where no job takes them."""
    environment = {**SETTINGS, "BULK_MIGRATION_CRON_ENABLED": "false"}

    def page(self, **query):
        return self.expect(self.app.get(USERS, query))

    def test_pages_and_filters(self):
        self.expect(self.app.post(USERS, {"users": [{"externalUserId": "e%d" % i, "userMetadata": {"i": i}, "loginMethods": [password("u%d@x.io" % i)]} for i in range(5)]}))
        time_ms = time.time() * 1000
        seen, token = [], None
        while True:
            page = self.page(limit=2, **({"paginationToken": token} if token else {}))
            seen += page["users"]
            token = page.get("nextPaginationToken")
            if token is None:
                break
            self.assertEqual(len(page["users"]), 2)
        self.assertEqual(sorted(user["externalUserId"] for user in seen), ["e%d" % i for i in range(5)])
        user = next(user for user in seen if user["externalUserId"] == "e3")
        self.assertEqual((user["status"], user["userMetadata"], user["id"]), ("NEW", {"i": 3}, user["loginMethods"][0]["superTokensUserId"]))
        self.assertEqual(user["loginMethods"][0]["hashingAlgorithm"], "BCRYPT")
        self.assertLess(abs(user["createdAt"] - time_ms), 60000)
        for status, count in (("NEW", 5), ("PROCESSING", 0), ("FAILED", 0)):
            self.assertEqual(len(self.page(status=status)["users"]), count)
            self.expect(self.app.get(USERS + "/count", {"status": status}), count=count)
        for query, text in (({"status": "new"}, "Invalid value for status. Pass one of NEW, PROCESSING, or FAILED!"), ({"limit": 501}, "Max limit allowed is 500"),
                            ({"limit": 0}, "limit must a positive integer with min value 1"), ({"paginationToken": "x"}, "invalid pagination token"),
                            ({"paginationToken": ""}, "invalid pagination token")):
            self.text(self.app.get(USERS, query), 400, text)
        reply = self.app.post(USERS + "/remove", {"ids": [user["id"], user["id"], "nope"]})
        self.assertEqual(reply.json, {"deletedIds": [user["id"], user["id"]], "invalidIds": ["nope"]})
        self.assertEqual(self.app.post(USERS + "/remove", {"ids": []}).json, {"deletedIds": [], "invalidIds": []})
        self.text(self.app.post(USERS + "/remove", {"ids": [""]}), 400, "Field name 'ids' cannot contain an empty string")
        self.text(self.app.post(USERS + "/remove", {"ids": ["x"] * 501}), 400, "Field name 'ids' cannot contain more than 500 elements")
        self.expect(self.app.get(USERS + "/count"), count=4)

    def test_ten_thousand_at_once(self):
        self.expect(self.app.post(USERS, {"users": [{"loginMethods": [password("u%d@x.io" % i)]} for i in range(10000)]}))
        self.expect(self.app.get(USERS + "/count"), count=10000)


class DeadDatabase(harness.GatehouseTest):
    environment = SETTINGS

    def test_a_tenants_dead_database_holds_up_nobody_else(self):
        postgres = self.gatehouse.postgres
        own = postgres.create_database()
        proxy = pg_proxy.PgProxy(postgres.port)
        self.addCleanup(proxy.stop)
        away = self.gatehouse.new_app({"postgresql_connection_uri": proxy.uri(own)})
        self.addCleanup(away.close)

        def add(app, email, seconds):
            self.expect(app.post(USERS, {"users": [{"loginMethods": [password(email)]}]}))
            harness.wait_until(lambda: self.expect(app.get(USERS + "/count"))["count"] == 0, seconds, "the import")
        for mode in ("refuse", "silence"):
            with self.subTest(mode):
                proxy.mode = mode
                proxy.drop_all()
                add(self.app, "%s@x.io" % mode, 40)
                self.expect(self.app.post("/recipe/signin", {"email": "%s@x.io" % mode, "password": "testPass123"}))
        proxy.mode = "pass"
        proxy.drop_all()  # connections that were being made stay silent
        harness.wait_until(lambda: away.get(USERS + "/count").status == 200, 10, "the database to be found again")
        add(away, "own@x.io", 90)


if __name__ == "__main__":
    unittest.main()
