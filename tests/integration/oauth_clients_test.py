"""OAuth clients and the tokens that they get for themselves, over HTTP. What a real core answers is in the recordings (tests/conformance); here is what they do not ask."""
import base64
import concurrent.futures
import json
import unittest

from integration import harness

O = "/recipe/oauth"
ISSUER = "https://issuer.example.com"
MACHINE = {"grantTypes": ["client_credentials"], "scope": "read write", "audience": ["https://api.example.com"]}


def basic(client_id, secret):
    return "Basic " + base64.b64encode(("%s:%s" % (client_id, secret)).encode()).decode()


def claims(token):
    part = token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))


class OAuthClients(harness.GatehouseTest):
    def create(self, client=None, **k):
        return self.expect((client or self.app).post(O + "/clients", {**MACHINE, **k}))

    def token(self, client, secret=None, app=None, **parameters):
        return (app or self.app).post(O + "/token", {"iss": ISSUER, "inputBody": {"grant_type": "client_credentials", **parameters}, "access_token": {}, "id_token": {},
                                                     "authorizationHeader": basic(client["clientId"], secret or client["clientSecret"])})

    def active(self, token, app=None):
        return self.expect((app or self.app).post(O + "/introspect", {"token": token}))["active"]

    def at_once(self, count, step):
        def run(number):
            client = self.gatehouse.client(app=self.app.app)
            try:
                return step(client, number)
            finally:
                client.close()
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            return list(pool.map(run, range(count)))

    def other_app(self):
        other = self.gatehouse.new_app()
        self.addCleanup(other.close)
        return other

    def test_apps_are_apart(self):
        """Ids are an app's own, and so are tokens."""
        other = self.other_app()
        mine, theirs = self.create(clientId="same"), self.create(other, clientId="same")
        self.assertNotEqual(mine["clientSecret"], theirs["clientSecret"])
        self.assertEqual(self.token(mine, theirs["clientSecret"]).json["error"], "invalid_client")
        token = self.expect(self.token(mine))["access_token"]
        self.assertEqual(claims(token)["iss"], ISSUER)
        self.assertTrue(self.active(token))
        self.assertFalse(self.active(token, other))
        self.expect(other.post(O + "/token/revoke", {"token": token}))
        self.expect(other.post(O + "/tokens/revoke", {"client_id": "same"}))
        self.expect(other.post(O + "/clients/remove", {"clientId": "same"}), didExist=True)
        self.assertTrue(self.active(token))

    def test_one_of_many_gets_an_id(self):
        made = self.at_once(20, lambda client, _: client.post(O + "/clients", {**MACHINE, "clientId": "wanted"}).json)
        self.assertEqual(sorted(reply["status"] for reply in made), ["OAUTH_ERROR"] * 19 + ["OK"])
        self.assertEqual({reply["statusCode"] for reply in made if reply["status"] != "OK"}, {409})
        self.expect(self.token(next(reply for reply in made if reply["status"] == "OK")))

    def test_a_client_is_removed_while_it_gets_tokens(self):
        """A token is refused, or ends with its client: none outlives it, and nothing fails."""
        client = self.create()

        def step(connection, number):
            if number == 6:
                return connection.post(O + "/clients/remove", {"clientId": client["clientId"]}).json
            return [self.token(client, app=connection) for _ in range(3)]
        results = self.at_once(12, step)
        replies = [reply for number, result in enumerate(results) if number != 6 for reply in result]
        self.assertEqual({reply.status for reply in replies}, {200})
        self.assertLessEqual({reply.json["status"] for reply in replies if "access_token" not in reply.json}, {"CLIENT_NOT_FOUND_ERROR"})
        for reply in replies:
            if "access_token" in reply.json:
                self.assertFalse(self.active(reply.json["access_token"]))
        self.assertEqual(self.gatehouse.sql("SELECT 1 FROM oauth_sessions WHERE app_id = '%s'" % self.app.app), [])

    def test_each_token_ends_on_its_own(self):
        client = self.create()
        tokens = [self.expect(self.token(client, scope="read"))["access_token"] for _ in range(3)]
        revoked = self.at_once(10, lambda connection, _: connection.post(O + "/token/revoke", {"token": tokens[1]}).json)
        self.assertEqual(revoked, [{"status": "OK"}] * 10)
        self.assertEqual([self.active(token) for token in tokens], [True, False, True])
        counted = self.gatehouse.sql("SELECT sum(count) FROM oauth_m2m_token_stats WHERE app_id = '%s'" % self.app.app)
        self.assertEqual(int(counted[0][0]), 3)

    def test_secrets_stay_secret(self):
        """No secret or token in clear text in a table or a log, whatever the database does."""
        client = self.create(clientSecret="a-very-own-secret-of-mine")
        token = self.expect(self.token(client))["access_token"]
        rows = self.gatehouse.sql("SELECT c::text || m::text FROM oauth_clients c JOIN gatehouse_oauth_clients m USING (app_id, client_id) WHERE app_id = '%s'" % self.app.app)
        self.assertNotIn("a-very-own-secret", rows[0][0])
        self.gatehouse.sql("ALTER TABLE gatehouse_oauth_clients RENAME TO gone; ALTER TABLE oauth_sessions RENAME TO gone2")
        try:
            self.assertEqual([reply.status for reply in (
                self.token(client), self.app.post(O + "/clients", {**MACHINE, "clientSecret": "another-secret-of-mine"}), self.app.post(O + "/introspect", {"token": token}),
                self.app.put(O + "/clients", {"clientId": client["clientId"], "clientSecret": "another-secret-of-mine"}))], [500] * 4)
        finally:
            self.gatehouse.sql("ALTER TABLE gone RENAME TO gatehouse_oauth_clients; ALTER TABLE gone2 RENAME TO oauth_sessions")
        logs = "".join(process.log() for process in self.gatehouse.processes.values())
        self.assertIn("database_error", logs)
        for secret in ("a-very-own-secret", "another-secret", token, token.split(".")[2], basic(client["clientId"], client["clientSecret"])[6:]):
            self.assertNotIn(secret, logs)

    def test_an_escaped_id(self):
        """As some libraries write it in the header (RFC 6749, 2.3.1); others do not, also where an id looks a little like that."""
        for client_id in (None, "a+b 50%", "k\u00e4se~x"):
            client = self.create(**({"clientId": client_id} if client_id else {}))
            escaped = "".join("%%%02X" % byte for byte in client["clientId"].encode())
            for written in (client["clientId"], escaped):
                self.assertEqual(self.token({**client, "clientId": written}).json["status"], "OK", written)
            self.assertEqual(self.expect(self.app.get(O + "/clients", {"clientId": escaped}))["clientId"], client["clientId"])
            self.assertEqual(self.token({**client, "clientId": escaped}, "wrong-secret").json["error"], "invalid_client")

    def test_odd_headers_are_refused(self):
        client = self.create()
        body = {"iss": ISSUER, "inputBody": {"grant_type": "client_credentials"}, "access_token": {}, "id_token": {}}
        for header in ("basic " + basic("a", "b")[6:], "Bearer abc", "Basic %%%", "Basic " + base64.b64encode(b"\xff\xfe:x").decode(), "Basic " + base64.b64encode(b"a:%zz").decode()):
            self.text(self.app.post(O + "/token", {**body, "authorizationHeader": header}), 400, "malformed request body or authorization header")
        for odd in (None, {}, [], ["a", "b"]):
            self.text(self.app.post(O + "/token", {**body, "inputBody": {"grant_type": "client_credentials", "scope": odd}, "authorizationHeader": basic(client["clientId"], "x")}), 400,
                      "malformed request body or authorization header")


class WithoutAKey(harness.GatehouseTest):
    """oauth_client_secret_encryption_key is not set, outside test mode."""

    @classmethod
    def setUpClass(cls):
        cls.gatehouse = harness.Gatehouse(test_mode=False).start()
        cls.addClassCleanup(cls.gatehouse.kill)

    def test_no_secret_is_stored(self):
        self.text(self.app.post(O + "/clients", MACHINE), 400, "oauth_client_secret_encryption_key is not set")
        self.assertEqual(self.gatehouse.sql("SELECT 1 FROM oauth_clients"), [])
        self.expect(self.app.post(O + "/clients", {"tokenEndpointAuthMethod": "none"}))


if __name__ == "__main__":
    unittest.main()
