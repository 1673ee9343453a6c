"""The steps that the walks with real identity providers share: a client from metadata, a login, and what the callback makes of it."""
import base64
import json
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from integration import harness  # noqa: E402
from integration.identity_provider import query  # noqa: E402
from saml import wrapping  # noqa: E402

P = "/recipe/saml"
ACS, BACK, AUDIENCE = "https://api.example.com/auth/saml/callback", "https://app.example.com/back", "https://sp.example.com/gatehouse"
FAILED = "SAML_RESPONSE_VERIFICATION_FAILED_ERROR"
MALFORMED = "Invalid or malformed SAML response input"


class SignOn:
    """A Gatehouse with one client of an identity provider."""

    def __init__(self, mode, user="ann@example.com"):
        self.gatehouse = harness.Gatehouse(mode=mode).start()
        self.user = user
        try:
            self.app = self.gatehouse.new_app({"saml_sp_entity_id": AUDIENCE})
        except BaseException:
            self.stop()
            raise

    def stop(self):
        self.gatehouse.kill()

    def put(self, metadata, **fields):
        reply = self.app.put(P + "/clients", {"clientId": "c", "defaultRedirectURI": BACK, "redirectURIs": [BACK], "metadataXML": base64.b64encode(metadata.encode()).decode(), **fields})
        assert reply.status == 200 and reply.json["status"] == "OK", reply
        return reply.json

    def certificate(self):
        """Ours, in base64 of DER, from the metadata that names it for encryption too."""
        text = self.app.get("/.well-known/sp-metadata", {"encryption": "true"}).text
        keys = [part.split("<")[0] for part in text.split("X509Certificate>")[1::2]]
        assert len(keys) == 2 and keys[0] == keys[1] and 'use="encryption"' in text, text
        return keys[0]

    def login(self):
        """Where the browser is sent, and the relay state."""
        reply = self.app.post(P + "/login", {"clientId": "c", "redirectURI": BACK, "acsURL": ACS, "state": "st"})
        assert reply.json["status"] == "OK", reply
        return reply.json["ssoRedirectURI"], query(reply.json["ssoRedirectURI"], "RelayState")

    def refusals(self):
        """The checks that have refused a response, in order."""
        lines = [line for process in self.gatehouse.processes.values() for line in process.log().splitlines() if "saml_response_refused" in line]
        return [json.loads(line)["check"] for line in lines]

    def post(self, response, relay_state=None):
        return self.app.post(P + "/callback", {"samlResponse": response, **({"relayState": relay_state} if relay_state else {})})

    def accept(self, response, relay_state=None, state="st"):
        """What the provider says of the user, who is the right one."""
        reply = self.post(response, relay_state)
        assert reply.status == 200 and reply.json["status"] == "OK", (reply, self.refusals()[-1:])
        assert query(reply.json["redirectURI"], "state") == (state if relay_state else None), reply
        user = self.app.post(P + "/user", {"accessToken": query(reply.json["redirectURI"], "code"), "clientId": "c"}).json
        assert user["status"] == "OK" and user["email"] == self.user, user
        return user

    def refuse(self, response, relay_state=None, check=None):
        """The callback refuses it, by that check; which it was."""
        before = len(self.refusals())
        reply = self.post(response, relay_state)
        assert (reply.status, reply.text) == (400, MALFORMED + "\n") or (reply.status, reply.json) == (200, {"status": FAILED}), reply
        harness.wait_until(lambda: len(self.refusals()) > before, 10, "the refusal in the log")
        by = self.refusals()[-1]
        assert check in (None, by), (check, by)
        return by

    def refuse_forgeries(self, response, relay_state, certificate):
        """Every forgery made of a response is refused; how many, and by which checks. The response itself is good afterwards."""
        xml = base64.b64decode(response).decode()
        checks = {}
        for what, forged, check in wrapping.forgeries(xml, self.user, "root@example.com", certificate):
            assert forged != xml, what
            try:
                by = self.refuse(base64.b64encode(forged.encode()).decode(), relay_state, check)
            except AssertionError as error:
                raise AssertionError("%s: %s\n%s" % (what, error, forged)) from error
            checks.setdefault(by, []).append(what)
        self.accept(response, relay_state)
        return sum(len(v) for v in checks.values()), sorted(checks)
