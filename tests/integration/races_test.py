"""Fifty clients at once: what may be done once is done once, nothing answers 5xx, and the tables are consistent afterwards."""
import collections
import threading
import unittest

from integration import harness, registry_invariants

CLIENTS = 50
ROUNDS = 6
PASSWORD = "correct horse 1"


def outcome(reply):
    """A short form of a reply: its status member, or the HTTP status if it has none."""
    if reply.status != 200:
        return "%d %s" % (reply.status, reply.text.strip())
    return reply.json["status"]


class Races(harness.GatehouseTest):
    # These races are not about hashing.
    environment = {"BCRYPT_LOG_ROUNDS": "4"}

    def setUp(self):
        super().setUp()
        self.clients = [harness.Client(self.gatehouse.port, app=self.app.app) for _ in range(CLIENTS)]
        for client in self.clients:
            self.addCleanup(client.close)
            client.get("/users/count")  # connects

    def at_once(self, call, clients=CLIENTS):
        """Replies to call(client, number) of all clients, started together."""
        replies, barrier = [None] * clients, threading.Barrier(clients)

        def run(number):
            barrier.wait()
            try:
                replies[number] = call(self.clients[number], number)
            except Exception as error:  # seen by the assertion below, with its client's number
                replies[number] = error
        threads = [threading.Thread(target=run, args=(number,)) for number in range(clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for reply in replies:
            self.assertIsInstance(reply, harness.Reply, reply)
            self.assertLess(reply.status, 429, reply)
        return replies

    def counted(self, replies):
        return dict(collections.Counter(outcome(reply) for reply in replies))

    def tearDown(self):
        self.assertEqual(registry_invariants.broken_at_rest(self.gatehouse.sql), {})
        super().tearDown()

    def sign_up(self, email, **k):
        return self.expect(self.app.post("/recipe/signup", {"email": email, "password": PASSWORD}, **k))["user"]["id"]

    def social_sign_up(self, email, provider, **k):
        body = {"thirdPartyId": provider, "thirdPartyUserId": email, "email": {"id": email, "isVerified": True}}
        return self.expect(self.app.post("/recipe/signinup", body, **k))["user"]["id"]

    def user(self, user_id):
        return self.expect(self.app.get("/user/id", {"userId": user_id}))["user"]

    def test_the_checker_sees_what_is_broken(self):
        users = [self.sign_up("a@example.com"), self.social_sign_up("b@example.com", "google"), self.social_sign_up("c@example.com", "google")]
        self.expect(self.app.post("/recipe/accountlinking/user/primary", {"recipeUserId": users[0]}))
        self.expect(self.app.post("/recipe/accountlinking/user/link", {"recipeUserId": users[1], "primaryUserId": users[0]}))
        for damage, expected in {
            "DELETE FROM recipe_user_account_infos WHERE account_info_type = 'tparty'": "a tenant's row has the account's row",
            "DELETE FROM recipe_user_tenants WHERE account_info_type = 'tparty'": "in a tenant a user has all of its account's rows, or none",
            "DELETE FROM app_id_to_user_id WHERE user_id = '%s'" % users[2]: "an account's row has a user of its recipe",
            "DELETE FROM emailpassword_users": "an account with email and password has its password",
            "DELETE FROM thirdparty_users": "a third-party account has its login",
            "UPDATE thirdparty_users SET email = 'x@example.com'": "a third-party login has its two account rows",
            "UPDATE emailpassword_users SET email = 'x@example.com'": "a password has an account with its email",
            "UPDATE app_id_to_user_id SET is_linked_or_is_a_primary_user = FALSE": "who is not alone is flagged",
            "UPDATE app_id_to_user_id SET primary_or_recipe_user_id = '%s' WHERE user_id = '%s'" % (users[2], users[1]): "who is linked is linked to a primary user",
            "UPDATE recipe_user_account_infos SET primary_user_id = NULL": "accounts name the group that users are in",
            "UPDATE app_id_to_user_id SET primary_or_recipe_user_time_joined = time_joined + 5": "a group has one time, not after that of a member",
            "UPDATE app_id_to_user_id SET primary_or_recipe_user_time_joined = 5": "who is alone has its own time",
            "DELETE FROM gatehouse_listed_users WHERE tenant_id <> ''": "who should be listed is listed",
            "UPDATE gatehouse_listed_users SET recipes = 4": "who is listed should be",
            "DELETE FROM gatehouse_user_counts WHERE tenant_id = ''": "users are counted as they are listed",
            "UPDATE gatehouse_active_counts SET users = users + 1": "active users are counted by minute and by day",
            "UPDATE primary_user_tenants SET account_info_value = 'x@example.com' WHERE account_info_value = 'a@example.com'":
                "a reservation is held by a member's account",
            "DELETE FROM recipe_user_tenants": "a reservation is in a tenant of a member",
            "DELETE FROM primary_user_tenants": "a group has reserved each account info in each of its tenants",
        }.items():
            found = registry_invariants.broken(lambda query: self.gatehouse.sql("BEGIN; %s; %s; ROLLBACK" % (damage, query)))
            self.assertIn(expected, found, damage)

    def test_sign_ups_with_one_email(self):
        for number in range(ROUNDS):
            body = {"email": "one%d@example.com" % number, "password": PASSWORD}
            replies = self.at_once(lambda client, _: client.post("/recipe/signup", body))
            self.assertEqual(self.counted(replies), {"OK": 1, "EMAIL_ALREADY_EXISTS_ERROR": CLIENTS - 1})
        self.expect(self.app.get("/users/count"), count=ROUNDS)

    def test_social_sign_ins_of_one_identity(self):
        for number in range(ROUNDS):
            body = {"thirdPartyId": "google", "thirdPartyUserId": "g%d" % number, "email": {"id": "g%d@example.com" % number, "isVerified": True}}
            replies = self.at_once(lambda client, _: client.post("/recipe/signinup", body))
            self.assertEqual(self.counted(replies), {"OK": CLIENTS})
            self.assertEqual(sum(reply.json["createdNewUser"] for reply in replies), 1)
            self.assertEqual(len({reply.json["user"]["id"] for reply in replies}), 1)
        self.expect(self.app.get("/users/count"), count=ROUNDS)

    def test_changes_to_one_email(self):
        for number in range(ROUNDS):
            users = [self.sign_up("from%d-%d@example.com" % (number, n)) for n in range(CLIENTS)] if number == 0 else users
            replies = self.at_once(lambda client, n: client.put("/recipe/user", {"recipeUserId": users[n], "email": "to%d@example.com" % number}))
            self.assertEqual(self.counted(replies), {"OK": 1, "EMAIL_ALREADY_EXISTS_ERROR": CLIENTS - 1})
        self.expect(self.app.get("/users/count"), count=CLIENTS)

    def test_primary_users_with_one_email(self):
        """Fifty logins with one email, each of another provider: one may be primary."""
        for number in range(ROUNDS):
            email = "primary%d@example.com" % number
            users = [self.social_sign_up(email, "provider-%d" % n) for n in range(CLIENTS)]
            replies = self.at_once(lambda client, n: client.post("/recipe/accountlinking/user/primary", {"recipeUserId": users[n]}))
            self.assertEqual(self.counted(replies), {"OK": 1, "ACCOUNT_INFO_ALREADY_ASSOCIATED_WITH_ANOTHER_PRIMARY_USER_ID_ERROR": CLIENTS - 1})
            winner = next(reply.json["user"]["id"] for reply in replies if outcome(reply) == "OK")
            self.assertEqual({reply.json["primaryUserId"] for reply in replies if "primaryUserId" in reply.json}, {winner})

    def test_links_that_would_give_two_primaries_one_email(self):
        """Logins with one email, each to be linked with its own primary user: one succeeds."""
        for number in range(ROUNDS):
            email = "linked%d@example.com" % number
            primaries, logins = [], []
            for n in range(CLIENTS):
                primaries.append(self.social_sign_up("own%d-%d@example.com" % (number, n), "google"))
                self.expect(self.app.post("/recipe/accountlinking/user/primary", {"recipeUserId": primaries[n]}))
                logins.append(self.social_sign_up(email, "provider-%d" % n))
            replies = self.at_once(lambda client, n: client.post("/recipe/accountlinking/user/link", {"recipeUserId": logins[n], "primaryUserId": primaries[n]}))
            self.assertEqual(self.counted(replies), {"OK": 1, "ACCOUNT_INFO_ALREADY_ASSOCIATED_WITH_ANOTHER_PRIMARY_USER_ID_ERROR": CLIENTS - 1})
            winner = next(n for n, reply in enumerate(replies) if outcome(reply) == "OK")
            self.assertEqual(sorted(self.user(primaries[winner])["emails"]), sorted([email, "own%d-%d@example.com" % (number, winner)]))

    def test_links_of_one_login(self):
        """One login, to be linked with fifty primary users: it has one in the end."""
        primaries = [self.social_sign_up("p%d@example.com" % n, "google") for n in range(CLIENTS)]
        for user_id in primaries:
            self.expect(self.app.post("/recipe/accountlinking/user/primary", {"recipeUserId": user_id}))
        for number in range(ROUNDS):
            login = self.social_sign_up("wanted%d@example.com" % number, "github")
            replies = self.at_once(lambda client, n: client.post("/recipe/accountlinking/user/link", {"recipeUserId": login, "primaryUserId": primaries[n]}))
            self.assertEqual(self.counted(replies), {"OK": 1, "RECIPE_USER_ID_ALREADY_LINKED_WITH_ANOTHER_PRIMARY_USER_ID_ERROR": CLIENTS - 1})
            winner = next(primaries[n] for n, reply in enumerate(replies) if outcome(reply) == "OK")
            self.assertEqual(self.user(login)["id"], winner)

    def test_links_and_unlinks_and_removals_of_one_group(self):
        """Everything that changes a group, at once on one group: any order of them is right, a mixture is not."""
        for number in range(ROUNDS):
            members = [self.social_sign_up("m%d-%d@example.com" % (number, n), "google") for n in range(10)]
            self.expect(self.app.post("/recipe/accountlinking/user/primary", {"recipeUserId": members[0]}))
            for member in members[1:6]:
                self.expect(self.app.post("/recipe/accountlinking/user/link", {"recipeUserId": member, "primaryUserId": members[0]}))

            def call(client, n):
                member = members[1 + n % 9]
                return [
                    lambda: client.post("/recipe/accountlinking/user/link", {"recipeUserId": member, "primaryUserId": members[0]}),
                    lambda: client.post("/recipe/accountlinking/user/unlink", {"recipeUserId": member}),
                    lambda: client.post("/recipe/accountlinking/user/primary", {"recipeUserId": member}),
                    lambda: client.post("/user/remove", {"userId": member, "removeAllLinkedAccounts": False}),
                    lambda: client.post("/recipe/signinup", {"thirdPartyId": "google", "thirdPartyUserId": "m%d-%d@example.com" % (number, 1 + n % 9),
                                                             "email": {"id": "new%d-%d@example.com" % (number, n % 3), "isVerified": True}}),
                ][n % 5]()
            self.at_once(call)
            self.assertEqual(registry_invariants.broken_at_rest(self.gatehouse.sql), {})

    def test_mappings_of_one_id(self):
        for number in range(ROUNDS):
            users = [self.social_sign_up("map%d-%d@example.com" % (number, n), "google") for n in range(CLIENTS)]
            # One external id for fifty users ...
            replies = self.at_once(lambda client, n: client.post("/recipe/userid/map", {"superTokensUserId": users[n], "externalUserId": "ext-%d" % number}))
            self.assertEqual(self.counted(replies), {"OK": 1, "USER_ID_MAPPING_ALREADY_EXISTS_ERROR": CLIENTS - 1})
            winner = next(n for n, reply in enumerate(replies) if outcome(reply) == "OK")
            self.expect(self.app.get("/recipe/userid/map", {"userId": "ext-%d" % number, "userIdType": "EXTERNAL"}), superTokensUserId=users[winner])
            # ... and fifty external ids for one user.
            other = users[(winner + 1) % CLIENTS]
            replies = self.at_once(lambda client, n: client.post("/recipe/userid/map", {"superTokensUserId": other, "externalUserId": "many-%d-%d" % (number, n)}))
            self.assertEqual(self.counted(replies), {"OK": 1, "USER_ID_MAPPING_ALREADY_EXISTS_ERROR": CLIENTS - 1})

    def new_session(self, user_id, **k):
        return self.expect(self.app.post("/recipe/session", {"userId": user_id, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False}, **k))

    def refresh(self, client, token, cdi):
        return client.post("/recipe/session/refresh", {"refreshToken": token, "enableAntiCsrf": False, "useDynamicSigningKey": True}, cdi=cdi)

    def test_refreshes_of_one_token_before_5_6(self):
        """The current token may be used any number of times; its children replace it when one of them is used."""
        for number in range(ROUNDS):
            first = self.new_session("anyone")["refreshToken"]["token"]
            replies = self.at_once(lambda client, _: self.refresh(client, first, "5.4"))
            self.assertEqual(self.counted(replies), {"OK": CLIENTS})
            children = [reply.json["refreshToken"]["token"] for reply in replies]
            self.assertEqual(len(set(children)), CLIENTS)
            # The children at once: the first one becomes current, and holding another one is theft.
            replies = self.at_once(lambda client, n: self.refresh(client, children[n], "5.4"))
            self.assertEqual(self.counted(replies), {"OK": 1, "TOKEN_THEFT_DETECTED": CLIENTS - 1})

    def test_refreshes_of_one_token_at_5_6(self):
        """Retries within the grace period: each gets a token, the last one issued is the current one."""
        for number in range(ROUNDS):
            session = self.new_session("anyone", cdi="5.6")
            first, handle = session["refreshToken"]["token"], session["session"]["handle"]
            replies = self.at_once(lambda client, _: self.refresh(client, first, "5.6"))
            self.assertEqual(self.counted(replies), {"OK": CLIENTS})
            children = [reply.json["refreshToken"]["token"] for reply in replies]
            self.assertEqual(len(set(children)), CLIENTS)
            # One child is current: it wins or finds the session ended by another's misuse, never more than one wins.
            replies = self.at_once(lambda client, n: self.refresh(client, children[n], "5.6"))
            found = self.counted(replies)
            self.assertLessEqual(set(found), {"OK", "TOKEN_THEFT_DETECTED", "UNAUTHORISED"})
            self.assertLessEqual(found.get("OK", 0), 1, found)
            self.assertGreaterEqual(found.get("TOKEN_THEFT_DETECTED", 0), 1, found)
            self.assertEqual(self.gatehouse.sql("SELECT 1 FROM session_info WHERE session_handle = '%s'" % handle), [])

    def test_mixed_refreshes_and_sign_out(self):
        for number in range(ROUNDS):
            session = self.new_session("anyone")
            token, handle = session["refreshToken"]["token"], session["session"]["handle"]

            def call(client, n):
                if n % 10 == 9:
                    return client.post("/recipe/session/remove", {"sessionHandles": [handle]})
                return self.refresh(client, token, "5.4" if n % 2 else "5.6")
            replies = self.at_once(call)
            self.assertLessEqual(set(self.counted(replies)), {"OK", "UNAUTHORISED", "TOKEN_THEFT_DETECTED"})
            removed = [h for n, reply in enumerate(replies) if n % 10 == 9 for h in reply.json["sessionHandlesRevoked"]]
            self.assertLessEqual(len(removed), 1)  # none when a reuse has ended it
            self.assertEqual(self.gatehouse.sql("SELECT 1 FROM session_info WHERE session_handle = '%s'" % handle), [])

    def test_removal_of_a_tenant_while_users_sign_in(self):
        for number in range(ROUNDS):
            tenant = "t%d" % number
            self.expect(self.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": tenant}))
            users = [self.sign_up("u%d@example.com" % n, tenant=tenant) for n in range(5)]

            def call(client, n):
                if n == CLIENTS // 2:
                    return client.post("/recipe/multitenancy/tenant/remove", {"tenantId": tenant})
                return [
                    lambda: client.post("/recipe/signin", {"email": "u%d@example.com" % (n % 5), "password": PASSWORD}, tenant=tenant),
                    lambda: client.post("/recipe/signup", {"email": "late%d@example.com" % n, "password": PASSWORD}, tenant=tenant),
                    lambda: client.post("/recipe/signinup", {"thirdPartyId": "google", "thirdPartyUserId": "late-%d-%d" % (number, n),
                                                             "email": {"id": "late%d@example.com" % n, "isVerified": True}}, tenant=tenant),
                    lambda: client.post("/recipe/session", {"userId": users[n % 5], "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False},
                                        tenant=tenant),
                    lambda: client.post("/recipe/multitenancy/tenant/user", {"recipeUserId": users[n % 5]}, tenant=tenant),
                ][n % 5]()
            replies = self.at_once(call)
            gone = "400 AppId or tenantId not found => Tenant with the following connectionURIDomain, appId and tenantId combination not found: (, %s, %s)" % (self.app.app, tenant)
            self.assertLessEqual(set(self.counted(replies)), {"OK", "WRONG_CREDENTIALS_ERROR", "UNKNOWN_USER_ID_ERROR", gone})
            self.assertIs(replies[CLIENTS // 2].json["didExist"], True)
            for table in ("recipe_user_tenants", "primary_user_tenants", "session_info", "tenant_configs"):
                left = self.gatehouse.sql("SELECT count(*) FROM %s WHERE app_id = '%s' AND tenant_id = '%s'" % (table, self.app.app, tenant))
                self.assertEqual(left, [["0"]], table)

    def test_creation_of_one_tenant_and_role(self):
        for number in range(ROUNDS):
            replies = self.at_once(lambda client, _: client.put("/recipe/multitenancy/tenant/v2", {"tenantId": "new%d" % number}))
            self.assertEqual(self.counted(replies), {"OK": CLIENTS})
            self.assertEqual(sum(reply.json["createdNew"] for reply in replies), 1)
            replies = self.at_once(lambda client, n: client.put("/recipe/role", {"role": "role%d" % number, "permissions": ["p%d" % (n % 7)]}))
            self.assertEqual(self.counted(replies), {"OK": CLIENTS})
            self.assertEqual(sum(reply.json["createdNewRole"] for reply in replies), 1)
            self.assertEqual(len(self.app.get("/recipe/role/permissions", {"role": "role%d" % number}).json["permissions"]), 7)

    def test_metadata_of_one_user(self):
        """Each adds its own key: none is lost."""
        for number in range(ROUNDS):
            replies = self.at_once(lambda client, n: client.put("/recipe/user/metadata", {"userId": "m%d" % number, "metadataUpdate": {"k%d" % n: n}}))
            self.assertEqual(self.counted(replies), {"OK": CLIENTS})
            kept = self.expect(self.app.get("/recipe/user/metadata", {"userId": "m%d" % number}))["metadata"]
            self.assertEqual(kept, {"k%d" % n: n for n in range(CLIENTS)})

    def test_uses_of_one_reset_token(self):
        for number in range(ROUNDS):
            email = "reset%d@example.com" % number
            token = self.expect(self.app.post("/recipe/user/password/reset/token", {"userId": self.sign_up(email), "email": email}))["token"]
            replies = self.at_once(lambda client, _: client.post("/recipe/user/password/reset/token/consume", {"method": "token", "token": token}))
            self.assertEqual(self.counted(replies), {"OK": 1, "RESET_PASSWORD_INVALID_TOKEN_ERROR": CLIENTS - 1})


if __name__ == "__main__":
    unittest.main()
