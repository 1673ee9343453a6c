#!/usr/bin/env python3
"""Logs in with SimpleSAMLphp as the identity provider, all-in-one and split: metadata; responses signed whole, in their assertion, or both; encrypted assertions and ids; signed requests; logins that
it begins; a key that is rolled over; and forgeries made of what it signed.

Needs Debian's packages simplesamlphp and php-cli. Usage: GATEHOUSE_BIN=build/debug/bin tests/saml/simplesamlphp_provider.py
"""
import os
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from integration import harness  # noqa: E402
from saml.browser import Browser  # noqa: E402
from saml.sign_on import ACS, AUDIENCE, SignOn  # noqa: E402

HOME = "/usr/share/simplesamlphp"
SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
EMAIL = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
CBC, GCM = "http://www.w3.org/2001/04/xmlenc#aes%d-cbc", "http://www.w3.org/2009/xmlenc11#aes%d-gcm"


def php(value):
    """As PHP writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "[%s]" % ", ".join("%s => %s" % (php(k), php(v)) for k, v in value.items())
    if isinstance(value, list):
        return "[%s]" % ", ".join(map(php, value))
    return str(value) if isinstance(value, int) else "'%s'" % value.replace("\\", "\\\\").replace("'", "\\'")


class SimpleSaml:
    """Its files are read at each request: changes count at once."""

    def __init__(self, folder):
        self.folder = os.path.join(folder, "simplesaml")
        for name in ("metadata", "cert", "log", "data", "tmp", "sessions"):
            os.makedirs(os.path.join(self.folder, name))
        self.port = harness.free_port()
        self.url = "http://127.0.0.1:%d" % self.port
        for key in ("first", "second"):
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", self.path("cert/%s.key" % key), "-out", self.path("cert/%s.crt" % key), "-days", "30",
                            "-subj", "/CN=" + key], check=True, capture_output=True)
        self.write("config.php", "$config = %s;" % php({
            "baseurlpath": self.url + "/", "certdir": self.path("cert/"), "loggingdir": self.path("log/"), "datadir": self.path("data/"), "tempdir": self.path("tmp"), "metadatadir": self.path("metadata/"),
            "attributenamemapdir": "/etc/simplesamlphp/attributemap/", "secretsalt": os.urandom(16).hex(), "auth.adminpassword": os.urandom(16).hex(), "technicalcontact_email": "na@example.org",
            "timezone": "UTC", "enable.saml20-idp": True, "module.enable": {"exampleauth": True, "core": True, "saml": True}, "logging.handler": "file", "store.type": "phpsession",
            "session.phpsession.savepath": self.path("sessions"), "session.phpsession.cookiename": "Walk", "language.default": "en", "debug": {"validatexml": False, "saml": False, "backtraces": True}}))
        self.write("authsources.php", "$config = %s;" % php({"walk": {"0": "exampleauth:UserPass", "ann:ann-password": {"uid": ["ann"], "mail": ["ann@example.com"], "role": ["a", "b"]}}}))
        self.provider()
        self.service()
        self.log = self.path("php.log")
        with open(self.log, "w", encoding="utf-8") as log:
            self.process = subprocess.Popen(["php", "-d", "error_reporting=E_ALL & ~E_DEPRECATED", "-d", "opcache.enable=0", "-S", "127.0.0.1:%d" % self.port, "-t", HOME + "/www"], stdout=log, stderr=log,
                                            env={**os.environ, "SIMPLESAMLPHP_CONFIG_DIR": self.folder})
        try:
            harness.wait_until(self.answers, 30, "SimpleSAMLphp")
        except BaseException:
            self.stop()
            raise

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write("<?php\n" + text + "\n")

    def provider(self, key="first", **settings):
        self.write("metadata/saml20-idp-hosted.php", "$metadata['%s/idp'] = %s;" % (self.url, php({
            "host": "__DEFAULT__", "privatekey": key + ".key", "certificate": key + ".crt", "auth": "walk", "signature.algorithm": SHA256, "NameIDFormat": EMAIL,
            "authproc": {"3": {"class": "saml:AttributeNameID", "attribute": "mail", "Format": EMAIL}}, **settings})))

    def service(self, **settings):
        self.write("metadata/saml20-sp-remote.php", "$metadata['%s'] = %s;" % (AUDIENCE, php({
            "AssertionConsumerService": ACS, "NameIDFormat": EMAIL, "saml20.sign.response": True, "saml20.sign.assertion": False, **settings})))

    def answers(self):
        try:
            self.metadata()
            return True
        except OSError:
            return False

    def metadata(self):
        with urllib.request.urlopen(self.url + "/saml2/idp/metadata.php", timeout=60) as reply:
            return reply.read().decode()

    def sign_in(self, url):
        action, response, relay_state = Browser(self.url).sign_in(url)
        assert action == ACS, action
        return response, relay_state

    def stop(self):
        self.process.kill()
        self.process.wait()


WHOLE = {"saml20.sign.response": True, "saml20.sign.assertion": False}
ASSERTION = {"saml20.sign.response": False, "saml20.sign.assertion": True}
BOTH = {"saml20.sign.response": True, "saml20.sign.assertion": True}


def walk(mode, provider):
    sign_on = SignOn(mode)
    try:
        provider.provider()
        put = {"enableRequestSigning": False, "allowIDPInitiatedLogin": True, "acsURLs": [ACS]}
        sign_on.put(provider.metadata(), **put)

        def logged_in(settings):
            provider.service(**settings)
            url, relay_state = sign_on.login()
            response, back = provider.sign_in(url)
            assert back == relay_state, (back, relay_state)
            return response, relay_state
        forged = []
        for how in (WHOLE, ASSERTION, BOTH):
            count, checks = sign_on.refuse_forgeries(*logged_in(how))
            forged.append("%d (%s)" % (count, ", ".join(checks)))
        key = {"certData": sign_on.certificate()}
        algorithms = [CBC % 128, CBC % 256, GCM % 128, GCM % 256]
        for how in (WHOLE, ASSERTION, BOTH):
            for algorithm in algorithms:
                sign_on.accept(*logged_in({**how, **key, "assertion.encryption": True, "sharedkey_algorithm": algorithm}))
        user = sign_on.accept(*logged_in({**key, "nameid.encryption": True, "sharedkey_algorithm": GCM % 256}))
        assert user["claims"]["NameID"] == ["ann@example.com"] and user["claims"]["role"] == ["a", "b"], user
        sign_on.refuse(*logged_in({**key, "assertion.encryption": True, "saml20.sign.response": False, "saml20.sign.assertion": False}), "UNSIGNED")
        # Signed requests.
        sign_on.put(provider.metadata(), requestSignature="QUERY", **{**put, "enableRequestSigning": True})
        sign_on.accept(*logged_in({**key, "validate.authnrequest": True}))
        # It begins.
        sign_on.put(provider.metadata(), **put)
        provider.service()
        response, _ = provider.sign_in("%s/saml2/idp/SSOService.php?spentityid=%s" % (provider.url, urllib.parse.quote(AUDIENCE, safe="")))
        sign_on.accept(response)
        sign_on.refuse(response, check="REPLAY")
        # The next key is in the metadata before it is used.
        provider.provider(key="second")
        sign_on.refuse(*logged_in({}), "SIGNATURE_VALUE")
        provider.provider(**{"new_privatekey": "second.key", "new_certificate": "second.crt"})
        sign_on.put(provider.metadata(), **put)
        sign_on.accept(*logged_in({}))
        provider.provider(key="second")
        sign_on.accept(*logged_in({}))
        print("%s: SimpleSAMLphp signs responses, assertions and both, each in clear and encrypted in %d ways, encrypts ids, reads signed requests, begins logins and rolls its key over; "
              "refused of forgeries: %s" % (mode, len(algorithms), "; ".join(forged)))
    finally:
        sign_on.stop()


def main():
    with tempfile.TemporaryDirectory() as folder:
        provider = SimpleSaml(folder)
        try:
            for mode in ("all-in-one", "split"):
                walk(mode, provider)
        finally:
            provider.stop()


if __name__ == "__main__":
    main()
