#!/usr/bin/env python3
"""Two replicas of the tenants service behind one name: calls reach both, changes are confirmed to the replica that made them, and either may go.

As root, on Linux: every process sees a hosts file of its own, in which the name leads to two addresses.
Usage: GATEHOUSE_BIN=build/release/bin tests/replicas/two_tenants.py
"""
import os
import re
import statistics
import sys
import tempfile
import time
import uuid

sys.path.insert(0, os.path.abspath(os.path.join(os.path.dirname(__file__), "..")))
os.environ["GATEHOUSE_MODE"] = "split"
from integration import harness  # noqa: E402

NAME = "tenants.gatehouse.test"
ADDRESSES = ("127.0.0.2", "127.0.0.3")
CHANGES = 40
# A reply that waits for a confirmation that never comes takes a second.
LOST_CONFIRMATION_S = 0.9


def calls(gatehouse, process, method):
    text = gatehouse.admin("/metrics", process).text
    return sum(int(float(n)) for n in re.findall(r'gatehouse_rpc_calls_total\{method="%s",[^}]*\} (\S+)' % method, text))


class Suite(harness.Gatehouse):
    """A split suite with a second tenants process."""

    def __init__(self):
        hosts = tempfile.NamedTemporaryFile("w", prefix="gatehouse-hosts-", delete=False)
        hosts.write("127.0.0.1 localhost\n" + "".join("%s %s\n" % (address, NAME) for address in ADDRESSES))
        hosts.close()
        self.port_of_tenants = harness.free_port()
        addresses = {"GATEHOUSE_%s_ADDRESS" % s.upper(): "localhost:%d" % harness.free_port() for s in harness.SERVICES}
        addresses["GATEHOUSE_TENANTS_ADDRESS"] = "%s:%d" % (NAME, self.port_of_tenants)
        super().__init__(mode="split", environment={**addresses, "GATEHOUSE_INTERNAL_SECRET": "a secret between processes 0123456789"})
        first = self.processes["tenants"]
        self.admin_ports["tenants-2"] = harness.free_port()
        second = harness.Process(first.program, first.arguments, {**first.environment, "GATEHOUSE_ADMIN_PORT": str(self.admin_ports["tenants-2"])}, "tenants-2")
        for process, address in ((first, ADDRESSES[0]), (second, ADDRESSES[1])):
            process.environment["GATEHOUSE_TENANTS_ADDRESS"] = "%s:%d" % (address, self.port_of_tenants)
        self.processes = {"tenants": first, "tenants-2": second, **self.processes}
        for process in self.processes.values():
            process.arguments = ["-c", 'mount --bind "$0" /etc/hosts && exec "$@"', hosts.name, os.path.join(harness.BIN, process.program), *process.arguments]
            process.program = "/usr/bin/unshare"
            process.arguments = ["--mount", "sh", *process.arguments]


def change(gatehouse, app):
    """Creates an app; how long the answer took."""
    begun = time.monotonic()
    reply = gatehouse.once("PUT", "/recipe/multitenancy/app/v2", body={"appId": app, "coreConfig": {}})
    took = time.monotonic() - begun
    assert reply.status == 200 and reply.json["status"] == "OK", reply
    # Every process knows it now, whichever replica it watches.
    answer = gatehouse.client(app=app).post("/recipe/signup", {"email": "a@example.com", "password": "x1234567"})
    assert answer.status == 200, answer
    return took


def main():
    gatehouse = Suite().start()
    try:
        times = [change(gatehouse, uuid.uuid4().hex) for _ in range(CHANGES)]
        made = {p: calls(gatehouse, p, "UpsertTenant") for p in ("tenants", "tenants-2")}
        watched = {p: calls(gatehouse, p, "WatchTenants") for p in ("tenants", "tenants-2")}
        lost = sum(t > LOST_CONFIRMATION_S for t in times)
        print("changes made by %s, watchers of %s; a change took %.0f ms in the middle, %.0f ms at most; %d waited for a confirmation that did not come"
              % (made, watched, 1000 * statistics.median(times), 1000 * max(times), lost))
        assert min(made.values()) >= CHANGES // 4, made
        assert min(watched.values()) >= 1, watched
        assert lost == 0, times
        for gone in ("tenants", "tenants-2"):
            gatehouse.processes[gone].stop()
            harness.wait_until(lambda: gatehouse.once("GET", "/recipe/multitenancy/tenant/list/v2").status == 200, 10, "the other replica")
            change(gatehouse, uuid.uuid4().hex)
            gatehouse.processes[gone].start()
            harness.wait_until(lambda: ready(gatehouse, gone), 30, gone)
        print("either replica may go")
    finally:
        gatehouse.kill()


def ready(gatehouse, process):
    try:
        return gatehouse.admin("/readyz", process).status == 200
    except OSError:
        return False


if __name__ == "__main__":
    main()
