#!/usr/bin/env python3
"""The Helm chart on a real Kubernetes of two nodes, which scripts/cluster.sh starts: installed split in a namespace that enforces the restricted Pod Security Standard, walked through, and under load
scaled, killed, drained, upgraded and rolled back; network policies, mutual TLS, a migration that fails.

    cluster.py [--programs DIR] [--other DIR] [--walks node,python,go] [--rate REQUESTS_A_SECOND] [--only PART,...] [--keep] [--ci]

DIR has the programs of the split suite (GATEHOUSE_BIN unless given); the upgrade is to an image of the programs in --other, or of the same ones. Needs root, and scripts/cluster.sh's tools; exits with 77
where they are missing. --ci leaves out what is under load, and wants to be told where the tools are. docs/kubernetes.md has results.
"""
import argparse
import os
import subprocess
import sys
from pathlib import Path

import containers

sys.path.insert(0, str(containers.ROOT / "tests"))
from sdk import run as walks  # noqa: E402

HERE = Path(__file__).resolve().parent
CLUSTER = containers.ROOT / "scripts/cluster.sh"
TOOLS = Path(os.environ.get("GATEHOUSE_CLUSTER_TOOLS") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gatehouse/cluster")


def no_tools(names, ci):
    """Why there can be no cluster, or nothing."""
    if ci and not os.environ.get("GATEHOUSE_CLUSTER_TOOLS"):
        return "GATEHOUSE_CLUSTER_TOOLS does not say where scripts/cluster.sh's tools are"
    if os.geteuid() != 0:
        return "not root"
    if not all((TOOLS / "bin" / name).exists() for name in names):
        return "no Kubernetes in %s: scripts/cluster.sh tools builds it" % TOOLS
    return ""


def skip_without(programs, ci):
    reason = no_tools(("kube-apiserver", "kubelet", "coredns", "kube-router"), ci)
    if reason:
        pass
    elif not programs or not all((programs / ("gatehouse-" + name)).exists() for name in containers.SERVICES + ["gateway"]):
        reason = "no programs of the split suite in %s: scripts/build.sh release programs" % programs
    else:
        missing = [name for name in ("containerd", "runc", "iptables", "gcc", "nsenter") if subprocess.run(["which", name], capture_output=True).returncode]
        reason = "no " + ", ".join(missing) if missing else ""
    if reason:
        print("*** NOT CHECKED: the chart on a real Kubernetes: %s ***" % reason, flush=True)
        sys.exit(containers.SKIPPED)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=Path, default=os.environ.get("GATEHOUSE_BIN"))
    parser.add_argument("--other", type=Path)
    parser.add_argument("--walks", default="")
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--only", default="")
    parser.add_argument("--ci", action="store_true")
    parser.add_argument("--keep", action="store_true", help="leave the cluster as it is at the end; a later run takes it")
    arguments = parser.parse_args()
    programs = Path(arguments.programs).resolve() if arguments.programs else None
    skip_without(programs, arguments.ci)
    for walk in filter(None, arguments.walks.split(",")):
        # Packages come from outside; the cluster's network has no outside.
        walks.install_packages(walks.folder(walk), walks.language(walk))
    if subprocess.run([CLUSTER, "run", "true"], capture_output=True).returncode:
        subprocess.run([CLUSTER, "up"], check=True)
    try:
        subprocess.run([CLUSTER, "images", "one", programs], check=True)
        subprocess.run([CLUSTER, "images", "two", (arguments.other or programs).resolve()], check=True)
        done = subprocess.run([CLUSTER, "run", sys.executable, HERE / "cluster/checks.py", "--walks", arguments.walks, "--rate", str(arguments.rate), "--only", "install,use,network,tls,uninstall" if arguments.ci else arguments.only])
    finally:
        if not arguments.keep:
            subprocess.run([CLUSTER, "down"], check=True)
    sys.exit(done.returncode)


if __name__ == "__main__":
    main()
