#!/usr/bin/env python3
"""Makes schemas/, a strict JSON schema for each kind that the chart has, without descriptions.

make_schemas.py K8S_SCHEMAS CRD_FILE...
  K8S_SCHEMAS: a folder of strict schemas with _definitions.json, as in the Python package kubernetes-validate (kubernetes-json-schema/v1.34.0-local-strict)
  CRD_FILE: YAML files of CustomResourceDefinitions, of the prometheus-operator, cert-manager, the Gateway API and CloudNativePG
Needed when the chart gets a new kind, or a field of a newer version.
"""
import json
import pathlib
import sys

import yaml

OUT = pathlib.Path(__file__).resolve().parent / "schemas"
KINDS = {"ConfigMap": "v1", "PersistentVolumeClaim": "v1", "Pod": "v1", "Secret": "v1", "Service": "v1", "ServiceAccount": "v1", "Deployment": "apps/v1", "StatefulSet": "apps/v1", "Job": "batch/v1",
         "HorizontalPodAutoscaler": "autoscaling/v2", "PodDisruptionBudget": "policy/v1", "Ingress": "networking.k8s.io/v1", "NetworkPolicy": "networking.k8s.io/v1"}
CUSTOM = {"ServiceMonitor", "PrometheusRule", "Certificate", "Issuer", "HTTPRoute", "GRPCRoute", "BackendTLSPolicy", "Cluster"}


def file_name(kind, api_version):
    """As kubeconform names them: {{.ResourceKind}}-{{.ResourceAPIVersion}}-{{.Group}}.json."""
    group, _, version = api_version.rpartition("/")
    return "-".join([kind.lower(), version] + ([group] if group else [])) + ".json"


def plain(node):
    if isinstance(node, list):
        return [plain(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {}
    for key, value in node.items():
        if key == "properties":
            kept[key] = {name: plain(item) for name, item in value.items()}
        elif key == "$ref":
            kept[key] = "#/definitions/" + value.rsplit("/", 1)[1]
        elif not (key in ("description", "example", "format", "default") or key.startswith("x-kubernetes")):
            kept[key] = plain(value)
    return kept


def references(node):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref":
                yield value.rsplit("/", 1)[1]
            else:
                yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def built_in(kind, api_version, definitions):
    root = next(plain(definition) for definition in definitions.values()
                if any((g["group"] + "/" if g["group"] else "") + g["version"] == api_version and g["kind"] == kind for g in definition.get("x-kubernetes-group-version-kind", [])))
    root.get("properties", {}).pop("status", None)
    needed, used = list(references(root)), {}
    while needed:
        name = needed.pop()
        if name not in used:
            used[name] = plain(definitions[name])
            needed += references(used[name])
    return dict(root, definitions=used)


def strict(node, top=True):
    """What a CRD does not name is dropped by the API server without a word."""
    if isinstance(node, list):
        return [strict(item, False) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {key: ({name: strict(item, False) for name, item in value.items()} if key == "properties" else strict(value, False)) for key, value in node.items()
            if key not in ("description", "format", "default", "example", "nullable") and not key.startswith("x-kubernetes")}
    if node.get("x-kubernetes-int-or-string"):
        kept = {"type": ["integer", "string"]}
    if "properties" in node and not node.get("x-kubernetes-preserve-unknown-fields") and not top and "additionalProperties" not in node:
        kept["additionalProperties"] = False
    if node.get("nullable") and isinstance(kept.get("type"), str):
        kept["type"] = [kept["type"], "null"]
    return kept


def main():
    OUT.mkdir(exist_ok=True)
    definitions = json.loads((pathlib.Path(sys.argv[1]) / "_definitions.json").read_text())["$defs"]
    made = {(kind, version): built_in(kind, version, definitions) for kind, version in KINDS.items()}
    for path in sys.argv[2:]:
        for crd in yaml.safe_load_all(pathlib.Path(path).read_text()):
            if not crd or crd.get("kind") != "CustomResourceDefinition" or crd["spec"]["names"]["kind"] not in CUSTOM:
                continue
            for version in crd["spec"]["versions"]:
                if version["name"] == "v1":
                    schema = strict(version["schema"]["openAPIV3Schema"])
                    schema["properties"].pop("status", None)
                    schema["properties"]["metadata"] = {"type": "object"}
                    made[crd["spec"]["names"]["kind"], "%s/%s" % (crd["spec"]["group"], version["name"])] = dict(schema, additionalProperties=False)
    for (kind, version), schema in made.items():
        (OUT / file_name(kind, version)).write_text(json.dumps(schema, sort_keys=True, separators=(",", ":")) + "\n")
    missing = CUSTOM - {kind for kind, _ in made}
    sys.exit("no definition of %s" % ", ".join(sorted(missing)) if missing else 0)


if __name__ == "__main__":
    main()
