"""Single sign-on by SAML: a login and what comes of it, what is refused, and what happens once however many ask for it."""
import base64
import re
import threading
import unittest
import urllib.parse

from integration import harness
from integration.identity_provider import ACS, IdentityProvider, inflated, query

P = "/recipe/saml"
BACK = "https://app.example.com/back"
CLIENTS = 50
FAILED = "SAML_RESPONSE_VERIFICATION_FAILED_ERROR"


class Saml(harness.GatehouseTest):
    def setUp(self):
        super().setUp()
        self.provider = IdentityProvider()

    def put(self, **fields):
        body = {"clientId": "c", "defaultRedirectURI": BACK, "redirectURIs": [BACK], "metadataXML": self.provider.metadata(), "enableRequestSigning": False, **fields}
        return self.expect(self.app.put(P + "/clients", body))

    def login(self, **fields):
        return self.expect(self.app.post(P + "/login", {"clientId": "c", "redirectURI": BACK, "acsURL": ACS, **fields}))["ssoRedirectURI"]

    def post(self, response, relay_state=None, client=None):
        """The callback's status, and where it sends the browser."""
        body = {"samlResponse": response, **({"relayState": relay_state} if relay_state else {})}
        reply = (client or self.app).post(P + "/callback", body)
        self.assertEqual(reply.status, 200, reply)
        return reply.json["status"], reply.json.get("redirectURI")

    def code(self, login=None, **response):
        """The code of a login that has gone well; without one the provider begins."""
        status, back = self.post(self.provider.response(login, **response), query(login, "RelayState") if login else None)
        self.assertEqual(status, "OK")
        return query(back, "code")

    def user(self, code, client_id="c", client=None):
        return (client or self.app).post(P + "/user", {"accessToken": code, "clientId": client_id}).json

    def at_once(self, step):
        """step(client) of many clients, all together."""
        clients = [self.gatehouse.client(app=self.app.app) for _ in range(CLIENTS)]
        results, barrier = [None] * CLIENTS, threading.Barrier(CLIENTS)

        def run(number):
            clients[number].get("/recipe/saml/clients/list")  # connects
            barrier.wait()
            results[number] = step(clients[number])
            clients[number].close()
        threads = [threading.Thread(target=run, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return results

    def test_a_login(self):
        self.put()
        for how in ("response", "assertion", "both"):
            login = self.login(state="st")
            self.assertTrue(login.startswith(self.provider.sso + "?SAMLRequest="), login)
            status, back = self.post(self.provider.response(login, how=how, attributes=[("role", ["a", "b"])]), query(login, "RelayState"))
            self.assertEqual((status, query(back, "state")), ("OK", "st"), how)
            code = query(back, "code")
            self.assertEqual(self.user(code), {"status": "OK", "claims": {"NameID": ["user@example.com"], "role": ["a", "b"]}, "sub": "user@example.com",
                                               "email": "user@example.com", "aud": "c"})
            self.assertEqual(self.user(code), {"status": "INVALID_TOKEN_ERROR"})

    def test_a_signed_request_and_the_certificate_for_it(self):
        self.put(enableRequestSigning=True)
        request = inflated(self.login())
        metadata = self.app.get("/.well-known/sp-metadata")
        self.assertEqual(metadata.headers["Content-Type"], "text/xml;charset=utf-8")
        certificate = metadata.text.split("X509Certificate>")[1].split("<")[0]
        self.assertIn("<ds:X509Certificate>%s</ds:X509Certificate>" % certificate, request)
        self.assertIn("<ds:SignatureValue>", request)
        # Or by parameters of the redirect.
        self.assertEqual(self.put(enableRequestSigning=True, requestSignature="QUERY")["requestSignature"], "QUERY")
        login = self.login()
        self.assertNotIn("Signature", inflated(login))
        self.assertEqual(query(login, "SigAlg"), "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256")
        self.assertEqual(len(base64.b64decode(query(login, "Signature"))), 256)
        self.code(login)
        # One key for the app, however many ask for it at the same time.
        other = self.gatehouse.new_app()
        self.addCleanup(other.close)
        self.app = other
        found = set(self.at_once(lambda client: client.get("/.well-known/sp-metadata").text))
        self.assertEqual(len(found), 1)
        self.assertNotIn(metadata.text, found)

    def certificate(self):
        """Ours, which providers encrypt for."""
        metadata = self.app.get("/.well-known/sp-metadata", {"encryption": "true"}).text
        self.assertEqual([metadata.count('use="%s"' % use) for use in ("signing", "encryption")], [1, 1])
        self.assertEqual(self.app.get("/.well-known/sp-metadata").text.count("<md:KeyDescriptor"), 1)
        return metadata.split("X509Certificate>")[3].split("<")[0]

    def test_an_encrypted_assertion(self):
        self.put(allowIDPInitiatedLogin=True)
        certificate = self.certificate()
        for how in ("response", "assertion", "both"):
            code = self.code(self.login(), how=how, encrypt_for=certificate, attributes=[("role", ["a"])])
            self.assertEqual(self.user(code)["claims"], {"NameID": ["user@example.com"], "role": ["a"]}, how)
        self.code(how="assertion", encrypt_for=certificate)
        # Signed by nobody; for another key; damaged: one answer.
        other = self.gatehouse.new_app()
        self.addCleanup(other.close)
        theirs = other.get("/.well-known/sp-metadata").text.split("X509Certificate>")[1].split("<")[0]
        good = base64.b64decode(self.provider.response(how="assertion", encrypt_for=certificate)).decode()
        value = good.rindex("<xenc:CipherValue>") + len("<xenc:CipherValue>")
        damaged = good[:value] + ("A" if good[value] != "A" else "B") + good[value + 1:]
        for response in (self.provider.response(how="none", encrypt_for=certificate), self.provider.response(how="assertion", encrypt_for=theirs),
                         base64.b64encode(damaged.encode()).decode()):
            self.assertEqual(self.post(response)[0], FAILED)
        # It counts once, and is worth as much as in clear.
        self.assertEqual([self.post(base64.b64encode(good.encode()).decode())[0] for _ in range(2)], ["OK", FAILED])
        self.assertEqual(self.post(self.provider.response(how="assertion", encrypt_for=certificate, acs="https://other.example.com"), None)[0], "OK")  # no acsURLs
        self.put(allowIDPInitiatedLogin=True, acsURLs=[ACS])
        self.assertEqual(self.post(self.provider.response(how="assertion", encrypt_for=certificate, acs="https://other.example.com"), None)[0], FAILED)

    def test_what_is_refused(self):
        self.put(allowIDPInitiatedLogin=True)

        def refused(response, login):
            self.assertEqual(self.post(response, query(login, "RelayState"))[0], FAILED)
        first, second = self.login(), self.login()
        refused(self.provider.response(), first)  # answers no request
        refused(self.provider.response(second), first)  # answers another one
        refused(self.provider.response(first, acs="https://other.example.com/acs"), first)
        refused(self.provider.response(first, status="Responder"), first)
        refused(self.provider.response(first, issuer="https://other.example.com"), first)
        refused(self.provider.response(first, how="none"), first)
        altered = base64.b64decode(self.provider.response(first)).replace(b"user@", b"root@")
        refused(base64.b64encode(altered).decode(), first)
        # The login is not harmed by that.
        self.code(first)
        self.assertEqual(self.post(self.provider.response(second))[0], FAILED)  # without its relay state
        for bad in ("***", "", base64.b64encode(b"<!DOCTYPE a><a/>").decode()):
            self.text(self.app.post(P + "/callback", {"samlResponse": bad}), 400, "Invalid or malformed SAML response input")

    def test_requests_are_posted_only_where_browsers_find_us(self):
        """As the original refuses what has no location for redirects."""
        client = {"defaultRedirectURI": BACK, "redirectURIs": [BACK], "metadataXML": self.provider.metadata(binding="HTTP-POST")}
        self.text(self.app.put(P + "/clients", client), 400, "metadataXML does not have a valid SAML metadata")
        self.text(self.app.put(P + "/clients", {**client, "requestBinding": "POST"}), 400, "requestBinding POST needs gatehouse_saml_public_url")

    def test_a_client_may_be_lenient(self):
        self.put(leniencies=["ANY_REQUEST", "ANY_DESTINATION"])
        login = self.login()
        self.assertEqual(self.post(self.provider.response(acs="https://other.example.com"), query(login, "RelayState"))[0], "OK")
        self.text(self.app.put(P + "/clients", {"defaultRedirectURI": BACK, "redirectURIs": [BACK], "metadataXML": self.provider.metadata(), "leniencies": ["MORE"]}),
                  400, "Field name 'leniencies' is invalid in JSON input")

    def test_the_provider_begins(self):
        self.put()
        self.assertEqual(self.post(self.provider.response())[0], "IDP_LOGIN_DISALLOWED_ERROR")
        self.put(allowIDPInitiatedLogin=True, acsURLs=[ACS])
        self.assertEqual(self.user(self.code())["sub"], "user@example.com")
        self.assertEqual(self.post(self.provider.response(acs="https://other.example.com"))[0], FAILED)
        self.assertEqual(self.post(self.provider.response(issuer="https://nobody.example.com"))[0], "INVALID_CLIENT_ERROR")

    def test_an_assertion_counts_once(self):
        self.put(allowIDPInitiatedLogin=True)
        response = self.provider.response(how="assertion")
        self.assertEqual(self.post(response)[0], "OK")
        self.assertEqual(self.post(response)[0], FAILED)
        # In another response too, and for another login.
        again = self.provider.response(how="both", assertion_id="_same")
        self.assertEqual(self.post(again)[0], "OK")
        self.assertEqual(self.post(self.provider.response(how="both", assertion_id="_same"))[0], FAILED)

    def test_a_login_ends_once(self):
        self.put()
        login = self.login()
        self.code(login)
        self.assertEqual(self.post(self.provider.response(login), query(login, "RelayState"))[0], "INVALID_RELAY_STATE_ERROR")

    def test_one_response_many_times_at_once(self):
        self.put(allowIDPInitiatedLogin=True)
        login = self.login()
        for response, relay_state in ((self.provider.response(login), query(login, "RelayState")), (self.provider.response(), None)):
            outcomes = [status for status, _ in self.at_once(lambda client: self.post(response, relay_state, client))]
            self.assertEqual(outcomes.count("OK"), 1, outcomes)
            self.assertLessEqual(set(outcomes), {"OK", FAILED, "INVALID_RELAY_STATE_ERROR"})
        # Different responses to one login.
        login = self.login()
        responses = [self.provider.response(login) for _ in range(CLIENTS)]
        outcomes = [status for status, _ in self.at_once(lambda client: self.post(responses.pop(), query(login, "RelayState"), client))]
        self.assertEqual(outcomes.count("OK"), 1, outcomes)

    def test_one_code_many_times_at_once(self):
        self.put(allowIDPInitiatedLogin=True)
        code = self.code()
        outcomes = [reply["status"] for reply in self.at_once(lambda client: self.user(code, client=client))]
        self.assertEqual((outcomes.count("OK"), outcomes.count("INVALID_TOKEN_ERROR")), (1, CLIENTS - 1))

    def test_a_client_that_is_removed_meanwhile(self):
        self.put()
        login = self.login()
        self.expect(self.app.post(P + "/clients/remove", {"clientId": "c"}), didExist=True)
        self.assertEqual(self.post(self.provider.response(login), query(login, "RelayState"))[0], "INVALID_CLIENT_ERROR")
        self.put()
        code = self.code(self.login())
        self.expect(self.app.post(P + "/clients/remove", {"clientId": "c"}), didExist=True)
        self.assertEqual(self.user(code), {"status": "INVALID_TOKEN_ERROR"})
        self.put()
        self.assertEqual(self.user(code), {"status": "INVALID_TOKEN_ERROR"})

    def test_a_code_is_not_that_of_a_later_client_of_the_same_name(self):
        self.put()
        code = self.code(self.login())
        self.put()  # the same client still
        self.assertEqual(self.user(code)["status"], "OK")
        code = self.code(self.login())
        self.expect(self.app.post(P + "/clients/remove", {"clientId": "c"}), didExist=True)
        self.put()
        self.assertEqual(self.user(code), {"status": "INVALID_TOKEN_ERROR"})

    def test_a_client_that_is_removed_at_the_same_time(self):
        """Each login ends well or finds no client; codes that came of it are worth something, or nothing once the client is gone."""
        self.put()
        logins = [self.login() for _ in range(CLIENTS - 1)]
        steps = [(query(login, "RelayState"), self.provider.response(login, how="assertion")) for login in logins]
        steps.insert(CLIENTS // 2, None)

        def step(client):
            mine = steps.pop()
            if mine is None:
                return client.post(P + "/clients/remove", {"clientId": "c"}).json
            status, back = self.post(mine[1], mine[0], client)
            return status, self.user(query(back, "code"), client=client)["status"] if back else None
        outcomes = self.at_once(step)
        outcomes.remove({"status": "OK", "didExist": True})
        self.assertLessEqual(set(outcomes), {("OK", "OK"), ("OK", "INVALID_TOKEN_ERROR"), ("INVALID_CLIENT_ERROR", None)})

    def test_a_code_is_its_clients(self):
        self.put(allowIDPInitiatedLogin=True)
        code = self.code()
        self.assertEqual(self.user(code, "other"), {"status": "INVALID_TOKEN_ERROR"})
        self.assertEqual(self.user(code), {"status": "INVALID_TOKEN_ERROR"})

    def test_nothing_of_an_assertion_is_logged(self):
        self.put(allowIDPInitiatedLogin=True)
        self.user(self.code(name_id="canary-user@example.com", attributes=[("canary-name", ["canary-value"])]))
        self.post(self.provider.response(name_id="canary-user@example.com", status="canary-status"))
        self.app.post(P + "/callback", {"samlResponse": base64.b64encode(b"<canary><!DOCTYPE/></canary>").decode()})
        logs = "".join(process.log() for process in self.gatehouse.processes.values())
        self.assertIn("saml_response_refused", logs)
        self.assertNotIn("canary", logs)


class PostedRequests(harness.GatehouseTest):
    """A provider that takes requests by the POST binding: the browser comes by a page of ours, which posts."""
    environment = {"GATEHOUSE_SAML_PUBLIC_URL": "https://login.example.com/core/"}

    def test_a_login(self):
        provider = IdentityProvider()
        client = {"clientId": "c", "defaultRedirectURI": BACK, "redirectURIs": [BACK], "metadataXML": provider.metadata(binding="HTTP-POST")}
        self.assertEqual(self.expect(self.app.put(P + "/clients", client))["requestBinding"], "POST")
        url = self.expect(self.app.post(P + "/login", {"clientId": "c", "redirectURI": BACK, "acsURL": ACS}))["ssoRedirectURI"]
        path = "/appid-%s/recipe/saml/login/form" % self.app.app
        self.assertTrue(url.startswith("https://login.example.com/core%s?relayState=" % path), url)
        browser = self.gatehouse.client(app=self.app.app)
        self.addCleanup(browser.close)
        relay_state = query(url, "relayState")
        page = browser.get(P + "/login/form", {"relayState": relay_state})
        self.assertEqual((page.status, page.headers["Content-Type"], page.headers["Cache-Control"]), (200, "text/html;charset=utf-8", "no-store"))
        self.assertIn("frame-ancestors 'none'", page.headers["Content-Security-Policy"])
        self.assertNotIn("sandbox", page.headers["Content-Security-Policy"])
        self.assertIn('<form method="post" action="%s">' % provider.sso, page.text)
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', page.text))
        self.assertEqual(fields["RelayState"], relay_state)
        request = base64.b64decode(fields["SAMLRequest"]).decode()
        self.assertIn("<ds:SignatureValue>", request)
        response = provider.response(request_id=re.search(r' ID="(\S+?)"', request).group(1))
        back = self.expect(self.app.post(P + "/callback", {"samlResponse": response, "relayState": relay_state}))["redirectURI"]
        self.assertEqual(self.expect(self.app.post(P + "/user", {"accessToken": query(back, "code"), "clientId": "c"}))["sub"], "user@example.com")
        # The login is over, and so is its page.
        self.text(browser.get(P + "/login/form", {"relayState": relay_state}), 400, "INVALID_RELAY_STATE_ERROR")
        self.text(self.app.put(P + "/clients", {**client, "requestBinding": "SOAP"}), 400, "Field name 'requestBinding' is invalid in JSON input")


class TwoInstances(unittest.TestCase):
    """What is used at one instance is used at the other."""

    def test_logins_assertions_codes_and_clients(self):
        first = harness.Gatehouse().start()
        self.addCleanup(first.kill)
        second = harness.Gatehouse(database=first.database).start()
        self.addCleanup(second.kill)
        provider, app = IdentityProvider(), first.new_app()
        self.addCleanup(app.close)
        here, there = first.client(app=app.app), second.client(app=app.app)
        here.put(P + "/clients", {"clientId": "c", "defaultRedirectURI": BACK, "redirectURIs": [BACK], "metadataXML": provider.metadata(), "allowIDPInitiatedLogin": True})
        login = here.post(P + "/login", {"clientId": "c", "redirectURI": BACK, "acsURL": ACS}).json["ssoRedirectURI"]
        body = {"samlResponse": provider.response(login), "relayState": query(login, "RelayState")}
        done = there.post(P + "/callback", body).json
        self.assertEqual(done["status"], "OK")
        self.assertEqual(here.post(P + "/callback", body).json, {"status": "INVALID_RELAY_STATE_ERROR"})
        exchange = {"accessToken": query(done["redirectURI"], "code"), "clientId": "c"}
        self.assertEqual([client.post(P + "/user", exchange).json["status"] for client in (here, there)], ["OK", "INVALID_TOKEN_ERROR"])
        response = {"samlResponse": provider.response()}
        self.assertEqual([client.post(P + "/callback", response).json["status"] for client in (here, there)], ["OK", FAILED])
        # One key for both, whoever made it.
        self.assertEqual(len({client.get("/.well-known/sp-metadata").text for client in (here, there)}), 1)
        there.post(P + "/clients/remove", {"clientId": "c"})
        self.assertEqual(here.post(P + "/login", {"clientId": "c", "redirectURI": BACK, "acsURL": ACS}).json, {"status": "INVALID_CLIENT_ERROR"})
        for client in (here, there):
            client.close()


class Legacy(harness.GatehouseTest):
    """The paths of an older product."""

    def test_the_flow(self):
        provider = IdentityProvider()
        app = self.gatehouse.new_app({"saml_legacy_acs_url": ACS})
        self.addCleanup(app.close)
        self.expect(app.put(P + "/clients", {"clientId": "a.b", "clientSecret": "s", "defaultRedirectURI": BACK, "redirectURIs": [BACK], "metadataXML": provider.metadata()}))
        reply = app.get(P + "/legacy/authorize", {"client_id": "a.b", "redirect_uri": BACK, "state": "st"})
        self.assertEqual(reply.status, 307)
        login = reply.headers["Location"]
        form = {"Content-Type": "application/x-www-form-urlencoded"}

        def encoded(**fields):
            return urllib.parse.urlencode(fields)
        reply = app.post(P + "/legacy/callback", raw=encoded(SAMLResponse=provider.response(login), RelayState=query(login, "RelayState")), headers=form)
        self.assertEqual((reply.status, query(reply.headers["Location"], "state")), (302, "st"))
        code = query(reply.headers["Location"], "code")
        self.text(app.post(P + "/legacy/token", raw=encoded(client_id="a.b", client_secret="x", code=code), headers=form), 400, "Invalid client_secret")
        token = self.expect(app.post(P + "/legacy/token", raw=encoded(client_id="a.b", client_secret="s", code=code), headers=form))["access_token"]
        reply = app.get(P + "/legacy/userinfo", headers={"Authorization": "Bearer " + token})
        self.assertEqual(reply.json, {"claims": {"NameID": ["user@example.com"]}, "id": "user@example.com", "email": "user@example.com", "aud": "a.b"})
        self.text(app.get(P + "/legacy/userinfo", headers={"Authorization": "Bearer " + token}), 400, "INVALID_TOKEN_ERROR")


if __name__ == "__main__":
    unittest.main()
