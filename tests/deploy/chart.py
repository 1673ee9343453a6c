#!/usr/bin/env python3
"""Checks the Helm chart without a cluster: chart.py. Needs helm and promtool: tests/deploy/get-tools.sh fetches them.

Every documented set of values (k8s/gatehouse/ci) is rendered, as an installation and as an upgrade; the tests beside this file look at what comes out. With programs in GATEHOUSE_BIN the settings of
every rendered pod are shown to the program that would run in it. Exit status 77 when helm is missing: nothing was checked.
"""
import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
SKIPPED = 77


def main():
    try:
        import jsonschema  # noqa: F401
        import rendering
    except ImportError as missing:
        print("*** NOT CHECKED: the chart; %s (scripts/install-deps.sh test) ***" % missing)
        return SKIPPED
    for name, what in (("helm", "the chart"), ("promtool", "alerts and recording rules")):
        if not rendering.tool(name):
            print("*** NOT CHECKED: %s; %s is missing (tests/deploy/get-tools.sh) ***" % (what, name))
            if name == "helm":
                return SKIPPED
    suite = unittest.defaultTestLoader.discover(str(HERE), pattern="chart_*_test.py")
    result = unittest.TextTestRunner(verbosity=2).run(suite)
    print("%d passed, %d failed, %d skipped" % (result.testsRun - len(result.failures) - len(result.errors) - len(result.skipped), len(result.failures) + len(result.errors), len(result.skipped)))
    return 0 if result.wasSuccessful() else 1


if __name__ == "__main__":
    sys.exit(main())
