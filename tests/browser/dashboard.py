#!/usr/bin/env python3
"""Uses the user dashboard in Chromium, with its own Gatehouse: dashboard.py BUNDLE [--pictures DIR]; GATEHOUSE_MODE and GATEHOUSE_BIN as for the integration tests.

BUNDLE is the folder `build` of the public repository supertokens/dashboard: the SDK has browsers load the page from a content delivery network that serves this folder. Here the browser gets
it from BUNDLE, and nothing from elsewhere. Needs what run.py needs.
"""
import argparse
import os
import sys

import run


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("bundle", metavar="BUNDLE")
    parser.add_argument("--pictures", metavar="DIR")
    arguments = parser.parse_args()
    if not os.path.exists(os.path.join(arguments.bundle, "static", "js", "bundle.js")):
        parser.error("no static/js/bundle.js in " + arguments.bundle)
    return run.walk(["dashboard.walk.js"], "the user dashboard in a browser", arguments.pictures, {"DASHBOARD": os.path.abspath(arguments.bundle)})


if __name__ == "__main__":
    sys.exit(main())
