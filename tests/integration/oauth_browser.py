"""What tests of OAuth flows have in common: a browser that keeps its cookies, and the pages' and clients' calls."""
import base64
import concurrent.futures
import hashlib
import threading
import urllib.parse

from integration import harness
from integration.oauth_clients_test import O, basic

ISSUER, CALLBACK, STATE = "https://api.example.com/auth", "https://app.example.com/cb?x=1", "state-of-the-client"
CLIENT = {"redirectUris": [CALLBACK], "grantTypes": ["authorization_code", "refresh_token", "implicit"], "responseTypes": ["code", "id_token token", "code id_token token"],
          "scope": "openid offline_access profile", "audience": ["https://api.example.com"]}
VERIFIER = "a-verifier-that-is-long-enough-for-rfc7636-0123456789"
S256 = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
MANY = 50


def parameters(address):
    parts = urllib.parse.urlsplit(address)
    return dict(urllib.parse.parse_qsl(parts.query) + urllib.parse.parse_qsl(parts.fragment))


class OAuthTest(harness.GatehouseTest):
    def client(self, **k):
        return self.expect(self.app.post(O + "/clients", {**CLIENT, **k}))

    def browse(self, query, jar, issuer=ISSUER, app=None):
        """One visit of a browser; its cookies are kept in `jar`."""
        reply = self.expect((app or self.app).post(O + "/auth", {"params": query, "cookies": "; ".join("%s=%s" % one for one in jar.items()), "iss": issuer}))
        for line in reply["cookies"]:
            name, _, value = line.partition(";")[0].partition("=")
            jar[name] = value
        return reply["redirectTo"]

    def start(self, client, jar, **k):
        query = {"client_id": client["clientId"], "response_type": "code", "redirect_uri": CALLBACK, "scope": "openid offline_access", "state": STATE, "nonce": "nonce-of-the-client", **k}
        return self.browse(query, jar)

    def login(self, address, subject="user"):
        """The address that the login page sends the browser to."""
        challenge = parameters(address)["login_challenge"]
        return self.expect(self.app.put(O + "/auth/requests/login/accept", {"subject": subject}, query={"loginChallenge": challenge}))["redirectTo"]

    def consent(self, address, status="OK", scopes=("openid", "offline_access"), audience=(), handle="handle"):
        challenge = parameters(address)["consent_challenge"]
        return self.expect(self.app.put(O + "/auth/requests/consent/accept", {
            "grantScope": list(scopes), "grantAccessTokenAudience": list(audience), "iss": ISSUER, "tId": "public", "rsub": "rsub", "sessionHandle": handle,
            "initialAccessTokenPayload": {}, "initialIdTokenPayload": {}}, query={"consentChallenge": challenge}), status=status)

    def answer(self, client, jar=None, **k):
        """Where the browser comes out in the end."""
        jar = {} if jar is None else jar
        at_consent = self.browse(parameters(self.login(self.start(client, jar, **k))), jar)
        return self.browse(parameters(self.consent(at_consent)["redirectTo"]), jar)

    def redeem(self, client, code, connection=None, **k):
        return (connection or self.app).post(O + "/token", {"iss": ISSUER, "inputBody": {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, **k},
                                                            "authorizationHeader": basic(client["clientId"], client["clientSecret"])}).json

    def refresh(self, client, token, connection=None):
        return (connection or self.app).post(O + "/token", {"iss": ISSUER, "inputBody": {"grant_type": "refresh_token", "refresh_token": token}, "access_token": {}, "id_token": {},
                                                            "authorizationHeader": basic(client["clientId"], client["clientSecret"])}).json

    def tokens(self, client, **k):
        tokens = self.redeem(client, parameters(self.answer(client, **k))["code"])
        self.assertEqual(tokens["status"], "OK", tokens)
        return tokens

    def active(self, token):
        return self.expect(self.app.post(O + "/introspect", {"token": token}))["active"]

    def at_once(self, step, count=MANY):
        connections = [self.gatehouse.client(app=self.app.app) for _ in range(count)]
        barrier = threading.Barrier(count)

        def run(number):
            connections[number].get("/apiversion")
            barrier.wait()
            try:
                return step(connections[number])
            finally:
                connections[number].close()
        with concurrent.futures.ThreadPoolExecutor(count) as pool:
            return list(pool.map(run, range(count)))

    def rows(self, table):
        return self.gatehouse.sql("SELECT count(*) FROM %s" % table)[0][0]
