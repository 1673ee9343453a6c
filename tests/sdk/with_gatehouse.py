"""Runs the SDK walks against their own Gatehouse: with_gatehouse.py [current|old|all|node|...]; GATEHOUSE_MODE sets the mode."""
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
from integration import harness  # noqa: E402

gatehouse = harness.Gatehouse().start()
try:
    status = subprocess.run([sys.executable, os.path.join(HERE, "run.py"), sys.argv[1] if len(sys.argv) > 1 else "all", "http://127.0.0.1:%d" % gatehouse.port]).returncode
finally:
    gatehouse.kill()
sys.exit(status)
