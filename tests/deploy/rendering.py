"""Renders the chart, with each documented set of values."""
import functools
import os
import pathlib
import re
import shutil
import subprocess

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CHART = ROOT / "k8s/gatehouse"
TOOLS = pathlib.Path(os.environ.get("GATEHOUSE_TOOLS") or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "gatehouse/tools")
SETS = sorted(path.stem for path in (CHART / "ci").glob("*.yaml"))
WORKLOADS = ("Deployment", "StatefulSet", "Job", "Pod")
Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def tool(name):
    """Path of a program, or None."""
    return shutil.which(name) or shutil.which(name, path=str(TOOLS))


def helm(*arguments):
    return subprocess.run([tool("helm"), *arguments], capture_output=True, text=True)


def render(*arguments, check=True):
    """The objects, or what Helm said when that is not to be checked."""
    result = helm("template", "gatehouse", str(CHART), "--namespace", "gatehouse", *arguments)
    if not check:
        return result
    if result.returncode:
        raise AssertionError(result.stderr)
    return [item for item in yaml.load_all(result.stdout, Loader=Loader) if item]


@functools.lru_cache(maxsize=None)
def rendered(values, upgrade=False):
    """What a documented set of values gives: (kind, name) -> object. Callers leave it as it is."""
    objects = render("--values", str(CHART / "ci" / (values + ".yaml")), *(["--is-upgrade"] if upgrade else []))
    keyed = {(item["kind"], item["metadata"]["name"]): item for item in objects}
    assert len(keyed) == len(objects), "two objects of one kind and name in %s" % values
    return keyed


def all_rendered():
    """Each set as an installation, and as an upgrade where that gives something else: where the database comes with the release."""
    for values in SETS:
        for upgrade in (False, True) if re.search(r"kind: (trial|cloudnativepg)", (CHART / "ci" / (values + ".yaml")).read_text()) else (False,):
            yield values + (", upgrade" if upgrade else ""), rendered(values, upgrade)


def pod_spec(item):
    return item["spec"] if item["kind"] == "Pod" else item["spec"]["template"]["spec"]


def pod_labels(item):
    return item["metadata"]["labels"] if item["kind"] == "Pod" else item["spec"]["template"]["metadata"]["labels"]


def containers(item):
    spec = pod_spec(item)
    return spec.get("initContainers", []) + spec["containers"]


def component(item):
    return pod_labels(item)["app.kubernetes.io/component"]
