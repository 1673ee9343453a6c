#!/usr/bin/env python3
"""What tests/deploy/kwok.py checks, run in the network of its API server: scripts/cluster.sh run tests/deploy/cluster/installations.py [--sets NAME,…]"""
import argparse
import json
import time

import yaml

import kube
from kube import NAMESPACE, RELEASE, containers, kubectl, wait_until

SETS = sorted(path.stem for path in (kube.CHART / "ci").glob("*.yaml"))
# Kinds of operators that are not here: the server takes any object of them. Their fields are checked against schemas, by chart.py.
OPERATORS = {"cert-manager.io": {"certificates": "Certificate", "issuers": "Issuer"}, "monitoring.coreos.com": {"servicemonitors": "ServiceMonitor", "prometheusrules": "PrometheusRule"},
             "gateway.networking.k8s.io": {"httproutes": "HTTPRoute", "grpcroutes": "GRPCRoute", "backendtlspolicies": "BackendTLSPolicy"}, "postgresql.cnpg.io": {"clusters": "Cluster"}}
KINDS = "deployments,statefulsets,services,jobs,pods,configmaps,secrets,networkpolicies,poddisruptionbudgets,horizontalpodautoscalers,serviceaccounts,persistentvolumeclaims,ingresses," + ",".join(
    plural + "." + group for group, kinds in OPERATORS.items() for plural in kinds)
KUBERNETES_OWN = {("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")}
FAILS = {"podAnnotations": {"gatehouse.test/fails": "yes"}, "backoffLimit": 0}


# ---- What the server needs.

def definition(group, plural, kind):
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": plural + "." + group, "annotations": {"api-approved.kubernetes.io": "unapproved, for a test"}},
            "spec": {"group": group, "scope": "Namespaced", "names": {"plural": plural, "singular": kind.lower(), "kind": kind, "listKind": kind + "List"},
                     "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}]}}


def prepare():
    kube.apply(*(definition(group, plural, kind) for group, kinds in OPERATORS.items() for plural, kind in kinds.items()),
               {"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": {"name": "important"}, "value": 1000})
    kubectl("wait", "--for=condition=Established", "--timeout=60s", *("crd/%s.%s" % (plural, group) for group, kinds in OPERATORS.items() for plural in kinds))


def new_namespace():
    """An empty one, with a volume for it: nothing makes volumes here, and one that was used is not used again."""
    kubectl("delete", "namespace", NAMESPACE, "--ignore-not-found", "--timeout=120s")
    labels = {"pod-security.kubernetes.io/" + mode: "restricted" for mode in ("enforce", "warn")}
    volume = {"capacity": {"storage": "100Gi"}, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/nowhere"}}
    kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE, "labels": labels}},
               {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "volume-%d" % time.time_ns()}, "spec": volume})


# ---- What is there.

def ours(kind):
    return kube.get(kind, "-l", kube.SELECTOR)["items"]


def serving():
    """Pods of Deployments that are not on their way out: name -> image's tag."""
    return {pod["metadata"]["name"]: pod["spec"]["containers"][0]["image"].rpartition(":")[2] for pod in ours("pods")
            if "deletionTimestamp" not in pod["metadata"] and "pod-template-hash" in pod["metadata"]["labels"]}


def without_pods():
    """Services, PodDisruptionBudgets and NetworkPolicies that select nothing that is there."""
    for service in ours("services"):
        slices = kube.get("endpointslices", "-l", "kubernetes.io/service-name=" + service["metadata"]["name"])["items"]
        if not any(endpoint["conditions"].get("ready") for each in slices for endpoint in each.get("endpoints") or []):
            yield "Service " + service["metadata"]["name"]
    for budget in ours("poddisruptionbudgets"):
        if not budget["status"].get("expectedPods") or budget["status"]["currentHealthy"] < budget["status"]["desiredHealthy"]:
            yield "PodDisruptionBudget " + budget["metadata"]["name"]
    for policy in ours("networkpolicies"):
        selector = policy["spec"]["podSelector"]
        # Jobs and the test's pod are gone by now.
        component = selector.get("matchLabels", {}).get("app.kubernetes.io/component")
        if component not in ("migration", "test") and not kube.get("pods", "-l", ",".join("%s=%s" % pair for pair in selector.get("matchLabels", {}).items()))["items"]:
            yield "NetworkPolicy " + policy["metadata"]["name"]


def refusals():
    return [event["message"] for event in kube.get("events")["items"] if "PodSecurity" in event["message"] or event["reason"] == "FailedCreate"]


def events(kind, reason):
    """In the order in which the server learned of them: its revision, and the message."""
    return sorted((int(event["metadata"]["resourceVersion"]), event["message"]) for event in kube.get("events")["items"] if event["involvedObject"]["kind"] == kind and event["reason"] == reason)


# ---- The release's life.

class Life:
    """One set of values, from its installation to nothing."""

    def __init__(self, report, values):
        self.report, self.values = report, values
        self.database = yaml.safe_load((kube.CHART / "ci" / (values + ".yaml")).read_text()).get("database", {}).get("kind", "external")

    def check(self, name, condition, detail=""):
        self.report.check("%s: %s" % (self.values, name), condition, detail)

    def helm(self, command, *arguments, tag="one", check=True):
        fast = ["--set", "image.tag=%s,workload.minReadySeconds=1" % tag, "--values", kube.CHART / "ci" / (self.values + ".yaml")]
        return kube.helm(command, RELEASE, kube.CHART, *fast, "--wait", "--wait-for-jobs", "--timeout", "3m", *arguments, check=check)

    def run(self):
        begin = time.monotonic()
        said = self.helm("install").stderr
        self.check("installed", not refusals() and "PodSecurity" not in said, refusals()[:2] or said.strip()[-300:] or "%.0f s, %d pods" % (time.monotonic() - begin, len(serving())))
        kube.settled()
        left = []
        wait_until(lambda: not left.clear() and not left.extend(without_pods()) and (not left or time.monotonic() - begin > 60), "selectors are looked at", 90)
        self.check("each Service, PodDisruptionBudget and NetworkPolicy finds pods", not left, left or "")
        kube.helm("test", RELEASE)
        self.hooked("installed", 0)
        before = len(events("Job", "Completed"))
        self.helm("upgrade", tag="two")
        kube.settled()
        self.check("upgraded", set(serving().values()) == {"two"}, set(serving().values()))
        self.hooked("upgraded", before)
        if self.database != "embedded":
            self.failing_migration()
        kube.helm("rollback", RELEASE, "1", "--wait", "--timeout", "3m")
        kube.settled()
        self.check("rolled back", set(serving().values()) == {"one"}, set(serving().values()))
        self.uninstall()

    def hooked(self, what, before):
        """A migration before an upgrade, and before an installation on a database that is there, is over before pods of the new release are made."""
        if self.database == "embedded" or (what == "installed" and self.database != "external"):
            return
        ended, pods = events("Job", "Completed")[before:], serving()
        made = [revision for revision, message in events("ReplicaSet", "SuccessfulCreate") if message.rpartition(" ")[2] in pods]
        self.check("%s after the migration" % what, len(ended) == 1 and len(made) == len(pods) and ended[0][0] < made[0], (ended, made[:1], len(pods)) if not ended or not made else "")

    def failing_migration(self):
        before = serving()
        failed = self.helm("upgrade", "--set-json", "migration=" + json.dumps(FAILS), tag="three", check=False)
        self.check("an upgrade whose migration fails, fails", failed.returncode != 0 and "pre-upgrade" in failed.stderr, failed.stderr[-300:] if failed.returncode == 0 else "")
        jobs = [job["metadata"]["name"] for job in ours("jobs") if job["status"].get("failed")]
        self.check("… the same pods serve, and the Job is there for its log", serving() == before and len(jobs) == 1, (jobs, set(serving().values())))
        for job in jobs:
            kubectl("delete", "job", job)

    def uninstall(self):
        kube.helm("uninstall", RELEASE, "--wait")
        wait_until(lambda: not ours("pods"), "no pod is left", 60)
        left = [item for item in kube.get(KINDS)["items"] if (item["kind"], item["metadata"]["name"]) not in KUBERNETES_OWN]
        # What the chart keeps on purpose, and the claims of a StatefulSet, which are Kubernetes' to keep.
        unwanted = [(item["kind"], item["metadata"]["name"]) for item in left
                    if item["metadata"].get("annotations", {}).get("helm.sh/resource-policy") != "keep" and not (item["kind"] == "PersistentVolumeClaim" and self.database == "trial")]
        self.check("uninstalled", not unwanted, unwanted or "kept: %s" % ", ".join(sorted("%s/%s" % (item["kind"], item["metadata"]["name"]) for item in left)))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", default="")
    arguments = parser.parse_args()
    report = containers.Report()
    prepare()
    new_namespace()
    refused = kubectl("run", "privileged", "--image=busybox", "--privileged", "--dry-run=server", check=False)
    report.check("the namespace refuses a privileged pod", refused.returncode != 0 and "PodSecurity" in refused.stderr)
    for values in filter(None, arguments.sets.split(",")) if arguments.sets else SETS:
        new_namespace()
        try:
            Life(report, values).run()
        except AssertionError as error:
            report.check("%s: lived to its end" % values, False, error)
    report.exit()


if __name__ == "__main__":
    main()
