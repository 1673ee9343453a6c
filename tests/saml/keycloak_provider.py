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
from saml.provider_walk import ASSERTION, EMAIL, PASSWORD, Provider, RESPONSE, walk_both  # noqa: E402
from saml.sign_on import ACS, AUDIENCE  # noqa: E402

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


ENC, ENC11 = "http://www.w3.org/2001/04/xmlenc#", "http://www.w3.org/2009/xmlenc11#"


class Keycloak(Provider):
    """A Keycloak with a realm and a user; its administration by REST."""
    name = "Keycloak " + VERSION
    # Each choice that it has.
    encryptions = [{}] + [{"algorithm": algorithm} for algorithm in (ENC11 + "aes256-gcm", ENC11 + "aes128-gcm", ENC + "aes256-cbc", ENC + "aes128-cbc")] + [
        {"keyAlgorithm": ENC + "rsa-oaep-mgf1p"},
        {"keyAlgorithm": ENC11 + "rsa-oaep", "digestMethod": ENC + "sha512", "maskGenerationFunction": ENC11 + "mgf1sha512"},
        {"keyAlgorithm": ENC11 + "rsa-oaep", "digestMethod": ENC + "sha256", "maskGenerationFunction": ENC11 + "mgf1sha1"}]

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
            harness.wait_until(self.answers, 900, "Keycloak")
            self.admin("POST", "/admin/realms", {"realm": REALM, "enabled": True, "sslRequired": "none"})
            self.admin("POST", self.path("/users"), {"username": "ann", "email": EMAIL, "emailVerified": True, "firstName": "Ann", "lastName": "Ant", "enabled": True,
                                                     "credentials": [{"type": "password", "value": PASSWORD, "temporary": False}]})
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

    def configure(self, signs=(RESPONSE,), encrypt_for=None, encryption=None, wants_signed_by=None, acs=ACS):
        """The client, as docs/saml/keycloak.md says it is to be set up, but for what is asked."""
        def on(value):
            return "true" if value else "false"
        attributes = {"saml.server.signature": on(RESPONSE in signs), "saml.assertion.signature": on(ASSERTION in signs), "saml.client.signature": on(wants_signed_by), "saml.authnstatement": "true",
                      "saml.signature.algorithm": "RSA_SHA256", "saml_force_name_id_format": "true", "saml_name_id_format": "email", "saml_assertion_consumer_url_post": acs,
                      "saml_idp_initiated_sso_url_name": "gatehouse"}
        if wants_signed_by:
            attributes["saml.signing.certificate"] = wants_signed_by
        if encrypt_for:
            attributes.update({"saml.encrypt": "true", "saml.encryption.certificate": encrypt_for, **{"saml.encryption." + name: value for name, value in (encryption or {}).items()}})
        for client in self.admin("GET", self.path("/clients?clientId=" + urllib.parse.quote(AUDIENCE))):
            self.admin("DELETE", self.path("/clients/" + client["id"]))
        self.admin("POST", self.path("/clients"), {
            "clientId": AUDIENCE, "protocol": "saml", "enabled": True, "redirectUris": [acs], "fullScopeAllowed": False, "defaultClientScopes": [], "attributes": attributes,
            "protocolMappers": [{"name": "mail", "protocol": "saml", "protocolMapper": "saml-user-property-mapper",
                                 "config": {"user.attribute": "email", "attribute.name": "mail", "attribute.nameformat": "Basic"}}]})

    def metadata(self):
        return self.call("GET", "/realms/%s/protocol/saml/descriptor" % REALM)

    def beginning(self):
        return "%s/realms/%s/protocol/saml/clients/gatehouse" % (self.url, REALM)

    def next_keys(self):
        return [component for component in self.admin("GET", self.path("/components?type=org.keycloak.keys.KeyProvider")) if component["name"] == "next"]

    def add_key(self, priority):
        self.admin("POST", self.path("/components"), {"name": "next", "providerId": "rsa-generated", "providerType": "org.keycloak.keys.KeyProvider",
                                                      "config": {"priority": [str(priority)], "enabled": ["true"], "active": ["true"], "algorithm": ["RS256"], "keySize": ["2048"]}})

    # The realm's own key has the priority 100.
    def announce_key(self):
        self.add_key(50)

    def use_next_key(self):
        for component in self.next_keys():
            self.admin("PUT", self.path("/components/" + component["id"]), {**component, "config": {**component["config"], "priority": ["200"]}})
            return
        self.add_key(200)

    def forget_next_key(self):
        for component in self.next_keys():
            self.admin("DELETE", self.path("/components/" + component["id"]))

    def try_more(self, sign_on, logged_in):
        self.configure(wants_signed_by=sign_on.certificate())
        try:
            self.sign_in(sign_on.login()[0])
            raise RuntimeError("Keycloak took a request without a signature")
        except AssertionError:
            return "; it refuses requests without a signature where it wants one"


def main():
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        walk_both(Keycloak(folder))
    print("%d s" % (time.monotonic() - started))


if __name__ == "__main__":
    main()
