#!/usr/bin/env python3
"""What tests/deploy/cluster.py checks, run in the cluster's network: scripts/cluster.sh run tests/deploy/cluster/checks.py [--walks …] [--rate …] [--only PART,…]"""
import argparse
import json
import os
import subprocess
import sys
import time

import yaml

import kube
import every_service  # where it is, kube has said
from kube import COMPONENTS, HERE, NAMESPACE, RELEASE, containers, kubectl, pods, settled, upgrade, wait_until

VALUES = yaml.safe_load((HERE / "values.yaml").read_text())
API_KEY = VALUES["apiKeys"]["keys"][0]
KEY = {"api-key": API_KEY}
CLIENTS = 12
# Of all kills together.
MOST_KILLED = 24
SERVICES_KILLED = ("session", "users", "tenants")
# A kube-proxy writes its rules once a second at most; the second one is for writing them, and for what it takes to ask.
KUBE_PROXY_S = 2
SERVICES = yaml.safe_load((kube.CHART / "files/services.yaml").read_text())["services"]


# ---- Installation.

def install(report):
    kube.apply(*(item for item in yaml.safe_load_all((HERE / "namespace.yaml").read_text().replace("STATE", str(kube.STATE)))))
    settings = {key.lower(): value for key, value in every_service.SECRET_KEY.items()}
    kube.apply({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "gatehouse-settings", "namespace": NAMESPACE}, "stringData": settings})
    refused = kubectl("run", "privileged", "--image=localhost/busybox:1", "--privileged", "--dry-run=server", check=False)
    report.check("the namespace refuses a privileged pod", refused.returncode != 0 and "PodSecurity" in refused.stderr)
    begin = time.monotonic()
    # The trial's Job runs beside the pods, which wait for it; what is refused by the API server's admission shows here.
    kube.helm("install", RELEASE, kube.CHART, "--values", HERE / "values.yaml", "--wait", "--timeout", "10m")
    report.check("helm install, split", True, "%.0f s until every pod was available" % (time.monotonic() - begin))
    kube.helm("test", RELEASE)
    report.check("helm test", True)
    warnings = [event["message"] for event in kube.get("events", "--field-selector", "type=Warning")["items"] if "PodSecurity" in event["message"] or event["reason"] == "FailedCreate"]
    report.check("nothing was refused by the restricted standard", not warnings, warnings[:3] or "")


def use(report, walks):
    url = kube.service_address()
    status, _ = containers.request("POST", url + "/recipe/signup", {"email": "ada@example.com", "password": "correct horse 1"})
    report.check("without an API key: refused", status == 401, status)
    report.check("sign-up", containers.sign_up(url, "ada@example.com", KEY) == "OK")
    report.check("sign-in", containers.sign_in(url, "ada@example.com", KEY) == "OK")
    made = json.loads(containers.request("POST", url + "/recipe/session", {"userId": "ada", "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False}, KEY)[1])
    verified = json.loads(containers.request("POST", url + "/recipe/session/verify", {"accessToken": made["accessToken"]["token"], "doAntiCsrfCheck": False, "enableAntiCsrf": False,
                                                                                      "checkDatabase": True}, KEY)[1])
    report.check("a session is made and verified", verified["status"] == "OK")
    wrong = every_service.fault(url, KEY)
    report.check("one-time codes, passkeys, the dashboard, an OAuth client's token, a login by SAML", wrong is None, wrong or "")
    for walk in filter(None, walks.split(",")):
        begin = time.monotonic()
        done = subprocess.run([containers.ROOT / "tests/sdk/run.py", walk, url], capture_output=True, text=True, env={**os.environ, "GATEHOUSE_API_KEY": API_KEY})
        report.check("SDK walk through the gateway's Service: " + walk, done.returncode == 0, "%.0f s" % (time.monotonic() - begin) if done.returncode == 0 else (done.stdout + done.stderr)[-2000:])


# ---- Who may reach whom.

def probe_pod(name, labels):
    """A pod that is never ready, so that a Service whose labels it bears sends it nothing."""
    restricted = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}
    container = {"name": "probe", "image": "localhost/busybox:1", "imagePullPolicy": "Never", "command": ["sleep", "3600"], "securityContext": restricted,
                 "readinessProbe": {"exec": {"command": ["false"]}, "periodSeconds": 600}}
    spec = {"containers": [container], "automountServiceAccountToken": False, "terminationGracePeriodSeconds": 0,
            "securityContext": {"runAsNonRoot": True, "runAsUser": 1000, "seccompProfile": {"type": "RuntimeDefault"}}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels}, "spec": spec}


def reaches(pod, host, port):
    """Whether a connection comes about; the server ends it when the probe has nothing to say."""
    said = kubectl("exec", pod, "--", "sh", "-c", "busybox timeout 4 nc -w 2 %s %d </dev/null 2>&1 >/dev/null; echo status $?" % (host, port)).stdout
    assert "bad address" not in said and "status" in said, said
    return "status 1\n" not in said


def labels_of(component):
    return {"app.kubernetes.io/name": "gatehouse", "app.kubernetes.io/instance": RELEASE, "app.kubernetes.io/component": component}


def network(report):
    probes = {"stranger": {"app": "stranger"}, **{"as-" + component: labels_of(component) for component in COMPONENTS}}
    kube.apply(*(probe_pod(name, labels) for name, labels in probes.items()))
    try:
        wait_until(lambda: all(pod["status"]["phase"] == "Running" for pod in kube.get("pods", *probes)["items"]), "probes run", 120)
        # The agent learns of new pods after a moment.
        wait_until(lambda: reaches("as-gateway", RELEASE + "-tenants", 7000), "the gateway's label opens a service", 60)
        wait_until(lambda: not reaches("as-roles", RELEASE + "-session", 7000), "another label does not", 60)
        wrong, tried = [], 0
        for caller in probes:
            component = caller.removeprefix("as-")
            for service, row in SERVICES.items():
                if service == component:
                    continue
                tried += 1
                expected = component in row["calledBy"]
                if reaches(caller, "%s-%s" % (RELEASE, service), 7000) != expected:
                    wrong.append("%s to %s: %s" % (caller, service, "not reached" if expected else "reached"))
        report.check("network policies: each label reaches what the table of calls has, and nothing else", not wrong, wrong or "%d pairs" % tried)
        database = {caller: reaches(caller, RELEASE + "-postgresql", 5432) for caller in ("stranger", "as-gateway", "as-users")}
        report.check("the database: reached by a service, not by the gateway nor a stranger", database == {"stranger": False, "as-gateway": False, "as-users": True}, database)
        report.check("a stranger reaches the REST interface, and no metrics", reaches("stranger", RELEASE, 3567) and not reaches("stranger", RELEASE + "-session", 3568))
    finally:
        kubectl("delete", "pod", *probes, "--wait=false")


def mutual_tls(report):
    """From the node, which network policies do not stop."""
    open_ports = []
    for service in containers.SERVICES:
        address = pods(service)[0]["status"]["podIP"]
        if containers.completes_tls(address, 7000) or containers.answers_plain(address, 7000):
            open_ports.append(service)
    report.check("mutual TLS: a client without a certificate, and one without TLS, are refused by every service", not open_ports, open_ports or "")


# ---- Under load.

class Load:
    def __init__(self, rate):
        self.process = subprocess.Popen([sys.executable, HERE / "load.py", kube.service_address(), API_KEY, "--clients", str(CLIENTS), "--rate", str(rate)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def phase(self, name):
        self.process.stdin.write(name + "\n")
        self.process.stdin.flush()
        print("%s load: %s" % (time.strftime("%H:%M:%S"), name), flush=True)

    def end(self):
        return json.loads(self.process.communicate()[0])


def calm(load, seconds, name="nothing happens"):
    """Time that is measured, between what happens."""
    load.phase(name)
    time.sleep(seconds)


def scale(load):
    load.phase("session from 2 pods to 3")
    kubectl("scale", "deployment", RELEASE + "-session", "--replicas=3")
    settled()
    time.sleep(10)
    load.phase("session from 3 pods to 2")
    kubectl("scale", "deployment", RELEASE + "-session", "--replicas=2")
    settled()
    time.sleep(35)  # as long as a pod takes to go


def delete_pods(load):
    load.phase("a pod of each component deleted, one after the other")
    for component in COMPONENTS:
        kubectl("delete", "pod", pods(component)[0]["metadata"]["name"], "--wait=false")
        time.sleep(1)
        wait_until(lambda: sum(map(kube.is_ready, pods(component))) == 2, component + " has its pods again", 120)
    settled()


def drain(load, node, selector):
    load.phase("%s drained under the PodDisruptionBudgets" % node)
    kubectl("drain", node, "--delete-emptydir-data", "--ignore-daemonsets", "--pod-selector", selector, "--timeout=600s", timeout_s=700)
    settled()
    kubectl("uncordon", node)


def killed(component):
    return "a process of %s is killed with SIGKILL" % component


def kill(load, component):
    """Without warning, as a machine that fails: what is under way in it is lost. The pod's address, and how many restarts the component had before."""
    load.phase(killed(component))
    pod, before = pods(component)[0], restarts(component)
    for process in processes_of(pod["metadata"]["uid"]):
        os.kill(process, 9)
    return pod["status"]["podIP"], before


def await_restart(component, before):
    wait_until(lambda: restarts(component) > before and sum(map(kube.is_ready, pods(component))) == 2, component + " has its pods again", 120)


def restarts(component):
    return sum(each["restartCount"] for pod in pods(component) for each in pod["status"].get("containerStatuses", []))


def kill_pods(report, rate):
    load = Load(rate)
    try:
        calm(load, 10)
        for component in SERVICES_KILLED:
            await_restart(component, kill(load, component)[1])
        address, before = kill(load, "gateway")
        begin = time.monotonic()
        wait_until(lambda: address not in kube.ready_addresses(RELEASE), "the gateway's address is taken out", 60)
        known_s = time.monotonic() - begin
        await_restart("gateway", before)
        settled()
        calm(load, 15, "after that")
    finally:
        result = load.end()
        show_load(report, result, [killed(component) for component in (*SERVICES_KILLED, "gateway")])
    # A client waits for the answer of one request at a time, so that a process has one of each of them at most.
    for component in (*SERVICES_KILLED, "gateway"):
        row = result["phases"][killed(component)]
        report.check("requests that failed when %s" % killed(component), row["failed"] <= CLIENTS, "%d; %d clients" % (row["failed"], CLIENTS))
    failed = sum(result["phases"][killed(component)]["failed"] for component in (*SERVICES_KILLED, "gateway"))
    report.check("requests that failed when processes were killed", failed <= MOST_KILLED, failed)
    # Clients connect to a gateway, not to a service.
    refused = sum(result["phases"][killed(component)]["refused"] for component in SERVICES_KILLED)
    report.check("connections that were refused when services' processes were killed", refused == 0, refused)
    # Where nothing listens, connections are refused until no proxy has the address any longer: not more of them than requests are sent in that time.
    refused, most = result["phases"][killed("gateway")]["refused"], int(rate * (known_s + KUBE_PROXY_S)) + CLIENTS
    report.check("connections that were refused when %s" % killed("gateway"), refused <= most, "%d of %d at most; Kubernetes knew after %.1f s" % (refused, most, known_s))


def processes_of(uid):
    """Process ids of Gatehouse in a pod, by its control group."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open("/proc/%s/cgroup" % pid) as groups, open("/proc/%s/comm" % pid) as name:
                if uid in groups.read() and name.read().startswith("gatehouse"):
                    yield int(pid)
        except OSError:
            pass


def failing_migration(load, report):
    load.phase("an upgrade whose migration fails")
    before = {pod["metadata"]["name"] for pod in pods()}
    failed = upgrade("image.tag=two", "database.owner.password=not the owner's", "migration.backoffLimit=0", check=False)
    report.check("an upgrade whose migration fails, fails", failed.returncode != 0 and "pre-upgrade" in failed.stderr, failed.stderr[-300:] if failed.returncode == 0 else "")
    report.check("… and the old release's pods are the same ones", {pod["metadata"]["name"] for pod in pods()} == before)
    log = kubectl("logs", "job/%s-migration" % RELEASE).stdout
    report.check("… and the Job is there for its log, without a password in it", "password authentication failed" in log and "not the owner's" not in log, log[-300:])
    # A hook that failed is nobody's: the next one replaces it, and helm uninstall leaves it.
    kubectl("delete", "job", RELEASE + "-migration")


def images():
    return {pod["spec"]["containers"][0]["image"].rpartition(":")[2] for pod in pods()}


def under_load(report, rate):
    load = Load(rate)
    try:
        calm(load, 5, "first requests")
        calm(load, 30)
        scale(load)
        delete_pods(load)
        drain(load, "n2", kube.SELECTOR)
        drain(load, "n1", kube.SELECTOR + ",app.kubernetes.io/component!=postgresql")
        begin = time.monotonic()
        load.phase("rolling upgrade to another image")
        upgrade("image.tag=two")
        settled()
        report.check("helm upgrade to another image", images() == {"two"}, "%.0f s" % (time.monotonic() - begin))
        failing_migration(load, report)
        begin = time.monotonic()
        load.phase("rollback to the first image")
        kube.helm("rollback", RELEASE, "1", "--wait", "--timeout", "10m")
        settled()
        report.check("helm rollback to the first image", images() == {"one"}, "%.0f s" % (time.monotonic() - begin))
        calm(load, 35, "old pods go")
    finally:
        # What was lost is worth knowing, all the more when something else failed.
        show_load(report, load.end())


def show_load(report, result, kills=()):
    """With the checks of what must not fail: all but what is under way when a process is killed."""
    report.note("%-58s %8s %7s %7s %8s %8s %9s" % ("requests, milliseconds", "sent", "failed", "refused", "p50", "p99", "longest"))
    for name, row in result["phases"].items():
        report.note("%-58s %8d %7d %7d %8.1f %8.1f %9.1f" % (name, row["requests"], row["failed"], row["refused"], row["p50_ms"], row["p99_ms"], row["max_ms"]))
    for line in result["details"]:
        report.note(line)
    rows = [row for name, row in result["phases"].items() if name not in kills]
    failed = sum(row["failed"] + row["refused"] for row in rows)
    report.check("requests that failed or were refused" + (", kills apart" if kills else ""), failed == 0, "%d of %d" % (failed, sum(row["requests"] for row in rows)))
    report.check("sessions that were lost", result["sessions_lost"] == 0, "%d of %d" % (result["sessions_lost"], result["sessions"]))


# ---- The end.

def uninstall(report):
    restarts = {pod["metadata"]["name"]: pod["status"]["containerStatuses"][0]["restartCount"] for pod in pods()}
    report.note("restarts of containers: %s" % {name: count for name, count in restarts.items() if count})
    kube.helm("uninstall", RELEASE, "--wait")
    wait_until(lambda: not kube.get("pods")["items"], "no pod is left", 120)
    kinds = "deployments,statefulsets,services,jobs,configmaps,secrets,networkpolicies,poddisruptionbudgets,serviceaccounts"
    left = sorted("%s/%s" % (item["kind"], item["metadata"]["name"]) for item in kube.get(kinds)["items"] if item["metadata"]["name"] not in ("default", "kube-root-ca.crt"))
    report.check("helm uninstall leaves the database's passwords, as the chart says, the Secret that was given, and nothing else", left == ["Secret/%s-database" % RELEASE, "Secret/gatehouse-settings"], left)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--walks", default="")
    parser.add_argument("--rate", type=float, default=100)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    report = containers.Report()
    parts = {
        "install": lambda: install(report),
        "use": lambda: use(report, arguments.walks),
        "network": lambda: network(report),
        "tls": lambda: mutual_tls(report),
        "load": lambda: under_load(report, arguments.rate),
        "kill": lambda: kill_pods(report, arguments.rate),
        "uninstall": lambda: uninstall(report),
    }
    for name in filter(None, arguments.only.split(",")) if arguments.only else parts:
        parts[name]()
    report.exit()


if __name__ == "__main__":
    main()
