#!/usr/bin/env python3
"""The systemd unit of the package: its sandbox by systemd's own measure, and what it must have. Skipped, and says so, where systemd-analyze is missing."""
import os
import re
import shutil
import subprocess
import sys

LIMIT = 2.0


def main():
    root = sys.argv[1]
    unit = os.path.join(root, "deploy", "package", "gatehouse.service")
    with open(unit, encoding="utf-8") as f:
        settings = dict(line.strip().split("=", 1) for line in f if "=" in line and not line.startswith("#"))
    for key, value in {"Type": "notify", "User": "gatehouse", "ExecStart": "/usr/bin/gatehouse start", "StateDirectory": "gatehouse", "RuntimeDirectory": "gatehouse"}.items():
        if settings.get(key) != value:
            sys.exit("%s is %r, not %r" % (key, settings.get(key), value))
    if not shutil.which("systemd-analyze"):
        print("*** NOT CHECKED: the exposure of the systemd unit: systemd-analyze is not here (apt-get install systemd) ***")
        return 77
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", unit], capture_output=True, text=True)
    level = re.search(r"exposure level for gatehouse.service: ([0-9.]+)", done.stdout)
    if not level or float(level.group(1)) >= LIMIT:
        print(done.stdout + done.stderr)
        sys.exit("the unit's exposure is not below %s" % LIMIT)
    print("exposure %s" % level.group(1))
    # It names everything that it does not know; programs and man pages are not installed here.
    verified = subprocess.run(["systemd-analyze", "verify", "--man=no", unit], capture_output=True, text=True)
    wrong = [line for line in verified.stderr.splitlines() if "gatehouse.service" in line and "is not executable" not in line]
    if wrong:
        sys.exit("\n".join(wrong))
    return 0


if __name__ == "__main__":
    sys.exit(main())
