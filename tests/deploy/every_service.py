"""What the loads do with the services that a sign-in with a password does not touch, so that each of them is at work while something is stopped."""
import base64
import json
import sys
import uuid
from pathlib import Path

import containers

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from integration.identity_provider import ACS, IdentityProvider, query  # noqa: E402

SITE = {"relyingPartyId": "example.com", "relyingPartyName": "Example", "origin": "https://example.com"}
BACK = "https://app.example.com/back"
# OAuth clients have no secret without it.
SECRET_KEY = {"OAUTH_CLIENT_SECRET_ENCRYPTION_KEY": "of-the-tests-of-the-images"}


def operations(user, name):
    """(method, path, body, status) of each request, for who sends the generator each reply. `name` is in nobody else's use."""
    yield "POST", "/recipe/totp/device", {"userId": user, "deviceName": "phone", "skew": 1, "period": 30}, "OK"
    yield "POST", "/recipe/webauthn/options/register", {"email": name + "@passkey.example", **SITE}, "OK"
    yield "GET", "/recipe/dashboard/users", None, "OK"

    client = yield "POST", "/recipe/oauth/clients", {"clientId": name, "grantTypes": ["client_credentials"], "scope": "read", "audience": ["https://api.example.com"]}, "OK"
    basic = "Basic " + base64.b64encode(("%s:%s" % (name, client["clientSecret"])).encode()).decode()
    granted = yield "POST", "/recipe/oauth/token", {"iss": "https://issuer.example.com", "inputBody": {"grant_type": "client_credentials"}, "access_token": {}, "id_token": {},
                                                    "authorizationHeader": basic}, "OK"
    yield "POST", "/recipe/oauth/introspect", {"token": granted["access_token"]}, "OK"

    provider = IdentityProvider("https://%s.example.com/metadata" % name)
    yield "PUT", "/recipe/saml/clients", {"clientId": name, "defaultRedirectURI": BACK, "redirectURIs": [BACK], "metadataXML": provider.metadata(), "enableRequestSigning": True}, "OK"
    login = (yield "POST", "/recipe/saml/login", {"clientId": name, "redirectURI": BACK, "acsURL": ACS}, "OK")["ssoRedirectURI"]
    answered = yield "POST", "/recipe/saml/callback", {"samlResponse": provider.response(login), "relayState": query(login, "RelayState")}, "OK"
    yield "POST", "/recipe/saml/user", {"accessToken": query(answered["redirectURI"], "code"), "clientId": name}, "OK"


def fault(url, headers=None):
    """Goes through them once: the first request that is not answered as it should be, with its answer; None if there is none."""
    name, headers = uuid.uuid4().hex, {"cdi-version": "5.4", **(headers or {})}
    status, text = containers.request("POST", url + "/recipe/signup", {"email": name + "@example.com", "password": "correct horse 1"}, headers)
    if status != 200:
        return "sign-up: %s %s" % (status, text)
    work, reply = operations(json.loads(text)["user"]["id"], name), None
    try:
        while True:
            method, path, body, wanted = work.send(reply)
            status, text = containers.request(method, url + path, body, headers)
            reply = json.loads(text) if status == 200 else {}
            if reply.get("status") != wanted:
                return "%s %s: %s %s" % (method, path, status, text)
    except StopIteration:
        return None
