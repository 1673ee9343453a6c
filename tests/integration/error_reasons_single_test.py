"""Every reason that a fault can have, as a client may see it: the status, a text without internals, and when to retry.

CALLER_NOT_ALLOWED never reaches a client: the policy tests of each service produce it. NOT_SUPPORTED does not either: every operation is there.
"""
import select
import socket
import subprocess
import unittest

from integration import harness

# More than the queue of a service holds.
REQUESTS = 2600
NOT_FOR_CLIENTS = ("SELECT", "INSERT", "relation", "psql", "gatehouse", "127.0.0.1", "libpq")


def lock_table(test, table):
    """Holds a table until the test ends or the function that this returns is called."""
    postgres = test.gatehouse.postgres
    process = subprocess.Popen([postgres.bin + "/psql", "-h", "127.0.0.1", "-p", str(postgres.port), "-U", "gatehouse", "-d", test.gatehouse.database, "-X", "-q", "-A", "-t"],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def release():
        if process.poll() is None:
            process.stdin.close()
            process.wait()
            process.stdout.close()
    test.addCleanup(release)
    process.stdin.write("BEGIN; LOCK TABLE %s; SELECT 'locked';\n" % table)
    process.stdin.flush()
    test.assertEqual(process.stdout.readline(), "locked\n")
    return release


class Reasons(harness.GatehouseTest):
    environment = {"GATEHOUSE_REQUEST_TIMEOUT_MS": "1500"}

    def fault(self, reply, status, retry=False):
        self.assertEqual(reply.status, status, reply)
        self.assertEqual(reply.headers.get("Retry-After"), "1" if retry else None)
        for word in NOT_FOR_CLIENTS:
            self.assertNotIn(word, reply.text)

    def outcomes(self):
        return self.gatehouse.admin("/metrics").text

    def test_bad_input(self):
        self.text(self.app.put("/recipe/role", {"role": 1}), 400, "Field name 'role' is invalid in JSON input")

    def test_tenant_not_found(self):
        reply = self.app.post("/recipe/signin", {"email": "a@example.com", "password": "x"}, tenant="nowhere")
        self.fault(reply, 400)
        self.assertIn("(, %s, nowhere)" % self.app.app, reply.text)

    def test_forbidden(self):
        self.expect(self.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": "t1"}))
        self.text(self.app.get("/recipe/roles", tenant="t1"), 403, "Only public tenantId can call this app specific API")

    def test_passwordless(self):
        """The reasons of a recipe that two services share: bad content, a tenant where it is not allowed, a waiting service."""
        mail = {"email": "reason@example.com"}
        create = "/recipe/signinup/code"
        self.text(self.app.post(create, {}), 400, "Please provide exactly one of email, phoneNumber or deviceId")
        self.text(self.app.post(create + "/consume", {"preAuthSessionId": "x", "linkCode": "x"}), 400, "Input encoding error in linkCode")
        made = self.expect(self.app.post(create, mail))
        other = self.expect(self.app.post(create, mail))
        mixed = {"preAuthSessionId": made["preAuthSessionId"], "deviceId": other["deviceId"], "userInputCode": other["userInputCode"]}
        self.text(self.app.post(create + "/consume", mixed), 400, "preAuthSessionId and deviceId doesn't match")
        reply = self.app.post(create, mail, tenant="nowhere")
        self.fault(reply, 400)
        self.assertIn("(, %s, nowhere)" % self.app.app, reply.text)
        self.expect(self.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": "t1", "firstFactors": ["emailpassword"]}))
        # From 5.1 on the SDKs check the first factors.
        self.text(self.app.post(create, mail, tenant="t1", cdi="4.0"), 403, "Passwordless login not enabled for tenant")
        self.text(self.app.request("GET", "/recipe/user", query={"userId": "x"}, headers={"rid": "passwordless"}, tenant="t1"), 403,
                  "Only public tenantId can call this app specific API")
        for table in ("passwordless_devices", "recipe_user_tenants"):
            consume = {name: made[name] for name in ("preAuthSessionId", "deviceId", "userInputCode")}
            release = lock_table(self, table)
            self.fault(self.app.post(create + "/consume", consume), 503, retry=True)
            release()
        made = self.expect(self.app.post(create, mail))
        self.expect(self.app.post(create + "/consume", {name: made[name] for name in ("preAuthSessionId", "deviceId", "userInputCode")}))

    def test_unauthenticated(self):
        app = self.gatehouse.new_app({"api_keys": "a-key-that-is-long-enough-0123456789"})
        self.addCleanup(app.close)
        self.text(app.get("/recipe/roles"), 401, "Invalid API key")
        app.headers["api-key"] = "a-key-that-is-long-enough-0123456789"
        self.expect(app.get("/recipe/roles"))

    def test_not_found(self):
        self.text(self.app.get("/recipe/nothing"), 404, "Not found")
        # It exists, but not in this version.
        self.text(self.app.post("/recipe/handshake", {}), 404, "Not found")

    def test_deadline_exceeded(self):
        release = lock_table(self, "user_roles")
        self.fault(self.app.get("/recipe/user/roles", {"userId": "u"}), 503, retry=True)
        self.assertIn('DEADLINE_EXCEEDED', self.outcomes())
        release()
        self.expect(self.app.get("/recipe/user/roles", {"userId": "u"}), roles=[])

    def test_internal(self):
        """A missing table is our fault alone."""
        self.gatehouse.sql("ALTER TABLE role_permissions RENAME TO away")
        self.addCleanup(self.gatehouse.sql, "ALTER TABLE away RENAME TO role_permissions")
        self.app.put("/recipe/role", {"role": "r", "permissions": []})
        self.fault(self.app.get("/recipe/permission/roles", {"permission": "p"}), 500)


class Overloaded(harness.GatehouseTest):
    # One connection, so that one lock holds everybody up.
    environment = {"POSTGRESQL_CONNECTION_POOL_SIZE": "1"}

    def test_full_queue(self):
        """More requests than the queue of a service holds: those beyond it are refused at once, all others are served when it continues."""
        release = lock_table(self, "user_roles")
        request = "GET /appid-%s/recipe/user/roles?userId=u HTTP/1.1\r\nHost: x\r\ncdi-version: 5.4\r\nConnection: close\r\n\r\n" % self.app.app
        sockets = []
        for _ in range(REQUESTS):
            s = socket.create_connection(("127.0.0.1", self.gatehouse.port), timeout=30)
            self.addCleanup(s.close)
            s.sendall(request.encode())
            sockets.append(s)
        # While the lock is held only refusals are answered.
        early = select.poll()
        for s in sockets:
            early.register(s, select.POLLIN)
        self.assertTrue(early.poll(10000))
        release()
        served = refused = 0
        for s in sockets:
            with s.makefile("rb") as stream:
                answer = stream.read().decode()
            status = int(answer.split()[1])
            served += status == 200
            if status == 429:
                refused += 1
                self.assertIn("Retry-After: 1\r\n", answer)
        self.assertEqual(served + refused, REQUESTS)
        self.assertGreater(refused, 0)
        self.assertGreaterEqual(served, 1000)


class DependencyDown(unittest.TestCase):
    def test_without_postgresql(self):
        postgres = harness.Postgres()
        gatehouse = harness.Gatehouse(environment={"POSTGRESQL_CONNECTION_URI": postgres.uri("postgres")}).start()
        self.addCleanup(gatehouse.kill)
        app = gatehouse.new_app()
        self.addCleanup(app.close)
        self.assertEqual(app.get("/recipe/roles").status, 200)
        postgres.stop()
        reply = app.get("/recipe/roles")
        self.assertEqual((reply.status, reply.headers.get("Retry-After")), (503, "1"), reply)
        for word in NOT_FOR_CLIENTS:
            self.assertNotIn(word, reply.text)
        self.assertIn("DEPENDENCY_DOWN", gatehouse.admin("/metrics").text)
        self.assertEqual(gatehouse.admin("/livez").status, 200)
        harness.wait_until(lambda: gatehouse.admin("/readyz").status == 503, 1.5, "the end of readiness")
        # It looks once a second.
        harness.wait_until(lambda: app.get("/hello").status == 503, 1.5, "the end of hello")
        self.assertEqual(app.get("/hello").headers.get("Retry-After"), "1")


if __name__ == "__main__":
    unittest.main()
