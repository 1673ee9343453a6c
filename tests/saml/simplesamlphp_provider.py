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
from saml.provider_walk import ASSERTION, EMAIL, PASSWORD, Provider, RESPONSE, walk_both  # noqa: E402
from saml.sign_on import ACS, AUDIENCE  # noqa: E402

HOME = "/usr/share/simplesamlphp"
SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
EMAIL_FORMAT = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
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


class SimpleSaml(Provider):
    """Its files are read at each request: changes count at once."""
    name = "SimpleSAMLphp"
    encryptions = [CBC % 128, CBC % 256, GCM % 128, GCM % 256]

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
        self.write("authsources.php", "$config = %s;" % php({"walk": {"0": "exampleauth:UserPass", "ann:" + PASSWORD: {"uid": ["ann"], "mail": [EMAIL], "role": ["a", "b"]}}}))
        self.provider()
        self.configure()
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
            "host": "__DEFAULT__", "privatekey": key + ".key", "certificate": key + ".crt", "auth": "walk", "signature.algorithm": SHA256, "NameIDFormat": EMAIL_FORMAT,
            "authproc": {"3": {"class": "saml:AttributeNameID", "attribute": "mail", "Format": EMAIL_FORMAT}}, **settings})))

    def configure(self, signs=(RESPONSE,), encrypt_for=None, encryption=None, wants_signed_by=None, acs=ACS, encrypt_id_for=None):
        settings = {"AssertionConsumerService": acs, "NameIDFormat": EMAIL_FORMAT, "saml20.sign.response": RESPONSE in signs, "saml20.sign.assertion": ASSERTION in signs,
                    "assertion.encryption": bool(encrypt_for), "nameid.encryption": bool(encrypt_id_for), "sharedkey_algorithm": encryption or self.encryptions[0],
                    "validate.authnrequest": bool(wants_signed_by)}
        key = encrypt_for or encrypt_id_for or wants_signed_by
        if key:
            settings["certData"] = key
        self.write("metadata/saml20-sp-remote.php", "$metadata['%s'] = %s;" % (AUDIENCE, php(settings)))

    def answers(self):
        try:
            self.metadata()
            return True
        except OSError:
            return False

    def metadata(self):
        with urllib.request.urlopen(self.url + "/saml2/idp/metadata.php", timeout=60) as reply:
            return reply.read().decode()

    def beginning(self):
        return "%s/saml2/idp/SSOService.php?spentityid=%s" % (self.url, urllib.parse.quote(AUDIENCE, safe=""))

    def announce_key(self):
        self.provider(new_privatekey="second.key", new_certificate="second.crt")

    def use_next_key(self):
        self.provider(key="second")

    def forget_next_key(self):
        self.provider()

    def try_more(self, sign_on, logged_in):
        user = sign_on.accept(*logged_in(encrypt_id_for=sign_on.certificate(), encryption=GCM % 256))
        assert user["claims"]["NameID"] == [EMAIL] and user["claims"]["role"] == ["a", "b"], user
        return "; it encrypts ids"

    def stop(self):
        self.process.kill()
        self.process.wait()


def main():
    with tempfile.TemporaryDirectory() as folder:
        walk_both(SimpleSaml(folder))


if __name__ == "__main__":
    main()
