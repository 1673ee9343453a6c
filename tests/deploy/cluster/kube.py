"""kubectl and helm, as the checks use them. Everything is in one namespace, and of one release."""
import json
import os
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import containers  # noqa: E402
from containers import run, wait_until  # noqa: E402,F401

HERE = Path(__file__).resolve().parent
CHART = containers.ROOT / "k8s/gatehouse"
STATE = Path(os.environ["KUBECONFIG"]).parent
NAMESPACE = RELEASE = "gatehouse"
COMPONENTS = containers.SERVICES + ["gateway"]
SELECTOR = "app.kubernetes.io/instance=" + RELEASE


def kubectl(*arguments, check=True, **options):
    return run("kubectl", "-n", NAMESPACE, *arguments, check=check, **options)


def apply(*objects):
    subprocess.run(["kubectl", "apply", "-f", "-"], input=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}), text=True, check=True, stdout=subprocess.DEVNULL)


def get(*arguments):
    return json.loads(kubectl("get", *arguments, "-o", "json").stdout)


def helm(*arguments, check=True):
    return run("helm", "-n", NAMESPACE, *arguments, check=check)


def upgrade(*settings, check=True):
    """The chart's upgrade, with the test's values and these settings."""
    extra = [word for setting in settings for word in ("--set", setting)]
    return helm("upgrade", RELEASE, CHART, "--values", HERE / "values.yaml", "--wait", "--timeout", "10m", *extra, check=check)


def pods(component=None, node=None):
    """Pods of the release that are not on their way out."""
    selector = SELECTOR + (",app.kubernetes.io/component=" + component if component else "")
    found = [pod for pod in get("pods", "-l", selector)["items"] if "deletionTimestamp" not in pod["metadata"]]
    return [pod for pod in found if component_of(pod) in COMPONENTS and node in (None, pod["spec"].get("nodeName"))]


def component_of(pod):
    return pod["metadata"]["labels"]["app.kubernetes.io/component"]


def is_ready(pod):
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", []))


def ready_addresses(service):
    slices = get("endpointslices", "-l", "kubernetes.io/service-name=" + service)["items"]
    return {address for each in slices for endpoint in each.get("endpoints") or [] if endpoint["conditions"].get("ready") for address in endpoint["addresses"]}


def settled():
    """Waits until every Deployment has all its pods, and every one of them has been there long enough to count."""
    def there():
        for item in get("deployments", "-l", SELECTOR)["items"]:
            status, wanted = item["status"], item["spec"]["replicas"]
            if item["metadata"]["generation"] != status.get("observedGeneration") or not all(status.get(key, 0) == wanted for key in ("replicas", "updatedReplicas", "availableReplicas")):
                return False
        return True
    wait_until(there, "every Deployment has its pods", 600)


def service_address(name=RELEASE):
    service = get("service", name)["spec"]
    return "http://%s:%d" % (service["clusterIP"], service["ports"][0]["port"])
