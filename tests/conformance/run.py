"""Replays the recorded requests of a real core (../shared/conformance) on its own Gatehouse, and compares with the record next to this file.

A step may differ only when expected.json lists it under "differing" (with its reason), when it is an operation that does not exist yet (it answers 501), or when it
comes after such an operation in its scenario (it works with users or devices that could not be created). Each area has a floor, the steps that matched when the record was
written, so that the last rule hides nothing. A step that is listed and does not differ any more fails too. Exit 77 (skipped) if the recordings are not available.
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
    print("*** NOT CHECKED: answers as a real core gave them; ../shared/conformance is not beside the repository ***")
    sys.exit(77)

with open(os.path.join(HERE, "expected.json")) as f:
    expected = json.load(f)
report_path = os.path.join(tempfile.mkdtemp(prefix="gatehouse-conformance-"), "report.json")
# The recorded responses of SAML answer no request, and some are addressed to another URL. tests/integration/saml_test.py has what is refused without these.
gatehouse = harness.Gatehouse(environment={"LOG_LEVEL": "WARN", "GATEHOUSE_SAML_LENIENCIES": "ANY_REQUEST, ANY_DESTINATION"}).start()
try:
    done = subprocess.run([sys.executable, replayer, "http://127.0.0.1:%d" % gatehouse.port, "--report", report_path], stdout=subprocess.PIPE, text=True)
finally:
    gatehouse.kill()
print(done.stdout)
with open(report_path) as f:
    report = json.load(f)
known = {(d["scenario"], d["step"]) for d in expected["differing"]}
first_unavailable = {}
for failure in report["failures"]:
    if (failure["got"] or {}).get("s") == 501:
        first_unavailable.setdefault(failure["scenario"], failure["step"])
bad = [f for f in report["failures"]
       if (f["scenario"], f["step"]) not in known and f["step"] < first_unavailable.get(f["scenario"], 1 << 30)]
for failure in bad[:40]:
    print("DIFFERS", failure["scenario"], failure["step"], json.dumps(failure["request"])[:300], json.dumps(failure["differences"])[:500])
differ = {(failure["scenario"], failure["step"]) for failure in report["failures"]}
stale = sorted(known - differ)
for scenario, step in stale:
    print("LISTED, AND DOES NOT DIFFER", scenario, step)
low = {area: (report["areas"].get(area, [0])[0], floor) for area, floor in expected["floors"].items() if report["areas"].get(area, [0])[0] < floor}
for area, (got, floor) in low.items():
    print("BELOW ITS FLOOR", area, got, "of", floor)
print("%d unexpected differences, %d that no longer differ, %d areas below their floor" % (len(bad), len(stale), len(low)))
sys.exit(1 if bad or stale or low or not report["alive"] else 0)
