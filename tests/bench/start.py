"""Time from exec to the first answered /hello, and idle memory, of the all-in-one program with its embedded PostgreSQL.

Usage: start.py [BIN_DIR] [ROUNDS]. Prints the median and the range of ROUNDS (5) starts on a new and on an existing data directory, and VmRSS of the
gatehouse process (PostgreSQL's processes not counted) one second after it is ready. Polls every 2 ms, which limits the precision.
"""
import http.client
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BIN = sys.argv[1] if len(sys.argv) > 1 else os.path.join(ROOT, "build", "release", "bin")
ROUNDS = int(sys.argv[2]) if len(sys.argv) > 2 else 5


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def run(data_dir):
    """One start and stop: seconds to ready, resident KiB."""
    port = free_port()
    begin = time.monotonic()
    process = subprocess.Popen([os.path.join(BIN, "gatehouse"), "start", "--port", str(port), "--data-dir", data_dir],
                               env={**os.environ, "GATEHOUSE_ADMIN_PORT": "0"}, stderr=subprocess.DEVNULL)
    try:
        while True:
            try:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
                connection.request("GET", "/hello")
                if connection.getresponse().read() == b"Hello\n":
                    break
            except OSError:
                pass
            if process.poll() is not None or time.monotonic() - begin > 60:
                raise SystemExit("it did not start")
            time.sleep(0.002)
        ready = time.monotonic() - begin
        time.sleep(1)
        with open("/proc/%d/status" % process.pid) as f:
            resident = next(int(line.split()[1]) for line in f if line.startswith("VmRSS"))
        return ready, resident
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


new, existing, memory = [], [], []
for _ in range(ROUNDS):
    directory = tempfile.mkdtemp(prefix="gatehouse-bench-")
    try:
        os.chmod(directory, 0o755)
        seconds, _ = run(os.path.join(directory, "data"))
        new.append(seconds)
        seconds, resident = run(os.path.join(directory, "data"))
        existing.append(seconds)
        memory.append(resident)
    finally:
        shutil.rmtree(directory, ignore_errors=True)
for name, values, unit in (("new data directory", new, "s"), ("existing data directory", existing, "s"), ("idle VmRSS", [m / 1024 for m in memory], "MiB")):
    print("%s: median %.3f %s (%.3f to %.3f, %d rounds)" % (name, statistics.median(values), unit, min(values), max(values), ROUNDS))
