#!/usr/bin/env python3
"""Logs in with Keycloak as the identity provider, all-in-one and split: metadata; responses signed whole, in their assertion, or both; encrypted by each algorithm that it has; signed requests;
logins that it begins; a key that is rolled over; and forgeries made of what it signed.

Needs Java 17 (JAVA_HOME), and Maven for the download the first time (170 MB). Usage: GATEHOUSE_BIN=build/debug/bin tests/saml/keycloak_provider.py
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import zipfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from integration import harness  # noqa: E402
from saml.browser import Browser  # noqa: E402
from saml.sign_on import ACS, AUDIENCE, SignOn  # noqa: E402

VERSION = "26.7.3"
CACHE = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "gatehouse")
REALM = "walk"


def distribution():
    """The folder of Keycloak, downloaded the first time."""
    folder = os.path.join(CACHE, "keycloak-" + VERSION)
    if not os.path.exists(folder):
        with tempfile.TemporaryDirectory() as into:
            subprocess.run(["mvn", "-q", "dependency:copy", "-Dartifact=org.keycloak:keycloak-quarkus-dist:%s:zip" % VERSION, "-DoutputDirectory=" + into], check=True)
            os.makedirs(CACHE, exist_ok=True)
            with zipfile.ZipFile(os.path.join(into, "keycloak-quarkus-dist-%s.zip" % VERSION)) as archive:
                archive.extractall(into)
            shutil.move(os.path.join(into, "keycloak-" + VERSION), folder)
    return folder


class Keycloak:
    """A Keycloak with a realm and a user; its administration by REST."""

    def __init__(self, folder):
        self.port = harness.free_port()
        self.url = "http://127.0.0.1:%d" % self.port
        home = os.path.join(folder, "keycloak")
        shutil.copytree(distribution(), home)
        self.log = os.path.join(folder, "keycloak.log")
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(["sh", os.path.join(home, "bin", "kc.sh"), "start-dev", "--http-host=127.0.0.1", "--http-port=%d" % self.port, "--cache=local"], stdout=log, stderr=log,
                                            start_new_session=True, env={**os.environ, "KC_BOOTSTRAP_ADMIN_USERNAME": "admin", "KC_BOOTSTRAP_ADMIN_PASSWORD": "admin",
                                                                         "JAVA_OPTS_KC_HEAP": "-Xms128m -Xmx512m"})
        try:
            harness.wait_until(self.answers, 300, "Keycloak")
            self.admin("POST", "/admin/realms", {"realm": REALM, "enabled": True, "sslRequired": "none"})
            self.admin("POST", self.path("/users"), {"username": "ann", "email": "ann@example.com", "emailVerified": True, "firstName": "Ann", "lastName": "Ant", "enabled": True,
                                                     "credentials": [{"type": "password", "value": "ann-password", "temporary": False}]})
        except BaseException:
            self.stop()
            raise

    def path(self, rest):
        return "/admin/realms/%s%s" % (REALM, rest)

    def answers(self):
        if self.process.poll() is not None:
            with open(self.log, encoding="utf-8") as log:
                raise AssertionError(log.read()[-3000:])
        try:
            self.call("GET", "/realms/master")
            return True
        except (urllib.error.URLError, OSError):
            return False

    def stop(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def call(self, method, path, body=None, headers=()):
        request = urllib.request.Request(self.url + path, body, dict(headers), method=method)
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.read().decode()

    def admin(self, method, path, body=None):
        """Tokens live a minute: each call has its own."""
        form = urllib.parse.urlencode({"client_id": "admin-cli", "grant_type": "password", "username": "admin", "password": "admin"}).encode()
        token = json.loads(self.call("POST", "/realms/master/protocol/openid-connect/token", form))["access_token"]
        try:
            text = self.call(method, path, json.dumps(body).encode() if body is not None else None, {"Authorization": "Bearer " + token, "Content-Type": "application/json"})
        except urllib.error.HTTPError as error:
            raise AssertionError("%s %s: %d %s" % (method, path, error.code, error.read().decode())) from error
        return json.loads(text) if text else None

    def put_client(self, **attributes):
        """The client, as docs/saml.md says it is to be set up, but for these attributes."""
        for client in self.admin("GET", self.path("/clients?clientId=" + urllib.parse.quote(AUDIENCE))):
            self.admin("DELETE", self.path("/clients/" + client["id"]))
        self.admin("POST", self.path("/clients"), {
            "clientId": AUDIENCE, "protocol": "saml", "enabled": True, "redirectUris": [ACS], "fullScopeAllowed": False, "defaultClientScopes": [],
            "attributes": {"saml.server.signature": "true", "saml.assertion.signature": "false", "saml.client.signature": "false", "saml.authnstatement": "true",
                           "saml.signature.algorithm": "RSA_SHA256", "saml_force_name_id_format": "true", "saml_name_id_format": "email", "saml_assertion_consumer_url_post": ACS,
                           "saml_idp_initiated_sso_url_name": "gatehouse", **{name.replace("__", "."): value for name, value in attributes.items()}},
            "protocolMappers": [{"name": "mail", "protocol": "saml", "protocolMapper": "saml-user-property-mapper",
                                 "config": {"user.attribute": "email", "attribute.name": "mail", "attribute.nameformat": "Basic"}}]})

    def metadata(self):
        return self.call("GET", "/realms/%s/protocol/saml/descriptor" % REALM)

    def add_key(self, priority):
        self.admin("POST", self.path("/components"), {"name": "next", "providerId": "rsa-generated", "providerType": "org.keycloak.keys.KeyProvider",
                                                      "config": {"priority": [str(priority)], "enabled": ["true"], "active": ["true"], "algorithm": ["RS256"], "keySize": ["2048"]}})

    def remove_key(self):
        for component in self.admin("GET", self.path("/components?type=org.keycloak.keys.KeyProvider")):
            if component["name"] == "next":
                self.admin("DELETE", self.path("/components/" + component["id"]))

    def sign_in(self, url):
        action, response, relay_state = Browser(self.url).sign_in(url)
        assert action == ACS, action
        return response, relay_state


WHOLE = {"saml__server__signature": "true", "saml__assertion__signature": "false"}
ASSERTION = {"saml__server__signature": "false", "saml__assertion__signature": "true"}
BOTH = {"saml__server__signature": "true", "saml__assertion__signature": "true"}


def encrypted(certificate, **how):
    return {"saml__encrypt": "true", "saml__encryption__certificate": certificate, **how}


ENC, ENC11 = "http://www.w3.org/2001/04/xmlenc#", "http://www.w3.org/2009/xmlenc11#"
# What Keycloak does by itself, and each choice that it has.
ENCRYPTIONS = [{}] + [{"saml__encryption__algorithm": algorithm} for algorithm in (ENC11 + "aes256-gcm", ENC11 + "aes128-gcm", ENC + "aes256-cbc", ENC + "aes128-cbc")] + [
    {"saml__encryption__keyAlgorithm": ENC + "rsa-oaep-mgf1p"},
    {"saml__encryption__keyAlgorithm": ENC11 + "rsa-oaep", "saml__encryption__digestMethod": ENC + "sha512", "saml__encryption__maskGenerationFunction": ENC11 + "mgf1sha512"},
    {"saml__encryption__keyAlgorithm": ENC11 + "rsa-oaep", "saml__encryption__digestMethod": ENC + "sha256", "saml__encryption__maskGenerationFunction": ENC11 + "mgf1sha1"}]


def walk(mode, keycloak):
    sign_on = SignOn(mode)
    try:
        keycloak.put_client()
        shown = sign_on.put(keycloak.metadata(), enableRequestSigning=False, allowIDPInitiatedLogin=True, acsURLs=[ACS])
        assert shown["idpEntityId"] == "%s/realms/%s" % (keycloak.url, REALM), shown

        def logged_in(**attributes):
            keycloak.put_client(**attributes)
            url, relay_state = sign_on.login()
            response, back = keycloak.sign_in(url)
            assert back == relay_state, (back, relay_state)
            return response, relay_state
        forged = []
        for how in (WHOLE, ASSERTION, BOTH):
            count, checks = sign_on.refuse_forgeries(*logged_in(**how))
            forged.append("%d (%s)" % (count, ", ".join(checks)))
        # Encrypted, with each signature; without any it is refused.
        certificate = sign_on.certificate()
        for how in (WHOLE, ASSERTION, BOTH):
            sign_on.accept(*logged_in(**how, **encrypted(certificate)))
        for algorithms in ENCRYPTIONS:
            sign_on.accept(*logged_in(**ASSERTION, **encrypted(certificate, **algorithms)))
        sign_on.refuse(*logged_in(saml__server__signature="false", **encrypted(certificate)), "UNSIGNED")
        # Signed requests, which Keycloak wants in the parameters.
        key = {"saml__client__signature": "true", "saml__signing__certificate": certificate}
        sign_on.put(keycloak.metadata(), requestSignature="QUERY", allowIDPInitiatedLogin=True, acsURLs=[ACS])
        sign_on.accept(*logged_in(**key))
        sign_on.put(keycloak.metadata(), enableRequestSigning=False, allowIDPInitiatedLogin=True, acsURLs=[ACS])
        keycloak.put_client(**key)
        try:
            keycloak.sign_in(sign_on.login()[0])
            raise RuntimeError("Keycloak took a request without a signature")
        except AssertionError:
            pass
        # It begins.
        keycloak.put_client()
        response, _ = keycloak.sign_in("%s/realms/%s/protocol/saml/clients/gatehouse" % (keycloak.url, REALM))
        sign_on.accept(response)
        sign_on.refuse(response, check="REPLAY")
        # A new key: unknown until the metadata is put again, and then both are known.
        keycloak.add_key(200)
        try:
            response, relay_state = logged_in()
            sign_on.refuse(response, relay_state, "SIGNATURE_VALUE")
            sign_on.put(keycloak.metadata(), enableRequestSigning=False)
            sign_on.accept(response, relay_state)
        finally:
            keycloak.remove_key()
        sign_on.accept(*logged_in())
        print("%s: Keycloak %s signs responses, assertions and both, encrypts in %d ways, reads signed requests, begins logins and rolls its key over; refused of forgeries: %s"
              % (mode, VERSION, len(ENCRYPTIONS), "; ".join(forged)))
    finally:
        sign_on.stop()


def main():
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        keycloak = Keycloak(folder)
        try:
            for mode in ("all-in-one", "split"):
                walk(mode, keycloak)
        finally:
            keycloak.stop()
    print("%d s" % (time.monotonic() - started))


if __name__ == "__main__":
    main()
