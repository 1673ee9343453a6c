"""Passkeys over HTTP: a user's life with them, what is checked, what happens at once, and what nobody gets to read."""
import collections
import threading
import unittest

from integration import harness, registry_invariants
from integration.passkeys import Authenticator, Site

W = "/recipe/webauthn"
PASSWORD = "correct horse 1"


class Passkeys(harness.GatehouseTest):
    environment = {"BCRYPT_LOG_ROUNDS": "4"}

    def setUp(self):
        super().setUp()
        self.app.cdi = "5.6"
        self.site = Site(self.app)

    def tearDown(self):
        self.assertEqual(registry_invariants.broken_at_rest(self.gatehouse.sql), {})
        self.assertEqual(self.gatehouse.sql("SELECT (SELECT count(*) FROM (SELECT app_id, user_id, rp_id, id FROM webauthn_credentials EXCEPT "
                                            "SELECT app_id, user_id, rp_id, credential_id FROM gatehouse_passkeys) a) + (SELECT count(*) FROM gatehouse_passkeys) "
                                            "- (SELECT count(*) FROM webauthn_credentials)"), [["0"]])
        super().tearDown()

    def sign_up(self, seed, email, **k):
        key = Authenticator(seed)
        return key, self.expect(self.site.sign_up(key, email, **k))["recipeUserId"]

    def ids(self, user):
        return self.expect(self.app.get("/user/id", {"userId": user}))["user"]["webauthn"]["credentialIds"]

    def status(self, reply, status):
        self.assertEqual((reply.status, reply.json["status"]), (200, status), reply)

    def at_once(self, count, call):
        """How often each outcome occurs of call(client, number)."""
        clients = [self.gatehouse.client(app=self.app.app, cdi=self.app.cdi) for _ in range(count)]
        replies, barrier = [None] * count, threading.Barrier(count)

        def run(number):
            clients[number].get("/users/count")  # connects
            barrier.wait()
            replies[number] = call(clients[number], number)
        threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for client in clients:
            client.close()
        self.replies = replies
        return dict(collections.Counter(reply.json["status"] if reply.status == 200 else reply.status for reply in replies))

    def test_a_users_life(self):
        first, user = self.sign_up("life 1", "User@X.io ")
        self.status(self.site.sign_up(Authenticator("life 2"), "user@x.io"), "EMAIL_ALREADY_EXISTS_ERROR")
        shown = self.expect(self.site.sign_in(first))
        self.assertEqual((shown["recipeUserId"], shown["user"]["emails"], shown["user"]["webauthn"]["credentialIds"]), (user, ["user@x.io"], [first.id]))
        second = Authenticator("life 2")
        self.expect(self.site.add(second, user, "user@x.io"), webauthnCredentialId=second.id, email="user@x.io")
        self.status(self.site.add(second, user, "user@x.io"), "CREDENTIAL_ALREADY_EXISTS_ERROR")
        self.assertEqual(sorted(self.ids(user)), sorted([first.id, second.id]))
        for query in ({"webauthnCredentialId": second.id}, {"webauthnCredentialId": second.id, "email": "user@x.io"}):
            found = self.expect(self.app.get("/users/by-accountinfo", {**query, "doUnionOfAccountInfo": "false"}))["users"]
            self.assertEqual([one["id"] for one in found], [user])
        self.assertEqual(self.expect(self.app.get("/users/by-accountinfo", {"webauthnCredentialId": second.id, "email": "b@x.io", "doUnionOfAccountInfo": "false"}))["users"], [])
        self.text(self.app.get("/users/by-accountinfo", {"webauthnCredentialId": "AAAA", "doUnionOfAccountInfo": "true"}), 400, "Unknown webauthnCredentialId")
        self.expect(self.app.request("DELETE", W + "/user/credential/remove", query={"recipeUserId": user, "webauthnCredentialId": first.id}))
        self.status(self.site.sign_in(first), "CREDENTIAL_NOT_FOUND_ERROR")
        self.expect(self.site.sign_in(second))
        # A lost passkey: a token by email, then a new one.
        token = self.expect(self.app.post(W + "/user/recover/token", {"userId": user, "email": "user@x.io"}))["token"]
        self.expect(self.app.get(W + "/user/recover", {"token": token}), recipeUserId=user)
        self.assertEqual(self.at_once(20, lambda app, _: app.post(W + "/user/recover/token/consume", {"token": token})), {"OK": 1, "RECOVER_ACCOUNT_TOKEN_INVALID_ERROR": 19})
        # A reader of the former address recovers nothing.
        token = self.expect(self.app.post(W + "/user/recover/token", {"userId": user, "email": "user@x.io"}))["token"]
        self.expect(self.app.put(W + "/user/email", {"recipeUserId": user, "email": "new@x.io"}))
        self.status(self.app.post(W + "/user/recover/token/consume", {"token": token}), "RECOVER_ACCOUNT_TOKEN_INVALID_ERROR")
        other, _ = self.sign_up("life 3", "other@x.io")
        self.status(self.app.put(W + "/user/email", {"recipeUserId": user, "email": "other@x.io"}), "EMAIL_ALREADY_EXISTS_ERROR")
        self.expect(self.app.post("/user/remove", {"userId": user}))
        self.status(self.site.sign_in(second), "CREDENTIAL_NOT_FOUND_ERROR")
        self.expect(self.site.sign_up(second, "new@x.io"))

    def test_what_is_checked(self):
        _, user = self.sign_up("checks", "a@x.io")
        for change, status in (({"rp": "evil.com"}, "INVALID_AUTHENTICATOR_ERROR"), ({"origin": "https://evil.com"}, "INVALID_AUTHENTICATOR_ERROR"), ({"secret": 5}, "INVALID_AUTHENTICATOR_ERROR"),
                               ({"raw_id": b"x", "id": "eA"}, "CREDENTIAL_NOT_FOUND_ERROR"), ({}, "OK")):
            key = Authenticator("checks")
            key.__dict__.update(change)
            self.status(self.site.sign_in(key), status)
        for change in ({"rp": "evil.com"}, {"origin": "https://evil.com"}, {"id": "AAAA"}):
            key = Authenticator("other")
            key.__dict__.update(change)
            self.status(self.site.sign_up(key, "b@x.io"), "INVALID_AUTHENTICATOR_ERROR")
        # A relying party's suffix counts from a dot on.
        invalid = self.app.post(W + "/options/signin", {**self.site.party, "origin": "https://notexample.com"})
        self.assertEqual(invalid.json, {"status": "INVALID_OPTIONS_ERROR", "reason": "Origin does not match RelyingParty Id"})
        # A passkey is for one relying party.
        self.status(Site(self.app, "sub.example.com", "https://sub.example.com").sign_in(Authenticator("checks")), "CREDENTIAL_NOT_FOUND_ERROR")
        # The challenge of one ceremony is none of another.
        options = self.site.sign_in_options()
        answer = {"webauthnGeneratedOptionsId": options["webauthnGeneratedOptionsId"], "credential": Authenticator("checks").answer(self.site.sign_in_options()["challenge"])}
        self.status(self.app.post(W + "/signin", answer), "INVALID_AUTHENTICATOR_ERROR")
        # The counter of an authenticator that counts must grow.
        counting = Authenticator("counts", counts=True)
        self.expect(self.site.add(counting, user, "a@x.io"))
        self.expect(self.site.sign_in(counting))
        counting.counter = 0
        self.status(self.site.sign_in(counting), "INVALID_AUTHENTICATOR_ERROR")
        self.expect(self.site.sign_in(counting))

    def test_one_challenge_is_accepted_once(self):
        key, _ = self.sign_up("once", "a@x.io")
        options = self.site.sign_in_options()
        body = {"webauthnGeneratedOptionsId": options["webauthnGeneratedOptionsId"], "credential": key.answer(options["challenge"])}
        self.assertEqual(self.at_once(50, lambda app, _: app.post(W + "/signin", body)), {"OK": 1, "OPTIONS_NOT_FOUND_ERROR": 49})
        # Older clients verify an assertion twice; one with a counter above 0 is still accepted once.
        self.app.cdi = "5.4"
        options = self.site.sign_in_options()
        body = {"webauthnGeneratedOptionsId": options["webauthnGeneratedOptionsId"], "credential": key.answer(options["challenge"])}
        for _ in range(2):
            self.expect(self.app.post(W + "/signin", body))
        key.counts = True
        options = self.site.sign_in_options()
        body = {"webauthnGeneratedOptionsId": options["webauthnGeneratedOptionsId"], "credential": key.answer(options["challenge"])}
        self.assertEqual(self.at_once(20, lambda app, _: app.post(W + "/signin", body)), {"OK": 1, "INVALID_AUTHENTICATOR_ERROR": 19})

    def test_one_passkey_belongs_to_one_user(self):
        users = [self.sign_up("user %d" % n, "u%d@x.io" % n)[1] for n in range(4)]
        contested = Authenticator("contested")
        outcomes = self.at_once(8, lambda app, n: Site(app).add(contested, users[n % 4], "u%d@x.io" % (n % 4)))
        self.assertEqual(outcomes, {"OK": 1, "CREDENTIAL_ALREADY_EXISTS_ERROR": 7})
        owner = next(reply.json["recipeUserId"] for reply in self.replies if reply.json["status"] == "OK")
        self.assertEqual([user for user in users if contested.id in self.ids(user)], [owner])
        self.assertEqual(self.expect(self.site.sign_in(contested))["recipeUserId"], owner)
        # Nor do two sign up with one.
        contested = Authenticator("contested at sign-up")
        self.assertEqual(self.at_once(8, lambda app, n: Site(app).sign_up(contested, "new%d@x.io" % n)), {"OK": 1, 400: 7})
        for n in range(8):  # the others sign up with another one
            if self.replies[n].status == 400:
                self.expect(self.site.sign_up(Authenticator("second try %d" % n), "new%d@x.io" % n))

    def test_one_email_signs_up_once(self):
        outcomes = self.at_once(20, lambda app, n: Site(app).sign_up(Authenticator("same %d" % n), "same@x.io"))
        self.assertEqual(outcomes, {"OK": 1, "EMAIL_ALREADY_EXISTS_ERROR": 19})
        winner = next(n for n in range(20) if self.replies[n].json["status"] == "OK")
        self.assertEqual(self.expect(self.app.get("/users/count"))["count"], 1)
        self.expect(self.site.sign_in(Authenticator("same %d" % winner)))

    def test_a_removed_user_does_not_sign_in(self):
        keys = [self.sign_up("goes %d" % n, "goes%d@x.io" % n) for n in range(6)]

        def call(app, n):
            key, user = keys[n % 6]
            if n < 6:
                return app.post("/user/remove", {"userId": user})
            return Site(app).sign_in(key)
        outcomes = self.at_once(30, call)
        self.assertLessEqual(set(outcomes), {"OK", "CREDENTIAL_NOT_FOUND_ERROR", "UNKNOWN_USER_ID_ERROR"})
        for key, _ in keys:
            self.status(self.site.sign_in(key), "CREDENTIAL_NOT_FOUND_ERROR")
        self.assertEqual(self.gatehouse.sql("SELECT count(*) FROM webauthn_users WHERE app_id = '%s'" % self.app.app), [["0"]])

    def test_linked_and_mapped_users(self):
        key, user = self.sign_up("linked", "a@x.io")
        password = self.expect(self.app.post("/recipe/signup", {"email": "a@x.io", "password": PASSWORD}))["recipeUserId"]
        self.expect(self.app.post("/recipe/accountlinking/user/primary", {"recipeUserId": password}))
        self.expect(self.app.post("/recipe/accountlinking/user/link", {"recipeUserId": user, "primaryUserId": password}))
        shown = self.expect(self.site.sign_in(key))
        self.assertEqual((shown["user"]["id"], shown["recipeUserId"]), (password, user))
        self.expect(self.app.post("/recipe/userid/map", {"superTokensUserId": user, "externalUserId": "passkey", "force": True}))
        self.expect(self.app.post("/recipe/userid/map", {"superTokensUserId": password, "externalUserId": "person", "force": True}))
        shown = self.expect(self.site.sign_in(key))
        self.assertEqual((shown["user"]["id"], shown["recipeUserId"]), ("person", "passkey"))
        self.assertEqual([one["webauthnCredentialId"] for one in self.expect(self.app.get(W + "/user/credential/list", {"recipeUserId": "passkey"}))["credentials"]], [key.id])
        second = Authenticator("linked 2")
        self.expect(self.site.add(second, "passkey", "a@x.io"), recipeUserId="passkey")
        token = self.expect(self.app.post(W + "/user/recover/token", {"userId": "passkey", "email": "a@x.io"}))["token"]
        self.expect(self.app.get(W + "/user/recover", {"token": token}), recipeUserId="passkey")
        self.expect(self.app.post(W + "/user/recover/token/consume", {"token": token}), userId="passkey", email="a@x.io")
        taken = self.expect(self.app.post("/recipe/signup", {"email": "taken@x.io", "password": PASSWORD}))["recipeUserId"]
        self.expect(self.app.post("/recipe/accountlinking/user/primary", {"recipeUserId": taken}))
        self.status(self.app.put(W + "/user/email", {"recipeUserId": "passkey", "email": "taken@x.io"}), "USER_WITH_EMAIL_ALREADY_EXISTS_ERROR")
        self.expect(self.app.put(W + "/user/email", {"recipeUserId": "passkey", "email": "b@x.io"}))
        self.expect(self.app.post("/recipe/accountlinking/user/unlink", {"recipeUserId": "passkey"}))
        self.assertEqual(self.expect(self.site.sign_in(second))["user"]["id"], "passkey")
        self.expect(self.app.post("/user/remove", {"userId": "passkey"}))
        self.assertEqual(self.expect(self.app.get(W + "/user/credential/list", {"recipeUserId": "passkey"}))["credentials"], [])
        self.expect(self.app.get("/user/id", {"userId": "person"}))

    def test_tenants(self):
        for tenant in ("t1", "t2"):
            self.expect(self.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": tenant}))
        key, user = self.sign_up("tenants", "a@x.io", tenant="t1")
        for tenant, expected in (("t1", [user]), ("t2", []), (None, [])):
            found = self.expect(self.app.get("/users/by-accountinfo", {"webauthnCredentialId": key.id, "doUnionOfAccountInfo": "true"}, tenant=tenant))["users"]
            self.assertEqual([one["id"] for one in found], expected)
        options = self.site.sign_in_options(tenant="t1")
        body = {"webauthnGeneratedOptionsId": options["webauthnGeneratedOptionsId"], "credential": key.answer(options["challenge"])}
        self.status(self.app.post(W + "/signin", body, tenant="t2"), "OPTIONS_NOT_FOUND_ERROR")
        self.status(self.app.get(W + "/options", {"webauthnGeneratedOptionsId": options["webauthnGeneratedOptionsId"]}), "OPTIONS_NOT_FOUND_ERROR")
        self.expect(self.app.post(W + "/signin", body, tenant="t1"))
        token = self.expect(self.app.post(W + "/user/recover/token", {"userId": user, "email": "a@x.io"}, tenant="t1"))["token"]
        self.status(self.app.post(W + "/user/recover/token/consume", {"token": token}), "RECOVER_ACCOUNT_TOKEN_INVALID_ERROR")
        # The same email and another passkey elsewhere are another user.
        _, other = self.sign_up("tenants 2", "a@x.io", tenant="t2")
        self.assertNotEqual(other, user)
        self.status(self.app.post("/recipe/multitenancy/tenant/user", {"recipeUserId": user}, tenant="t2"), "EMAIL_ALREADY_EXISTS_ERROR")
        self.expect(self.app.post("/recipe/multitenancy/tenant/remove", {"tenantId": "t2"}))
        self.assertEqual(self.ids(user), [key.id])
        self.expect(self.app.post("/recipe/multitenancy/tenant/user/remove", {"recipeUserId": user}, tenant="t1"))
        self.assertEqual(self.ids(user), [key.id])

    def test_nothing_of_it_is_logged(self):
        email = "Secret.Person@private-passkeys.example"
        key, user = self.sign_up("secret", email)
        options = self.site.sign_in_options()
        answer = key.answer(options["challenge"])
        token = self.expect(self.app.post(W + "/user/recover/token", {"userId": user, "email": email}))["token"]
        sign_in = {"webauthnGeneratedOptionsId": options["webauthnGeneratedOptionsId"], "credential": answer}
        self.gatehouse.sql("ALTER TABLE webauthn_credentials RENAME TO gone; ALTER TABLE webauthn_account_recovery_tokens RENAME TO gone2")
        try:
            for path, body in (("/signin", sign_in), ("/user/recover/token/consume", {"token": token}), ("/user/recover/token", {"userId": user, "email": email})):
                self.assertEqual(self.app.post(W + path, body).status, 500)
            self.assertEqual(self.app.get(W + "/user/recover", {"token": token}).status, 500)
            self.assertEqual(self.site.sign_up(Authenticator("secret 2"), email + "x").status, 500)
        finally:
            self.gatehouse.sql("ALTER TABLE gone RENAME TO webauthn_credentials; ALTER TABLE gone2 RENAME TO webauthn_account_recovery_tokens")
        self.expect(self.app.get(W + "/user/recover", {"token": token}))
        self.expect(self.app.post(W + "/signin", sign_in))
        logs = "".join(process.log() for process in self.gatehouse.processes.values())
        self.assertIn("database_error", logs)
        secrets = ["private-passkeys", token, options["challenge"], answer["response"]["signature"], answer["response"]["clientDataJSON"], key.id, key.key[10:42].hex()]
        for secret in secrets:
            self.assertNotIn(secret, logs)
            self.assertNotIn(secret, self.gatehouse.admin("/metrics").text)


if __name__ == "__main__":
    unittest.main()
