#!/usr/bin/env python3
"""Signs in to a site (tests/browser/saml) through Keycloak and SimpleSAMLphp, in Chromium, all-in-one and split: responses signed in each way, in clear and encrypted; sign-out and login again; logins
that the provider begins. in_browser.py [--pictures DIR] [keycloak] [simplesamlphp]

Needs what keycloak_provider.py, simplesamlphp_provider.py and tests/browser/run.py need. Usage: GATEHOUSE_BIN=build/debug/bin tests/saml/in_browser.py
"""
import argparse
import os
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from browser import run as sites  # noqa: E402
from integration import harness  # noqa: E402
from saml.keycloak_provider import Keycloak  # noqa: E402
from saml.provider_walk import EMAIL, PASSWORD, SIGNED  # noqa: E402
from saml.sign_on import SignOn  # noqa: E402
from saml.simplesamlphp_provider import SimpleSaml  # noqa: E402

PROVIDERS = {"keycloak": Keycloak, "simplesamlphp": SimpleSaml}


def sign_in(sign_on, provider, folder, signs, encrypt_for, pictures):
    port = harness.free_port()
    provider.configure(signs=signs, encrypt_for=encrypt_for, acs="http://localhost:%d/api/auth/public/saml/callback" % port)
    metadata = os.path.join(folder, "metadata.xml")
    with open(metadata, "w", encoding="utf-8") as f:
        f.write(provider.metadata())
    how = "%s, signed %s, %s" % (provider.name, " and ".join(signs), "encrypted" if encrypt_for else "in clear")
    environment = {"SITE_PORT": str(port), "METADATA": metadata, "BEGINNING": provider.beginning(), "EMAIL": EMAIL, "PASSWORD": PASSWORD, **({"PICTURES": pictures} if pictures else {})}
    assert sites.node(["saml.walk.js"], "http://127.0.0.1:%d/appid-%s" % (sign_on.gatehouse.port, sign_on.app.app), environment) == 0, how
    print("%s: %s" % (sign_on.gatehouse.mode, how), flush=True)


def sign_in_each_way(provider, folder, pictures):
    try:
        for mode in ("all-in-one", "split"):
            sign_on = SignOn(mode, EMAIL)
            try:
                for signs in SIGNED:
                    for encrypt_for in (None, sign_on.certificate()):
                        sign_in(sign_on, provider, folder, signs, encrypt_for, pictures)
                        pictures = None
            finally:
                sign_on.stop()
    finally:
        provider.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", metavar="DIR")
    parser.add_argument("providers", nargs="*", metavar="PROVIDER", help="keycloak or simplesamlphp; both if there is none")
    arguments = parser.parse_args()
    pictures = arguments.pictures and os.path.abspath(arguments.pictures)
    if pictures:
        os.makedirs(pictures, exist_ok=True)
    if sites.missing("logins with identity providers in a browser"):
        return sites.SKIPPED
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments.providers or PROVIDERS:
            sign_in_each_way(PROVIDERS[name](folder), folder, pictures)
            # Of the first provider.
            pictures = None
    return 0


if __name__ == "__main__":
    sys.exit(main())
