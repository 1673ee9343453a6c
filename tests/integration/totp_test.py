"""Time-based one-time codes: an authenticator that knows nothing of us agrees, one code counts once whoever sends it, and devices go with their user."""
import random
import subprocess
import threading
import time
import unittest

from deadlocks import writers
from integration import harness

PASSWORD = "correct horse 1"
SECRET = "JBSWY3DPEHPK3PXP"
DEVICE = "/recipe/totp/device"
CLIENTS = 50


def code(secret, periods=0):
    """What oathtool makes of the secret, so many periods from now. Devices here have a skew of 1, so it does not matter if a period ends meanwhile."""
    now = "@%d" % (time.time() + 30 * periods)
    return subprocess.run(["oathtool", "--totp", "--base32", "--now", now, secret], check=True, capture_output=True, text=True).stdout.strip()


class Totp(harness.GatehouseTest):
    @classmethod
    def setUpClass(cls):
        cls.postgres = writers.Postgres()
        cls.addClassCleanup(cls.postgres.stop)
        cls.gatehouse = harness.Gatehouse(environment={"BCRYPT_LOG_ROUNDS": "4"}, postgres=cls.postgres).start()
        cls.addClassCleanup(cls.gatehouse.kill)

    def create(self, user, name="phone"):
        return self.expect(self.app.post(DEVICE, {"userId": user, "deviceName": name, "skew": 1, "period": 30}), deviceName=name)["secret"]

    def imported(self, user, name="phone", secret=SECRET):
        self.expect(self.app.post(DEVICE + "/import", {"userId": user, "deviceName": name, "skew": 1, "period": 30, "secretKey": secret}), deviceName=name)

    def devices(self, user):
        return [(device["name"], device["verified"]) for device in self.expect(self.app.get(DEVICE + "/list", {"userId": user}))["devices"]]

    def verify(self, user, totp, client=None, tenant=None):
        reply = (client or self.app).post("/recipe/totp/verify", {"userId": user, "totp": totp}, tenant=tenant)
        self.assertEqual(reply.status, 200, reply)
        return reply.json

    def sign_up(self, email="a@x.io"):
        return self.expect(self.app.post("/recipe/signup", {"email": email, "password": PASSWORD}))["recipeUserId"]

    def rows(self, table):
        return self.gatehouse.sql("SELECT * FROM %s WHERE app_id = '%s'" % (table, self.app.app))

    def at_once(self, count, step):
        """step(client, number) for each client, all together."""
        clients = [self.gatehouse.client(app=self.app.app) for _ in range(count)]
        results, barrier = [None] * count, threading.Barrier(count)

        def run(number):
            clients[number].get("/users/count")  # connects
            barrier.wait()
            results[number] = step(clients[number], number)
            clients[number].close()
        threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    def test_an_authenticator_agrees(self):
        for secret in (self.create("u"), self.create("u", "tablet")):
            self.assertEqual(len(secret), 32)
            name = "tablet" if ("phone", True) in self.devices("u") else "phone"
            for expected in (False, True):
                self.expect(self.app.post(DEVICE + "/verify", {"userId": "u", "deviceName": name, "totp": code(secret)}), wasAlreadyVerified=expected)
            self.assertEqual(self.verify("u", code(secret, 1)), {"status": "OK"})
            self.assertEqual(self.verify("u", code(secret, -3))["status"], "INVALID_TOTP_ERROR")
        self.assertEqual(self.devices("u"), [("phone", True), ("tablet", True)])

    def test_of_fifty_clients_with_one_code_one_is_let_in(self):
        for user in ("u", "v"):
            self.imported(user)
            totp = code(SECRET)
            replies = self.at_once(CLIENTS, lambda client, _: self.verify(user, totp, client))
            statuses = sorted(reply["status"] for reply in replies)
            self.assertEqual(statuses, ["INVALID_TOTP_ERROR"] * 5 + ["LIMIT_REACHED_ERROR"] * (CLIENTS - 6) + ["OK"])
            failed = sorted(reply["currentNumberOfFailedAttempts"] for reply in replies if reply["status"] == "INVALID_TOTP_ERROR")
            self.assertEqual(failed, [1, 2, 3, 4, 5])

    def test_one_name_is_made_once(self):
        body = {"userId": "u", "deviceName": "phone", "skew": 1, "period": 30, "secretKey": SECRET}
        replies = self.at_once(CLIENTS, lambda client, _: client.post(DEVICE + "/import", body))
        self.assertEqual(sorted(reply.json["status"] for reply in replies), ["DEVICE_ALREADY_EXISTS_ERROR"] * (CLIENTS - 1) + ["OK"])
        self.assertEqual(self.devices("u"), [("phone", True)])

    def test_a_cool_down_outlasts_the_device(self):
        self.imported("u")
        for number in range(5):
            self.assertEqual(self.verify("u", "x")["currentNumberOfFailedAttempts"], number + 1)
        self.expect(self.app.post(DEVICE + "/remove", {"userId": "u", "deviceName": "phone"}), didDeviceExist=True)
        self.assertEqual(self.verify("u", code(SECRET)), {"status": "UNKNOWN_USER_ID_ERROR"})
        self.imported("u")
        self.assertEqual(self.verify("u", code(SECRET))["status"], "LIMIT_REACHED_ERROR")

    def test_each_tenant_has_its_own_limit(self):
        self.expect(self.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": "t1", "coreConfig": {"totp_max_attempts": 1, "totp_rate_limit_cooldown_sec": 600}}))
        self.imported("u")
        self.assertEqual(self.verify("u", "x", tenant="t1"), {"status": "INVALID_TOTP_ERROR", "currentNumberOfFailedAttempts": 1, "maxNumberOfFailedAttempts": 1})
        limited = self.verify("u", code(SECRET), tenant="t1")
        self.assertEqual(limited["status"], "LIMIT_REACHED_ERROR")
        self.assertTrue(0 < limited["retryAfterMs"] <= 600_000, limited)
        self.assertEqual(self.verify("u", code(SECRET)), {"status": "OK"})
        self.expect(self.app.post("/recipe/multitenancy/tenant/remove", {"tenantId": "t1"}))
        self.assertEqual(len(self.rows("totp_used_codes")), 1)

    def test_devices_go_by_the_id_that_clients_know(self):
        user = self.sign_up()
        self.create(user)
        self.text(self.app.post("/recipe/userid/map", {"superTokensUserId": user, "externalUserId": "mine"}), 400, "UserId is already in use in TOTP recipe")
        self.expect(self.app.post(DEVICE + "/remove", {"userId": user, "deviceName": "phone"}))
        self.assertEqual(self.rows("totp_users"), [])
        self.expect(self.app.post("/recipe/userid/map", {"superTokensUserId": user, "externalUserId": "mine"}))
        self.imported("mine")
        self.assertEqual(self.devices(user), [])
        self.text(self.app.post("/recipe/userid/map/remove", {"userId": "mine"}), 400, "UserId is already in use in TOTP recipe")
        self.assertEqual(self.verify("mine", code(SECRET)), {"status": "OK"})
        self.expect(self.app.post("/user/remove", {"userId": "mine"}))
        for table in ("totp_users", "totp_user_devices", "totp_used_codes"):
            self.assertEqual(self.rows(table), [], table)

    def test_linked_accounts_go_together(self):
        first, second = self.sign_up(), self.sign_up("b@x.io")
        self.imported(first)
        self.imported(second, secret="GEZDGNBVGY3TQOJQ")
        self.expect(self.app.post("/recipe/accountlinking/user/primary", {"recipeUserId": first}))
        self.expect(self.app.post("/recipe/accountlinking/user/link", {"recipeUserId": second, "primaryUserId": first}))
        self.assertEqual((self.devices(first), self.devices(second)), ([("phone", True)], [("phone", True)]))
        self.expect(self.app.post("/user/remove", {"userId": first}))
        self.assertEqual(self.rows("totp_users"), [])

    def test_who_leaves_a_tenant_leaves_its_codes(self):
        user = self.sign_up()
        self.imported(user)
        self.verify(user, "x")
        self.expect(self.app.post("/recipe/multitenancy/tenant/user/remove", {"recipeUserId": user}), wasAssociated=True)
        self.assertEqual(self.rows("totp_used_codes"), [])
        self.assertEqual(self.devices(user), [("phone", True)])

    def test_everything_at_once_and_nobody_waits_in_a_circle(self):
        """Codes are checked while their users, the users' devices and the tenant come and go."""
        users = [self.sign_up("c%d@x.io" % number) for number in range(3)]
        tenant = {"tenantId": "t1"}
        self.expect(self.app.put("/recipe/multitenancy/tenant/v2", tenant))
        device = {"deviceName": "phone", "skew": 1, "period": 30, "secretKey": SECRET}

        def step(client, number):
            rnd, replies = random.Random(number), []
            for _ in range(12):
                user = rnd.choice(users)
                replies.append(client.post(DEVICE + "/import", {"userId": user, **device}))
                for place in (None, "t1", None, "t1"):
                    replies.append(client.post("/recipe/totp/verify", {"userId": user, "totp": "x"}, tenant=place))
                replies.append(rnd.choice((
                    lambda: client.post("/user/remove", {"userId": user}),
                    lambda: client.post(DEVICE + "/remove", {"userId": user, "deviceName": "phone"}),
                    lambda: client.post("/recipe/multitenancy/tenant/remove", tenant),
                    lambda: client.put("/recipe/multitenancy/tenant/v2", tenant)))())
            return replies
        for replies in self.at_once(8, step):
            for reply in replies:
                self.assertIn(reply.status, (200, 400), reply)
        self.assertEqual(self.postgres.deadlock_reports(), [])

    def test_an_app_is_removed_while_codes_are_checked(self):
        for _ in range(5):
            self.app = self.gatehouse.new_app({"totp_max_attempts": 1000})
            self.addCleanup(self.app.close)
            for number in range(4):
                self.imported("u%d" % number)
            removal, under_way = {"appId": self.app.app}, threading.Event()

            def step(client, number):
                if number == 8:
                    under_way.wait()
                    return [self.gatehouse.once("POST", "/recipe/multitenancy/app/remove", body=removal)]
                replies = []
                for _ in range(10):
                    replies.append(client.post("/recipe/totp/verify", {"userId": "u%d" % (number % 4), "totp": "x"}))
                    under_way.set()
                return replies
            for replies in self.at_once(9, step):
                for reply in replies:
                    self.assertIn(reply.status, (200, 400), reply)
        self.assertEqual(self.postgres.deadlock_reports(), [])


if __name__ == "__main__":
    unittest.main()
