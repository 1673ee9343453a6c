"""OAuth flows of a browser, over HTTP: what must hold when many come at once, and what nobody may do. What a real core answers is in the recordings (tests/conformance)."""
import base64
import collections
import hashlib
import time
import unittest

from integration import harness
from integration.oauth_browser import CALLBACK, ISSUER, MANY, O, S256, STATE, VERIFIER, OAuthTest, basic, parameters
from integration.oauth_clients_test import claims


class OAuthFlows(OAuthTest):
    # Races

    def test_one_code_is_redeemed_by_many(self):
        """One gets tokens, and since the others show the code again, these end."""
        client = self.client()
        code = parameters(self.answer(client))["code"]
        replies = self.at_once(lambda connection: self.redeem(client, code, connection))
        self.assertEqual(collections.Counter(reply.get("error", "tokens") for reply in replies), {"tokens": 1, "invalid_grant": MANY - 1})
        tokens = next(reply for reply in replies if "access_token" in reply)
        self.assertFalse(self.active(tokens["access_token"]))
        self.assertFalse(self.active(tokens["refresh_token"]))
        self.assertEqual(self.gatehouse.sql("SELECT 1 FROM oauth_sessions WHERE app_id = '%s'" % self.app.app), [])

    def test_one_rotating_token_is_used_by_many(self):
        client = self.client(enableRefreshTokenRotation=True)
        tokens = self.tokens(client)
        replies = self.at_once(lambda connection: self.refresh(client, tokens["refresh_token"], connection))
        self.assertEqual(collections.Counter(reply.get("error", "tokens") for reply in replies), {"tokens": 1, "token_inactive": MANY - 1})
        new = next(reply for reply in replies if "access_token" in reply)
        for token in (tokens["access_token"], new["access_token"], new["refresh_token"]):
            self.assertFalse(self.active(token))

    def test_one_lasting_token_is_used_by_many(self):
        client = self.client()
        tokens = self.tokens(client)
        replies = self.at_once(lambda connection: self.refresh(client, tokens["refresh_token"], connection))
        self.assertEqual({reply["status"] for reply in replies}, {"OK"})
        self.assertEqual(len({reply["access_token"] for reply in replies}), MANY)
        self.assertTrue(all(self.active(reply["access_token"]) for reply in replies[:5] + [tokens]))
        listed = self.gatehouse.sql("SELECT jti FROM oauth_sessions WHERE app_id = '%s'" % self.app.app)[0][0]
        self.assertEqual(set(listed.strip(",").split(",")), {claims(reply["access_token"])["jti"] for reply in replies + [tokens]})

    def test_one_verifier_is_shown_by_many(self):
        client, jar = self.client(), {}
        verifier = parameters(self.login(self.start(client, jar)))
        places = self.at_once(lambda connection: self.browse(verifier, dict(jar), app=connection), 10)
        at_consent = [place for place in places if "consent_challenge" in place]
        self.assertEqual(len(at_consent), 1)
        self.assertEqual({parameters(place)["error"] for place in places if place not in at_consent}, {"access_denied"})

    def test_a_session_is_revoked_while_it_is_introspected(self):
        client = self.client()
        tokens = self.tokens(client)

        def step(connection):
            connection.post(O + "/session/revoke", {"sessionHandle": "handle"})
            return [connection.post(O + "/introspect", {"token": token}).json for token in (tokens["access_token"], tokens["refresh_token"])]
        for result in self.at_once(step, 10):
            self.assertEqual(result, [{"active": False, "status": "OK"}] * 2)

    # Codes, tokens and their clients

    def test_a_code_belongs_to_its_client_address_and_verifier(self):
        client, other = self.client(), self.client()
        code = parameters(self.answer(client, code_challenge=S256, code_challenge_method="S256"))["code"]
        for wrong in (lambda: self.redeem(other, code, code_verifier=VERIFIER), lambda: self.redeem(client, code, redirect_uri="https://app.example.com/cb", code_verifier=VERIFIER),
                      lambda: self.redeem(client, code), lambda: self.redeem(client, code, code_verifier=VERIFIER[::-1])):
            self.assertEqual(wrong()["error"], "invalid_grant")
        # Wrong verifiers of others do not spoil it for its owner, but nobody may go on guessing.
        self.assertEqual(self.redeem(client, code, code_verifier=VERIFIER)["status"], "OK")
        code = parameters(self.answer(client, code_challenge=S256, code_challenge_method="S256"))["code"]
        for _ in range(5):
            self.redeem(client, code, code_verifier=VERIFIER[::-1])
        self.assertEqual(self.redeem(client, code, code_verifier=VERIFIER)["error"], "invalid_grant")

    def test_a_replaced_token_ends_the_grant(self):
        client, other = self.client(enableRefreshTokenRotation=True), self.client()
        first = self.tokens(client)
        second = self.refresh(client, first["refresh_token"])
        self.assertEqual(self.refresh(other, first["refresh_token"])["error"], "token_inactive")
        self.assertTrue(self.active(second["refresh_token"]))
        self.assertEqual(self.refresh(client, first["refresh_token"])["error"], "token_inactive")
        for token in (first["access_token"], second["access_token"], second["refresh_token"]):
            self.assertFalse(self.active(token))

    def test_only_its_own_client_revokes_a_refresh_token(self):
        """Also one that authenticates by the header."""
        client, other = self.client(), self.client()
        tokens = self.tokens(client)

        def revoke(by, **k):
            return self.app.post(O + "/token/revoke", {"token": tokens["refresh_token"], "authorizationHeader": basic(by["clientId"], by["clientSecret"]), **k}).json
        self.assertEqual(revoke(other)["error"], "unauthorized_client")
        self.assertEqual(revoke({**client, "clientSecret": "wrong-secret"})["error"], "invalid_client")
        self.assertTrue(self.active(tokens["refresh_token"]))
        self.assertEqual(revoke(client), {"status": "OK"})
        self.assertFalse(self.active(tokens["access_token"]))

    def test_nothing_is_granted_that_was_not_asked_for(self):
        client, jar = self.client(), {}
        at_consent = self.browse(parameters(self.login(self.start(client, jar))), jar)
        self.assertEqual(self.consent(at_consent, "OAUTH_ERROR", scopes=["openid", "profile"])["error"], "invalid_scope")
        self.assertEqual(self.consent(at_consent, "OAUTH_ERROR", audience=["https://api.example.com"])["error"], "invalid_request")
        self.consent(at_consent, scopes=["openid"])

    # Browsers

    def test_a_flow_belongs_to_its_browser_and_request(self):
        client, jar = self.client(), {}
        back = parameters(self.login(self.start(client, jar)))
        self.assertEqual(parameters(self.browse(back, {}))["error"], "request_forbidden")
        self.assertEqual(parameters(self.browse(back, {name: "x" for name in jar}))["error"], "request_forbidden")
        # Whatever the browser changes now, the request is what the client sent.
        at_consent = self.browse({**back, "scope": "openid profile", "code_challenge": S256, "code_challenge_method": "S256", "nonce": "another-nonce"}, jar)
        page = self.expect(self.app.get(O + "/auth/requests/consent", {"consentChallenge": parameters(at_consent)["consent_challenge"]}))
        self.assertEqual(page["requestedScope"], ["openid", "offline_access"])
        self.assertNotIn("clientSecret", page["client"])
        code = parameters(self.browse({**parameters(self.consent(at_consent)["redirectTo"]), "state": "another-state"}, jar))
        self.assertEqual(code["state"], STATE)
        self.assertEqual(claims(self.redeem(client, code["code"])["id_token"])["nonce"], "nonce-of-the-client")

    def test_challenges_and_verifiers_are_used_once(self):
        client, jar = self.client(), {}
        at_login = self.start(client, jar)
        challenge = {"loginChallenge": parameters(at_login)["login_challenge"]}
        first = parameters(self.login(at_login))
        second = parameters(self.login(at_login, "another"))  # the page may change its answer
        self.assertEqual(parameters(self.browse(first, dict(jar)))["error"], "access_denied")
        at_consent = self.browse(second, jar)
        self.assertEqual(self.app.get(O + "/auth/requests/login", challenge).json["statusCode"], 404)
        self.assertEqual(self.app.put(O + "/auth/requests/login/accept", {"subject": "third"}, query=challenge).json["statusCode"], 404)
        self.assertEqual(parameters(self.browse(second, jar))["error"], "access_denied")
        last = parameters(self.consent(at_consent)["redirectTo"])
        self.assertEqual(claims(self.redeem(client, parameters(self.browse(last, jar))["code"])["access_token"])["sub"], "another")
        self.assertEqual(parameters(self.browse(last, jar))["error"], "access_denied")
        other = self.gatehouse.new_app()
        self.addCleanup(other.close)
        fresh = {"loginChallenge": parameters(self.start(client, {}))["login_challenge"]}
        self.assertEqual(other.put(O + "/auth/requests/login/accept", {"subject": "u"}, query=fresh).json["statusCode"], 404)

    def test_a_flow_that_took_too_long(self):
        client, jar = self.client(), {}
        at_login = self.start(client, jar)
        back = parameters(self.login(at_login))
        self.gatehouse.sql("UPDATE gatehouse_oauth_flows SET expires_at = 1 WHERE app_id = '%s'" % self.app.app)
        self.assertEqual(self.app.get(O + "/auth/requests/login", {"loginChallenge": parameters(at_login)["login_challenge"]}).json["error"], "request_unauthorized")
        self.assertEqual(parameters(self.browse(back, jar))["error"], "request_unauthorized")
        code = parameters(self.answer(client))["code"]
        self.gatehouse.sql("UPDATE gatehouse_oauth_codes SET expires_at = 1 WHERE app_id = '%s'" % self.app.app)
        self.assertEqual(self.redeem(client, code)["error"], "invalid_grant")

    def test_nobody_is_sent_to_an_unregistered_place(self):
        client = self.client()
        for address in ("https://app.example.com/cb", CALLBACK + "&y=2", "https://app.example.com.evil.example/cb?x=1", "//app.example.com/cb?x=1", CALLBACK + "#x", "javascript:alert(1)"):
            reply = self.app.post(O + "/auth", {"params": {"client_id": client["clientId"], "response_type": "code", "redirect_uri": address, "scope": "nope", "state": STATE}}).json
            self.assertEqual((reply["status"], reply["error"]), ("OAUTH_ERROR", "invalid_request"), address)
        refused = self.start(client, {}, scope="nope", state="a&error=none#x state")
        self.assertTrue(refused.startswith(CALLBACK.split("?")[0] + "?error=invalid_scope&"), refused)
        self.assertEqual((parameters(refused)["state"], parameters(refused)["x"]), ("a&error=none#x state", "1"))

    def test_cookies_are_for_their_site_only(self):
        client = self.client()
        query = {"client_id": client["clientId"], "response_type": "code", "redirect_uri": CALLBACK, "scope": "openid", "state": STATE}
        for issuer, secure in (("https://api.example.com/auth", True), ("http://localhost:3001/auth", False)):
            cookie = self.expect(self.app.post(O + "/auth", {"params": query, "iss": issuer}))["cookies"][0]
            self.assertIn("; HttpOnly", cookie)
            self.assertIn("; SameSite=Lax", cookie)
            self.assertEqual("; Secure" in cookie, secure)

    def test_a_remembered_login(self):
        client, jar = self.client(), {}
        challenge = parameters(self.start(client, jar))["login_challenge"]
        back = self.expect(self.app.put(O + "/auth/requests/login/accept", {"subject": "user", "remember": True, "rememberFor": 3600}, query={"loginChallenge": challenge}))
        self.browse(parameters(back["redirectTo"]), jar)

        def page(**k):
            return self.expect(self.app.get(O + "/auth/requests/login", {"loginChallenge": parameters(self.start(client, jar, **k))["login_challenge"]}))
        self.assertEqual((page()["skip"], page()["subject"]), (True, "user"))
        self.assertEqual((page(prompt="login")["skip"], page(max_age="0")["subject"]), (False, ""))
        # Somebody else has to log in.
        self.assertEqual(parameters(self.login(self.start(client, jar), "another"))["prompt"], "login")
        self.assertEqual(parameters(self.start(client, {}, prompt="none"))["error"], "login_required")

    def test_a_consent_is_asked_for_each_time(self):
        """Also one that was to be remembered: nobody's consent is taken from an earlier answer."""
        client, jar = self.client(), {}
        for _ in range(2):
            challenge = parameters(self.start(client, jar))["login_challenge"]
            back = self.expect(self.app.put(O + "/auth/requests/login/accept", {"subject": "user", "remember": True, "rememberFor": 3600}, query={"loginChallenge": challenge}))
            at_consent = self.browse(parameters(back["redirectTo"]), jar)
            page = self.expect(self.app.get(O + "/auth/requests/consent", {"consentChallenge": parameters(at_consent)["consent_challenge"]}))
            self.assertFalse(page["skip"])
            accepted = self.expect(self.app.put(O + "/auth/requests/consent/accept", {
                "grantScope": ["openid"], "remember": True, "rememberFor": 3600, "iss": ISSUER, "tId": "public", "rsub": "rsub", "sessionHandle": "handle",
                "initialAccessTokenPayload": {}, "initialIdTokenPayload": {}}, query={"consentChallenge": parameters(at_consent)["consent_challenge"]}))
            self.assertIn("code", parameters(self.browse(parameters(accepted["redirectTo"]), jar)))
        silent = parameters(self.login(self.start(client, jar, prompt="none")))
        self.assertEqual(parameters(self.browse(silent, jar))["error"], "consent_required")

    def test_a_client_that_signs_its_requests_is_refused(self):
        """private_key_jwt can be registered, as in the original, and never authenticates: no key of another server is fetched, and no assertion is a secret."""
        client = self.client(tokenEndpointAuthMethod="private_key_jwt", jwksUri="https://app.example.com/jwks", grantTypes=["client_credentials"])
        assertion = "%s.%s.AAAA" % tuple(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in (b'{"alg":"none"}', b'{"iss":"%s","sub":"%s"}' % ((client["clientId"].encode(),) * 2)))
        signed = {"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer", "client_assertion": assertion}
        for extra, header in ((signed, None), ({**signed, "client_secret": client["clientSecret"]}, None), ({}, basic(client["clientId"], client["clientSecret"]))):
            body = {"iss": ISSUER, "inputBody": {"grant_type": "client_credentials", "client_id": client["clientId"], **extra}, "access_token": {}, "id_token": {}}
            reply = self.app.post(O + "/token", {**body, **({"authorizationHeader": header} if header else {})}).json
            self.assertEqual((reply["error"], reply["statusCode"]), ("invalid_client", 401))

    def test_a_session_handle_that_is_none(self):
        """What is longer than any session's handle is a claim like others: there is no session that ends the token."""
        client = self.client(grantTypes=["client_credentials"])
        body = {"iss": ISSUER, "inputBody": {"grant_type": "client_credentials", "client_id": client["clientId"]}, "id_token": {},
                "authorizationHeader": basic(client["clientId"], client["clientSecret"])}
        for length in (128, 129, 5000):
            reply = self.expect(self.app.post(O + "/token", {**body, "access_token": {"sessionHandle": "x" * length}}))
            self.assertTrue(self.active(reply["access_token"]), length)
            self.expect(self.app.post(O + "/session/revoke", {"sessionHandle": "x" * length}))
            self.assertEqual(self.active(reply["access_token"]), length > 128)

    def test_hints(self):
        """An ID token of the client tells who is meant, also when it has expired."""
        client, other = self.client(authorizationCodeGrantIdTokenLifespan="-1h", postLogoutRedirectUris=["https://app.example.com/bye"]), self.client()
        tokens = self.tokens(client)
        hint = {"id_token_hint": tokens["id_token"]}
        page = self.expect(self.app.get(O + "/auth/requests/login", {"loginChallenge": parameters(self.start(client, {}, **hint))["login_challenge"]}))
        self.assertEqual(page["oidcContext"]["idTokenHintClaims"]["sub"], "user")
        jar = {}
        back = parameters(self.login(self.start(client, jar, **hint), "another"))
        self.assertEqual(parameters(self.browse(back, jar))["error"], "login_required")
        for wrong in (self.start(other, {}, **hint), self.start(client, {}, id_token_hint=tokens["access_token"]), self.start(client, {}, id_token_hint=tokens["id_token"][:-4] + "AAAA")):
            self.assertEqual(parameters(wrong)["error"], "invalid_request")
        for wrong, text in (({"clientId": other["clientId"]}, "The client_id in the id_token_hint does not match the client_id in the request."),
                            ({"postLogoutRedirectUri": "https://app.example.com/elsewhere"}, "The post_logout_redirect_uri is not valid for this client.")):
            reply = self.app.get(O + "/sessions/logout", {"idTokenHint": tokens["id_token"], **wrong})
            self.expect(reply, status="OAUTH_ERROR", error="invalid_request", errorDescription=text, statusCode=400)
        reply = self.app.get(O + "/sessions/logout", {"idTokenHint": tokens["id_token"], "state": "\u00e4" * 129})
        self.expect(reply, status="OAUTH_ERROR", error="invalid_request", errorDescription="The state has more than 128 characters.", statusCode=400)
        self.expect(self.app.get(O + "/sessions/logout", {"idTokenHint": tokens["id_token"], "state": "\u00e4" * 128}))
        out = self.expect(self.app.get(O + "/sessions/logout", {"idTokenHint": tokens["id_token"], "postLogoutRedirectUri": "https://app.example.com/bye", "state": "a b&c"}))
        accepted = self.expect(self.app.put(O + "/auth/requests/logout/accept", {"challenge": parameters(out["redirectTo"])["logout_challenge"]}))
        self.assertEqual(accepted["redirectTo"], "https://app.example.com/bye?state=a+b%26c")
        self.assertFalse(self.active(tokens["refresh_token"]))

    def test_a_class_that_was_asked_for_and_not_told_is_the_lowest(self):
        client = self.client()
        for asked, told in (({}, None), ({"acr_values": "urn:mace:incommon:iap:silver"}, "0")):
            self.assertEqual(claims(self.tokens(client, **asked)["id_token"]).get("acr"), told)
            answer = parameters(self.answer(client, response_type="code id_token token", **asked))
            self.assertEqual(claims(answer["id_token"]).get("acr"), told)

    def test_who_gets_tokens_for_a_session_is_active(self):
        user = self.expect(self.app.post("/recipe/signup", {"email": "a@example.com", "password": "correct horse 1"}))["user"]["id"]
        handle = self.expect(self.app.post("/recipe/session", {"userId": user, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False}))["session"]["handle"]
        client, jar = self.client(), {}
        at_consent = self.browse(parameters(self.login(self.start(client, jar), user)), jar)
        code = parameters(self.browse(parameters(self.consent(at_consent, handle=handle)["redirectTo"]), jar))["code"]
        since = int(time.time() * 1000)

        def active():
            return self.gatehouse.sql("SELECT 1 FROM user_last_active WHERE app_id = '%s' AND last_active_time >= %d" % (self.app.app, since))
        tokens = self.redeem(client, code)
        harness.wait_until(active, 10, "the activity of the exchange")
        since = int(time.time() * 1000)
        self.assertEqual(self.refresh(client, tokens["refresh_token"])["status"], "OK")
        harness.wait_until(active, 10, "the activity of the refresh")

    def test_hybrid(self):
        """One grant: the code's tokens and the browser's end together, and the code is the same everywhere."""
        client = self.client()
        answer = parameters(self.answer(client, response_type="code id_token token"))
        half = base64.urlsafe_b64encode(hashlib.sha256(answer["code"].encode()).digest()[:16]).decode().rstrip("=")
        self.assertTrue(answer["code"].startswith("st_ac_"))
        self.assertEqual(claims(answer["id_token"])["c_hash"], half)
        tokens = self.redeem(client, answer["code"])
        self.assertEqual(claims(tokens["id_token"])["c_hash"], half)
        self.assertTrue(self.active(answer["access_token"]) and self.active(tokens["access_token"]))
        self.expect(self.app.post(O + "/token/revoke", {"token": tokens["refresh_token"], "authorizationHeader": basic(client["clientId"], client["clientSecret"])}))
        self.assertFalse(self.active(answer["access_token"]) or self.active(tokens["access_token"]))

    def test_secrets_stay_secret(self):
        """Challenges, verifiers, cookies, codes and replaced tokens are stored as hashes, and nothing is logged."""
        client, jar = self.client(enableRefreshTokenRotation=True), {}
        at_login = self.start(client, jar)
        at_consent = self.browse(parameters(self.login(at_login)), jar)
        back = parameters(self.consent(at_consent)["redirectTo"])
        code = parameters(self.browse(back, jar))["code"]
        first = self.redeem(client, code)
        second = self.refresh(client, first["refresh_token"])
        self.refresh(client, "st_rt_" + "x" * 43 + "." + "y" * 43)
        secrets = [parameters(at_login)["login_challenge"], parameters(at_consent)["consent_challenge"], back["consent_verifier"], code.partition("_ac_")[2], first["refresh_token"]] + list(jar.values())
        stored = "".join(str(self.gatehouse.sql("SELECT t::text FROM %s t" % table)) for table in
                         ("gatehouse_oauth_flows", "gatehouse_oauth_codes", "gatehouse_oauth_grants", "gatehouse_oauth_rotated_tokens", "gatehouse_oauth_logins", "oauth_sessions"))
        for secret in secrets:
            self.assertNotIn(secret, stored)
        self.gatehouse.sql("ALTER TABLE gatehouse_oauth_codes RENAME TO gone; ALTER TABLE gatehouse_oauth_grants RENAME TO gone2")
        try:
            self.assertEqual(self.app.post(O + "/token", {"iss": ISSUER, "inputBody": {"grant_type": "authorization_code", "code": code}, "authorizationHeader": basic(client["clientId"], client["clientSecret"])}).status, 500)
            self.assertEqual(self.app.post(O + "/introspect", {"token": second["refresh_token"]}).status, 500)
        finally:
            self.gatehouse.sql("ALTER TABLE gone RENAME TO gatehouse_oauth_codes; ALTER TABLE gone2 RENAME TO gatehouse_oauth_grants")
        logs = "".join(process.log() for process in self.gatehouse.processes.values())
        self.assertIn("database_error", logs)
        for secret in secrets + [second["refresh_token"], second["access_token"], client["clientSecret"]]:
            self.assertNotIn(secret, logs)


if __name__ == "__main__":
    unittest.main()
