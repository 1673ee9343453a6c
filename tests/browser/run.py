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


def take(pictures):
    # The third-party site looks at the issuer; answers of a server in test mode have none otherwise.
    gatehouse = harness.Gatehouse(environment={"GATEHOUSE_OAUTH_RESPONSE_ISS": "true"}).start()
    try:
        env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        env.update(GATEHOUSE_URL="http://127.0.0.1:%d" % gatehouse.port, CHROMIUM=CHROMIUM)
        if pictures:
            env["PICTURES"] = pictures
        return walks.run(["node", "--test", "walk.test.js", "oauth.test.js"], HERE, TIMEOUT_S, env)
    finally:
        gatehouse.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", metavar="DIR")
    arguments = parser.parse_args()
    for program in (CHROMIUM, "node", "npm"):
        if shutil.which(program) is None:
            print("*** NOT CHECKED: passkeys and second factors in a browser: there is no %s (scripts/install-deps.sh test) ***" % program)
            return SKIPPED
    walks.install_packages(HERE, "node")
    pictures = arguments.pictures and os.path.abspath(arguments.pictures)
    if pictures:
        os.makedirs(pictures, exist_ok=True)
    status = take(pictures)
    if pictures and shutil.which("pngquant"):
        subprocess.run(["pngquant", "--force", "--ext", ".png", "--strip", "32"] + glob.glob(pictures + "/*.png"), check=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
