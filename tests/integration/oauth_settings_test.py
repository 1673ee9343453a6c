"""What an app's settings of the OAuth provider do: who names the issuer, who must use PKCE, and how often a client may ask."""
import unittest

from integration import harness
from integration.oauth_browser import CALLBACK, ISSUER, O, S256, STATE, VERIFIER, OAuthTest, basic, parameters


class OAuthSettings(OAuthTest):
    def use(self, **settings):
        self.app = self.gatehouse.new_app({"gatehouse_oauth_" + name: value for name, value in settings.items()})
        self.addCleanup(self.app.close)

    def test_answers_name_the_issuer(self):
        """RFC 9207: what the client's tokens will name, in codes, tokens and errors, wherever these come from."""
        self.use(response_iss=True)
        client = self.client()
        answer = parameters(self.answer(client))
        self.assertEqual((answer["iss"], answer["state"], answer["x"]), (ISSUER, STATE, "1"))
        self.assertEqual(self.redeem(client, answer["code"])["status"], "OK")
        for response_type in ("code id_token token", "id_token token"):
            place = self.answer(client, response_type=response_type)
            self.assertEqual(parameters(place.partition("#")[2] and "?" + place.partition("#")[2])["iss"], ISSUER)
        for refused in ({"scope": "nope"}, {"state": "short"}, {"prompt": "none"}, {"response_type": "token code"}):
            answer = parameters(self.start(client, {}, **refused))
            self.assertEqual(answer.get("iss"), ISSUER, refused)
            self.assertIn("error", answer)
        # The login page's refusal, and the consent page's.
        jar = {}
        challenge = {"loginChallenge": parameters(self.start(client, jar))["login_challenge"]}
        back = self.expect(self.app.put(O + "/auth/requests/login/reject", {"error": "access_denied"}, query=challenge))["redirectTo"]
        answer = parameters(self.browse(parameters(back), jar))
        self.assertEqual((answer["error"], answer["iss"]), ("access_denied", ISSUER))
        at_consent = self.browse(parameters(self.login(self.start(client, jar))), jar)
        challenge = {"consentChallenge": parameters(at_consent)["consent_challenge"]}
        back = self.expect(self.app.put(O + "/auth/requests/consent/reject", {"error": "access_denied"}, query=challenge))["redirectTo"]
        answer = parameters(self.browse(parameters(back), jar))
        self.assertEqual((answer["error"], answer["iss"]), ("access_denied", ISSUER))
        # A caller that does not say who it is at the last visit has said so to the consent page. (Its cookies are those of a site without TLS.)
        jar, plain = {}, "http://localhost:3001/auth"
        query = {"client_id": client["clientId"], "response_type": "code", "redirect_uri": CALLBACK, "scope": "openid offline_access", "state": STATE}
        at_consent = self.browse(parameters(self.login(self.browse(query, jar, plain))), jar, plain)
        reply = self.expect(self.app.post(O + "/auth", {"params": parameters(self.consent(at_consent)["redirectTo"]), "cookies": "; ".join("%s=%s" % one for one in jar.items())}))
        self.assertEqual(parameters(reply["redirectTo"])["iss"], ISSUER)
        self.assertIn("code", parameters(reply["redirectTo"]))

    def test_an_app_can_leave_the_issuer_out(self):
        self.use(response_iss=False)
        self.assertNotIn("iss", parameters(self.answer(self.client())))
        self.assertNotIn("iss", parameters(self.start(self.client(), {}, scope="nope")))

    def test_a_challenge_can_be_required(self):
        for setting, refused in (("NONE", set()), ("PUBLIC_CLIENTS", {"none"}), ("ALL_CLIENTS", {"none", "client_secret_basic"})):
            self.use(pkce_required_for=setting)
            for method in ("none", "client_secret_basic"):
                client = self.client(tokenEndpointAuthMethod=method)
                place = parameters(self.start(client, {}))
                if method in refused:
                    self.assertEqual((place.get("error"), place.get("state")), ("invalid_request", STATE), (setting, method))
                    self.assertIn("code_challenge", place["error_description"])
                else:
                    self.assertIn("login_challenge", place)
                self.assertIn("login_challenge", parameters(self.start(client, {}, code_challenge=S256, code_challenge_method="S256")))
                self.assertIn("login_challenge", parameters(self.start(client, {}, response_type="id_token token")))

    def test_a_challenge_that_is_required_meanwhile(self):
        """A flow that was begun without one does not end with a code."""
        self.use(pkce_required_for="NONE")
        client, jar = self.client(), {}
        at_consent = self.browse(parameters(self.login(self.start(client, jar))), jar)
        back = parameters(self.consent(at_consent)["redirectTo"])
        self.expect(self.gatehouse.once("PUT", "/recipe/multitenancy/app/v2", body={"appId": self.app.app, "coreConfig": {"gatehouse_oauth_pkce_required_for": "ALL_CLIENTS"}}))
        self.assertEqual(parameters(self.browse({**back, "code_challenge": S256, "code_challenge_method": "S256"}, jar))["error"], "invalid_request")

    def test_what_the_settings_may_be(self):
        for name, value in (("pkce_required_for", "SOME"), ("failed_authentications_per_minute", -1), ("token_requests_per_minute", 60000001), ("response_iss", "perhaps")):
            reply = self.gatehouse.once("PUT", "/recipe/multitenancy/app/v2", body={"appId": "refused", "coreConfig": {"gatehouse_oauth_" + name: value}})
            self.assertIn("gatehouse_oauth_" + name, reply.text, reply)

    def token(self, client, secret=None):
        return self.app.post(O + "/token", {"iss": ISSUER, "inputBody": {"grant_type": "client_credentials"}, "access_token": {}, "id_token": {},
                                            "authorizationHeader": basic(client["clientId"], secret or client["clientSecret"])})

    def machine(self):
        return self.expect(self.app.post(O + "/clients", {"grantTypes": ["client_credentials"]}))

    def test_wrong_secrets_are_looked_at_so_often(self):
        self.use(failed_authentications_per_minute=6)
        client, other = self.machine(), self.machine()
        for _ in range(3):
            self.assertEqual(self.token(client).json["status"], "OK")
        self.assertEqual(self.token(client, "wrong-secret").json["error"], "invalid_client")
        # Not even the right one: the answer would tell.
        for secret in ("another-wrong-secret", client["clientSecret"]):
            reply = self.token(client, secret)
            self.assertEqual(reply.status, 429, reply)
            self.assertIn(int(reply.headers["Retry-After"]), range(1, 11))
            self.assertNotIn(secret, repr(reply))
        reply = self.app.post(O + "/token/revoke", {"token": "st_rt_x.y", "authorizationHeader": basic(client["clientId"], "wrong-secret")})
        self.assertEqual(reply.status, 429, reply)
        self.assertEqual(self.token(other).json["status"], "OK")
        # A public client has no secret.
        public = self.client(tokenEndpointAuthMethod="none")
        for _ in range(3):
            self.assertEqual(self.redeem({**public, "clientSecret": "anything"}, "no-code")["error"], "invalid_client")

    def test_a_client_asks_so_often(self):
        self.use(token_requests_per_minute=18)
        client, other = self.machine(), self.machine()
        self.assertEqual([self.token(client).status for _ in range(4)], [200, 200, 200, 429])
        self.assertIn(int(self.token(client).headers["Retry-After"]), range(1, 5))
        self.assertEqual(self.token(other).json["status"], "OK")

    def test_without_limits(self):
        self.use(token_requests_per_minute=0, failed_authentications_per_minute=0)
        client = self.machine()
        self.assertEqual({self.token(client, "wrong-secret").json["error"] for _ in range(150)}, {"invalid_client"})
        self.assertEqual(self.token(client).json["status"], "OK")

    def test_guesses_at_a_verifier_are_counted_by_the_code(self):
        """Also of a client whose own limit is higher, and for many at once: not one more than five is looked at."""
        client = self.client(tokenEndpointAuthMethod="none")
        code = parameters(self.answer(client, code_challenge=S256, code_challenge_method="S256"))["code"]

        def guess(connection, verifier=VERIFIER[::-1]):
            return connection.post(O + "/token", {"iss": ISSUER, "inputBody": {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK,
                                                                              "code_verifier": verifier, "client_id": client["clientId"]}}).json
        told = [reply["errorDescription"] for reply in self.at_once(guess)]
        self.assertEqual(sum("did not match the code verifier" in text for text in told), 5)
        self.assertEqual(guess(self.app, VERIFIER)["error"], "invalid_grant")


if __name__ == "__main__":
    unittest.main()
