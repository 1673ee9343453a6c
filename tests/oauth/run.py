#!/usr/bin/env python3
"""Relying parties against an application that is an OAuth 2 provider by the SDK's recipe, on its own Gatehouse: run.py [NAME...]; GATEHOUSE_MODE and GATEHOUSE_BIN as for the
integration tests. NAME is one of openid-client, oauth4webapi, authlib, go-oidc; none: all of them. spring, Spring Security by Maven and a JDK of 17 or later, only runs when it is named.
Packages are installed from the lock files, once."""
import argparse
import os
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from integration import harness  # noqa: E402
from sdk import run as walks  # noqa: E402

TIMEOUT_S = 120
# As an operator may set them; answers of a server in test mode have no issuer otherwise.
SETTINGS = {"GATEHOUSE_OAUTH_RESPONSE_ISS": "true", "GATEHOUSE_OAUTH_PKCE_REQUIRED_FOR": "PUBLIC_CLIENTS"}
PARTIES = {
    "openid-client": ("site", "node", ["node", "--test", "openid_client.test.js"]),
    "oauth4webapi": ("site", "node", ["node", "--test", "oauth4webapi.test.js"]),
    "authlib": ("python", "python", [".venv/bin/python", "-m", "pytest", "-q", "-p", "no:cacheprovider", "--tb=short"]),
    "go-oidc": ("go", "go", ["go", "test", "-count=1", "./..."]),
}
# Not everybody has what these need.
NAMED_ONLY = {"spring": ("spring", "maven", ["mvn", "-q", "-B", "test"])}
EVERY = {**PARTIES, **NAMED_ONLY}


def start_provider(env):
    provider = subprocess.Popen(["node", "provider.js"], cwd=HERE / "site", env=env, stdout=subprocess.PIPE, text=True)
    address = provider.stdout.readline().strip()
    if not address:
        raise walks.WalkError("the provider did not start")
    return provider, address


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[*EVERY, []], metavar="NAME")
    names = parser.parse_args().names or list(PARTIES)
    walks.install_packages(HERE / "site", "node")
    for folder, kind, _ in (EVERY[name] for name in names if name not in NAMED_ONLY):
        walks.install_packages(HERE / folder, kind)
    failed = []
    gatehouse = harness.Gatehouse(environment=SETTINGS).start()
    provider = None
    try:
        env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        env.update(GATEHOUSE_URL="http://127.0.0.1:%d" % gatehouse.port, PYTHONDONTWRITEBYTECODE="1")
        provider, env["PROVIDER_URL"] = start_provider(env)
        for name in names:
            folder, _, command = EVERY[name]
            since = time.monotonic()
            if walks.run(command, HERE / folder, TIMEOUT_S, env) != 0:
                failed.append(name)
            print("%s: %s, %.1f s" % (name, "failed" if name in failed else "passed", time.monotonic() - since), flush=True)
    finally:
        if provider is not None:
            provider.kill()
            provider.wait()
        gatehouse.kill()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
