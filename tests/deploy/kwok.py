#!/usr/bin/env python3
"""The Helm chart on an API server whose nodes are KWOK's: each documented set of values (k8s/gatehouse/ci) installed, tested, upgraded, upgraded with a migration that fails, rolled back and uninstalled
in a namespace that enforces the restricted Pod Security Standard. No container is started: what is checked is what the server admits, the order of hooks, and that selectors find their pods.

    kwok.py [--sets NAME,...] [--keep] [--ci]

Needs root and scripts/cluster.sh's tools; exits with 77 where they are missing. --ci takes a few sets, and wants to be told where the tools are. docs/kubernetes.md has results.
"""
import argparse
import os
import subprocess
import sys

import cluster
import containers

INSTALLATIONS = cluster.HERE / "cluster/installations.py"
SETS_IN_CI = "trial,all-in-one,production"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sets", default="")
    parser.add_argument("--ci", action="store_true")
    parser.add_argument("--keep", action="store_true", help="leave the API server as it is at the end; a later run takes it")
    arguments = parser.parse_args()
    reason = cluster.no_tools(("kube-apiserver", "kubectl", "kwok"), arguments.ci)
    if reason:
        print("*** NOT CHECKED: the chart on an API server: %s ***" % reason, flush=True)
        sys.exit(containers.SKIPPED)
    # Beside a cluster of containers, which may be running.
    os.environ.setdefault("GATEHOUSE_CLUSTER", "/var/tmp/gatehouse-kwok")
    if subprocess.run([cluster.CLUSTER, "run", "true"], capture_output=True).returncode:
        subprocess.run([cluster.CLUSTER, "up", "kwok"], check=True)
    try:
        done = subprocess.run([cluster.CLUSTER, "run", sys.executable, INSTALLATIONS, "--sets", arguments.sets or (SETS_IN_CI if arguments.ci else "")])
    finally:
        if not arguments.keep:
            subprocess.run([cluster.CLUSTER, "down"], check=True)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
