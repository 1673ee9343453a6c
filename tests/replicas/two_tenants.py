#!/usr/bin/env python3
"""Two replicas of the tenants service behind one name: calls reach both, changes are confirmed to the replica that made them, and either may go, freeze, or lose its database.

As root, on Linux: every process sees a hosts file of its own, in which the name leads to two addresses.
Usage: GATEHOUSE_BIN=build/release/bin tests/replicas/two_tenants.py
"""
import http.client
import os
import re
import signal
import statistics
import sys
import tempfile
import threading
import time
import uuid

sys.path.insert(0, os.path.abspath(os.path.join(os.path.dirname(__file__), "..")))
os.environ["GATEHOUSE_MODE"] = "split"
from integration import harness  # noqa: E402
from integration.pg_proxy import PgProxy  # noqa: E402

NAME = "tenants.gatehouse.test"
ADDRESSES = ("127.0.0.2", "127.0.0.3")
CHANGES = 40
# Within this every process watches another replica: a keepalive ping is sent every five seconds and waited for as long; the tenants are read again every minute, in two seconds at most.
FROZEN_S = 15
WITHOUT_DATABASE_S = 80
# A reply that waits for a confirmation that never comes takes a second.
LOST_CONFIRMATION_S = 0.9


def calls(gatehouse, process, method):
    text = gatehouse.admin("/metrics", process).text
    return sum(int(float(n)) for n in re.findall(r'gatehouse_rpc_calls_total\{method="%s",[^}]*\} (\S+)' % method, text))


class Requests:
    """Requests one after another that need the tenants service, all the time."""

    def __init__(self, gatehouse):
        self.answers = []
        self.stopping = False
        self.client = gatehouse.client()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.stopping:
            try:
                self.answers.append(self.client.get("/recipe/multitenancy/tenant/list/v2").status)
            except (OSError, http.client.HTTPException):
                self.answers.append(0)

    def stop(self):
        self.stopping = True
        self.thread.join()
        return sum(status != 200 for status in self.answers)


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
        self.proxy = PgProxy(self.postgres.port)
        first = self.processes["tenants"]
        self.admin_ports["tenants-2"] = harness.free_port()
        second = harness.Process(first.program, first.arguments, {**first.environment, "GATEHOUSE_ADMIN_PORT": str(self.admin_ports["tenants-2"])}, "tenants-2")
        second.environment["POSTGRESQL_CONNECTION_URI"] = first.environment["POSTGRESQL_CONNECTION_URI"].replace(":%d/" % self.postgres.port, ":%d/" % self.proxy.port)
        for process, address in ((first, ADDRESSES[0]), (second, ADDRESSES[1])):
            process.environment["GATEHOUSE_TENANTS_ADDRESS"] = "%s:%d" % (address, self.port_of_tenants)
        self.processes = {"tenants": first, "tenants-2": second, **self.processes}
        for process in self.processes.values():
            process.arguments = ["-c", 'mount --bind "$0" /etc/hosts && exec "$@"', hosts.name, os.path.join(harness.BIN, process.program), *process.arguments]
            process.program = "/usr/bin/unshare"
            process.arguments = ["--mount", "sh", *process.arguments]


def put_app(gatehouse, app, settings):
    """False when it went to a replica that is not well."""
    reply = gatehouse.once("PUT", "/recipe/multitenancy/app/v2", body={"appId": app, "coreConfig": settings})
    return reply.status == 200 and reply.json["status"] == "OK"


def change(gatehouse, app):
    """Creates an app; how long the answer took."""
    begun = time.monotonic()
    assert put_app(gatehouse, app, {})
    took = time.monotonic() - begun
    # Every process knows it now, whichever replica it watches.
    answer = gatehouse.client(app=app).post("/recipe/signup", {"email": "a@example.com", "password": "x1234567"})
    assert answer.status == 200, answer
    return took


OLD, NEW = "first-key-of-the-app-0123456789", "other-key-of-the-app-0123456789"


def accepts(gatehouse, app, key):
    client = gatehouse.client(app=app)
    client.headers["api-key"] = key
    return client.get("/users/count").status == 200


def app_with_key(gatehouse):
    """An app that every process knows."""
    app = uuid.uuid4().hex
    assert put_app(gatehouse, app, {"api_keys": OLD})
    assert accepts(gatehouse, app, OLD)
    time.sleep(0.5)
    return app


def revoke(gatehouse, app, within_s, what):
    """Gives the app another key, by a replica that works; how long the gateway takes the old one still."""
    harness.wait_until(lambda: put_app(gatehouse, app, {"api_keys": NEW}), 40, "another key")
    begun = time.monotonic()
    harness.wait_until(lambda: accepts(gatehouse, app, NEW) and not accepts(gatehouse, app, OLD), within_s, "the end of the old key while " + what)
    print("while %s: a key that was revoked by the other one ended %.1f s later" % (what, time.monotonic() - begun), flush=True)


def main():
    gatehouse = Suite().start()
    try:
        times = [change(gatehouse, uuid.uuid4().hex) for _ in range(CHANGES)]
        made = {p: calls(gatehouse, p, "UpsertTenant") for p in ("tenants", "tenants-2")}
        watched = {p: calls(gatehouse, p, "WatchTenants") for p in ("tenants", "tenants-2")}
        lost = sum(t > LOST_CONFIRMATION_S for t in times)
        print("changes made by %s, watchers of %s; a change took %.0f ms in the middle, %.0f ms at most; %d waited for a confirmation that did not come"
              % (made, watched, 1000 * statistics.median(times), 1000 * max(times), lost))
        assert min(made.values()) >= 1, made
        assert min(watched.values()) >= 1, watched
        assert lost == 0, times
        for gone in ("tenants", "tenants-2"):
            requests = Requests(gatehouse)
            gatehouse.processes[gone].stop()
            time.sleep(1)
            change(gatehouse, uuid.uuid4().hex)
            start(gatehouse, gone)
            lost = requests.stop()
            print("%s stops and starts: %d of %d requests failed" % (gone, lost, len(requests.answers)), flush=True)
            assert lost == 0
            requests = Requests(gatehouse)
            gatehouse.processes[gone].kill()
            time.sleep(1)
            change(gatehouse, uuid.uuid4().hex)
            start(gatehouse, gone)
            print("%s is killed and starts: %d of %d requests failed" % (gone, requests.stop(), len(requests.answers)), flush=True)
        for frozen in ("tenants", "tenants-2"):
            watched_by_all(gatehouse, frozen)
            app = app_with_key(gatehouse)
            process = gatehouse.processes[frozen].process
            process.send_signal(signal.SIGSTOP)
            try:
                revoke(gatehouse, app, FROZEN_S, "%s is frozen" % frozen)
            finally:
                process.send_signal(signal.SIGCONT)
            harness.wait_until(lambda: ready(gatehouse, frozen), 30, frozen)
        watched_by_all(gatehouse, "tenants-2")
        app = app_with_key(gatehouse)
        gatehouse.proxy.cut()
        revoke(gatehouse, app, WITHOUT_DATABASE_S, "tenants-2 has no database")
    finally:
        gatehouse.kill()


def watched_by_all(gatehouse, replica):
    """Restarts the other one, so that all that watch go to `replica`."""
    other = {"tenants": "tenants-2", "tenants-2": "tenants"}[replica]
    gatehouse.processes[other].stop()
    time.sleep(2)
    start(gatehouse, other)


def start(gatehouse, replica):
    """Until peers have connected to it again: whoever stops the other one before finds nobody there."""
    gatehouse.processes[replica].start()
    harness.wait_until(lambda: ready(gatehouse, replica), 30, replica)
    time.sleep(2)


def ready(gatehouse, process):
    try:
        return gatehouse.admin("/readyz", process).status == 200
    except OSError:
        return False


if __name__ == "__main__":
    main()
