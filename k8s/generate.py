#!/usr/bin/env python3
"""Makes what the chart has from other files: generate.py [services|readme|manifests]..., all by default; --check compares only.

services   gatehouse/files/services.yaml, from services/services.json, and from services/*/policies.golden what applications may call
readme     gatehouse/README.md, from README.head.md and the comments of values.yaml
manifests  manifests/*.yaml, rendered
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

import yaml

K8S = pathlib.Path(__file__).resolve().parent
ROOT = K8S.parent
CHART = K8S / "gatehouse"
# Plain manifests: their file, their values (in gatehouse/ci), and the namespace.
MANIFESTS = {"split.yaml": "manifests-split.yaml", "all-in-one.yaml": "manifests-all-in-one.yaml"}


def services():
    rows = [row for row in json.loads((ROOT / "services/services.json").read_text()) if not row.get("planned")]
    names = [row["name"] for row in rows]
    lines = ["# Made by k8s/generate.py from the table of services and their policies. Do not edit.", "# calledBy: who may connect. grpc: what an application (`client`) may call.", "services:"]
    for row in sorted(rows, key=lambda row: row["name"]):
        # Every process watches the tenants; the gateway asks every service whether it is ready.
        callers = set(names) - {"tenants"} if row["name"] == "tenants" else {other["name"] for other in rows if row["name"] in other["calls"]}
        golden = ROOT / "services" / row["name"] / "policies.golden"
        granted = sorted({line.split("/")[0] for line in golden.read_text().splitlines() if "client" in line.split(":")[1].split()})
        lines += ["  %s:" % row["name"], "    calledBy: [%s]" % ", ".join(sorted(callers | {"gateway"})), "    grpc: [%s]" % ", ".join(granted)]
    return {CHART / "files/services.yaml": "\n".join(lines) + "\n"}


def documented_values(text):
    """(key, default, description) of each value with a comment `# -- …`."""
    path, pending, lines = [], None, text.splitlines()
    for i, line in enumerate(lines):
        if match := re.match(r"\s*# -- (.*)", line):
            pending = match.group(1)
        elif match := re.match(r"( *)([A-Za-z]\w*):(.*)", line):
            depth = len(match.group(1)) // 2
            path = path[:depth] + [match.group(2)]
            if pending is not None:
                block = [line]
                for following in lines[i + 1:]:
                    if following.strip() and len(following) - len(following.lstrip()) <= len(match.group(1)):
                        break
                    block.append(following)
                value = next(iter(yaml.safe_load("\n".join(block)).values()))
                yield ".".join(path), value, pending
                pending = None


def readme():
    rows = ["| value | default | meaning |", "|---|---|---|"]
    documented = list(documented_values((CHART / "values.yaml").read_text()))
    for key, value, description in documented:
        elsewhere = value in ("", None, {}, []) or any(other.startswith(key + ".") for other, _, _ in documented)
        rows.append("| `%s` | %s | %s |" % (key, "" if elsewhere else "`%s`" % json.dumps(value), description.replace("|", "\\|")))
    head = (CHART / "README.head.md").read_text()
    return {CHART / "README.md": head.replace("{{values}}", "\n".join(rows))}


def manifests():
    made = {}
    for file, values in MANIFESTS.items():
        text = subprocess.run([os.environ.get("HELM", "helm"), "template", "gatehouse", str(CHART), "--namespace", "gatehouse", "--no-hooks", "--values", str(CHART / "ci" / values)],
                              check=True, capture_output=True, text=True).stdout
        made[K8S / "manifests" / file] = "# Made by k8s/generate.py from the chart. See README.md.\n" + text
        job = subprocess.run([os.environ.get("HELM", "helm"), "template", "gatehouse", str(CHART), "--namespace", "gatehouse", "--values", str(CHART / "ci" / values), "--show-only", "templates/migration.yaml"],
                             check=True, capture_output=True, text=True).stdout
        made[K8S / "manifests" / file.replace(".yaml", "-migration.yaml")] = "# Made by k8s/generate.py from the chart. Comes first: see README.md.\n" + job
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=["services", "readme", "manifests", []])
    parser.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    stale = []
    for what in arguments.what or ["services", "readme", "manifests"]:
        for path, text in globals()[what]().items():
            if not path.exists() or path.read_text() != text:
                stale.append(path)
                if not arguments.check:
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(text)
    for path in stale:
        print("%s %s" % ("stale:" if arguments.check else "made", path.relative_to(ROOT)))
    sys.exit(1 if stale and arguments.check else 0)


if __name__ == "__main__":
    main()
