"""Replays what a real core answered (../shared/conformance) on a Gatehouse of its own, and compares with the record beside this file.

expected.json: areas that must match in every step but those listed under "differing" (each with its reason), and areas of recipes that are not
there yet, which are run and counted only. Exit 77 (skipped) where the recordings are not at hand.
"""
import json
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from integration import harness  # noqa: E402

replayer = os.environ.get("GATEHOUSE_CONFORMANCE") or os.path.join(harness.ROOT, "..", "shared", "conformance", "replay.py")
if not os.path.exists(replayer):
    print("no recordings at hand")
    sys.exit(77)

with open(os.path.join(HERE, "expected.json")) as f:
    expected = json.load(f)
report_path = os.path.join(tempfile.mkdtemp(prefix="gatehouse-conformance-"), "report.json")
gatehouse = harness.Gatehouse(mode="all-in-one", environment={"LOG_LEVEL": "WARN"}).start()
try:
    done = subprocess.run([sys.executable, replayer, "http://127.0.0.1:%d" % gatehouse.port, "--report", report_path], stdout=subprocess.PIPE, text=True)
finally:
    gatehouse.kill()
print(done.stdout)
with open(report_path) as f:
    report = json.load(f)
known = {(d["scenario"], d["step"]) for d in expected["differing"]}
bad = [f for f in report["failures"] if f["scenario"].split("/")[0] in expected["complete"] and (f["scenario"], f["step"]) not in known]
for failure in bad[:20]:
    print("DIFFERS", failure["scenario"], failure["step"], json.dumps(failure["request"])[:300], json.dumps(failure["differences"])[:500])
missing = [a for a in expected["complete"] if a not in report["areas"]]
print("%d unexpected differences in %d complete areas; areas not run: %s" % (len(bad), len(expected["complete"]), missing))
sys.exit(1 if bad or missing else 0)
