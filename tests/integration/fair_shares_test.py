"""One tenant's storm is its own: others wait for their turn only, and what is refused is the storm's."""
import collections
import http.client
import json
import socket
import threading
import unittest

from integration import harness

PASSWORD = "correct horse 1"
STORM = 700  # sign-ups: more than run and wait at one time in either mode
THIRD_PARTY_STORM = 40  # more than there are connections to the database
CLIENTS = 32
REQUESTS = 10


class FairShares(harness.GatehouseTest):
    @classmethod
    def setUpClass(cls):
        # A hash of some milliseconds: hashing is what a storm of sign-ins waits for. And what has waited for a third of that time is refused, which ends a storm.
        environment = {"BCRYPT_LOG_ROUNDS": "7", "GATEHOUSE_REQUEST_TIMEOUT_MS": str(15000 * harness.PATIENCE), **harness.QUICK_KEYS}
        cls.gatehouse = harness.Gatehouse(mode=cls.mode, test_mode=False, environment=environment).start()
        cls.addClassCleanup(cls.gatehouse.kill)

    def setUp(self):
        super().setUp()
        for tenant in ("storm", "calm"):
            self.expect(self.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": tenant, "firstFactors": ["emailpassword", "thirdparty"]}))
            for path, body in self.sign_ups("first"):
                self.expect(self.app.post(path, body, tenant=tenant))

    def sign_ups(self, name):
        """Requests of two services that make a user each."""
        email = name + "@example.com"
        return (("/recipe/signup", {"email": email, "password": PASSWORD}),
                ("/recipe/signinup", {"thirdPartyId": "google", "thirdPartyUserId": name, "email": {"id": email, "isVerified": True}}))

    def send(self, path, body):
        """From another client of the tenant that storms; it does not wait for the reply."""
        connection = socket.create_connection(("127.0.0.1", self.gatehouse.port), timeout=30 * harness.PATIENCE)
        self.addCleanup(connection.close)
        text = json.dumps(body)
        connection.sendall(("POST /appid-%s/storm%s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\ncdi-version: 5.4\r\nContent-Length: %d\r\n\r\n%s"
                            % (self.app.app, path, len(text), text)).encode())
        return connection

    def test_what_waits_for_one_tenants_rows_keeps_nobody_else_waiting(self):
        with self.gatehouse.postgres.session(self.gatehouse.database) as blocker:
            blocker.run("BEGIN; SELECT 1 FROM tenants WHERE app_id = '%s' AND tenant_id = 'storm' FOR UPDATE;" % self.app.app)
            storm = [self.send(*self.sign_ups("storm%d" % number)[1]) for number in range(THIRD_PARTY_STORM)]
            storm += [self.send(*self.sign_ups("storm%d" % number)[0]) for number in range(STORM)]
            harness.wait_until(lambda: 'status="429"' in self.gatehouse.admin("/metrics").text, 20, "a queue that is full")
            # Nothing of the storm's ends meanwhile.
            for number in range(REQUESTS):
                for path, body in self.sign_ups("calm%d" % number):
                    self.expect(self.app.post(path, body, tenant="calm"))
            self.assertEqual(self.users_of("storm"), 2)
            blocker.run("ROLLBACK;")
        statuses = collections.Counter()
        for connection in storm:
            reply = http.client.HTTPResponse(connection)
            reply.begin()
            statuses[reply.status] += 1
            if reply.status == 429:
                self.assertEqual(reply.getheader("Retry-After"), "1")
        self.assertEqual(sorted(statuses), [200, 429], statuses)
        self.assertEqual(self.users_of("storm"), 2 + statuses[200])

    def users_of(self, tenant):
        return int(self.gatehouse.sql("SELECT count(DISTINCT recipe_user_id) FROM recipe_user_tenants WHERE app_id = '%s' AND tenant_id = '%s'" % (self.app.app, tenant))[0][0])

    def test_tenants_take_turns(self):
        stop, statuses = threading.Event(), collections.Counter()

        def sign_in(client, tenant):
            return client.post("/recipe/signin", {"email": "first@example.com", "password": PASSWORD}, tenant=tenant).status

        def storm(client):
            while not stop.is_set():
                statuses[sign_in(client, "storm")] += 1
            client.close()
        threads = [threading.Thread(target=storm, args=(self.gatehouse.client(app=self.app.app),)) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            harness.wait_until(lambda: statuses[200] > CLIENTS, 20, "all of them to wait again")
            before = statuses[200]
            for _ in range(REQUESTS):
                self.assertEqual(sign_in(self.app, "calm"), 200)
            meanwhile = statuses[200] - before
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(list(statuses), [200])
        print("%d of the storm's sign-ins during %d others" % (meanwhile, REQUESTS))
        # In one line with the storm it would be some CLIENTS for each request.
        self.assertLess(meanwhile, REQUESTS * CLIENTS / 2)


if __name__ == "__main__":
    unittest.main()
