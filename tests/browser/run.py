#!/usr/bin/env python3
"""Uses small sites in Chromium, with its own Gatehouse: run.py [--pictures DIR]; GATEHOUSE_MODE and GATEHOUSE_BIN as for the integration tests.

Needs Chromium (CHROMIUM names another than /usr/bin/chromium), Node and npm. Packages are installed from the lock file, once. --pictures writes the screens to DIR, as
docs/browser.md shows them: pngquant makes them small if it is installed.
"""
import argparse
import glob
import os
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from integration import harness  # noqa: E402
from sdk import run as walks  # noqa: E402

SKIPPED = 77
CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
# The walk takes seconds; this is for a machine that is busy with other tests.
TIMEOUT_S = 240


def node(files, url, environment):
    """Runs these files of tests against the Gatehouse at the URL."""
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return walks.run(["node", "--test", *files], HERE, TIMEOUT_S, {**env, **environment, "GATEHOUSE_URL": url, "CHROMIUM": CHROMIUM})


def take(files, pictures, environment):
    # The third-party site looks at the issuer; answers of a server in test mode have none otherwise.
    gatehouse = harness.Gatehouse(environment={"GATEHOUSE_OAUTH_RESPONSE_ISS": "true"}).start()
    try:
        return node(files, "http://127.0.0.1:%d" % gatehouse.port, {**environment, **({"PICTURES": pictures} if pictures else {})})
    finally:
        gatehouse.kill()


def missing(what):
    """Installs packages; says so if there is a program without which `what` can't be tried."""
    for program in (CHROMIUM, "node", "npm"):
        if shutil.which(program) is None:
            print("*** NOT CHECKED: %s: there is no %s (scripts/install-deps.sh test) ***" % (what, program))
            return True
    walks.install_packages(HERE, "node")
    return False


def walk(files, what, pictures, environment=None):
    """Runs these files of tests, with a Gatehouse. The exit status."""
    if missing(what):
        return SKIPPED
    pictures = pictures and os.path.abspath(pictures)
    if pictures:
        os.makedirs(pictures, exist_ok=True)
    status = take(files, pictures, environment or {})
    if pictures and shutil.which("pngquant"):
        subprocess.run(["pngquant", "--force", "--ext", ".png", "--strip", "32"] + glob.glob(pictures + "/*.png"), check=True)
    return status


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", metavar="DIR")
    return walk(["walk.test.js", "oauth.test.js"], "passkeys and second factors in a browser", parser.parse_args().pictures)


if __name__ == "__main__":
    sys.exit(main())
