"""Who may connect to whom: the NetworkPolicies, the table of services, and the services' policies say the same."""
import json
import pathlib
import re
import unittest

import rendering

ROWS = [row for row in json.loads((rendering.ROOT / "services/services.json").read_text()) if not row.get("planned")]
SERVICES = {row["name"] for row in ROWS}
EVERYBODY = SERVICES | {"gateway"}


def calls_of_the_table():
    """(caller, service). Every process watches the tenants; the gateway asks every service whether it is ready."""
    return {(row["name"], called) for row in ROWS for called in row["calls"] + ["tenants"] if called != row["name"]} | {("gateway", name) for name in SERVICES}


def calls_of_the_policies():
    """(caller, service) of every grant, and the services of which an application may call something."""
    pairs, clients = {("gateway", name) for name in SERVICES}, set()  # ReadinessService, in libs/host/readiness.cc
    for service in SERVICES:
        for line in (rendering.ROOT / "services" / service / "policies.golden").read_text().splitlines():
            method, callers = line.split(":")
            for caller in callers.split():
                if caller == "client":
                    clients.add((service, method.split("/")[0]))
                else:
                    pairs |= {(name, service) for name in (EVERYBODY - {service} if caller == "every-process" else {caller})}
    return pairs, clients


def matches(peers, labels):
    """Whether pods of the release with these labels are among the peers; no peers: everybody."""
    return peers is None or any(peer["podSelector"].get("matchLabels", {}).items() <= labels.items() for peer in peers if "podSelector" in peer and "namespaceSelector" not in peer)


def allowed(objects, source, target, port_name, port):
    """Whether the policies let a pod of `source` connect to `target`, out of the one and into the other."""
    def rules(item, direction):
        for (kind, _), policy in objects.items():
            if kind == "NetworkPolicy" and policy["spec"]["podSelector"]["matchLabels"].items() <= rendering.pod_labels(item).items():
                yield from policy["spec"].get(direction, [])

    def hits(rule, field, other):
        return any(entry.get("port") in (port_name, port) for entry in rule["ports"]) and matches(rule.get(field), rendering.pod_labels(other))
    return any(hits(rule, "to", target) for rule in rules(source, "egress")) and any(hits(rule, "from", source) for rule in rules(target, "ingress"))


class Network(unittest.TestCase):
    def deployments(self, objects):
        return {rendering.component(item): item for (kind, _), item in objects.items() if kind == "Deployment"}

    def test_a_deployment_for_each_service(self):
        for values, objects in rendering.all_rendered():
            found = set(self.deployments(objects))
            self.assertEqual(found, {"gatehouse"} if found == {"gatehouse"} else EVERYBODY, values)
        self.assertEqual(set(self.deployments(rendering.rendered("split"))), EVERYBODY)

    def test_the_policies_are_the_table_of_calls(self):
        for values, objects in rendering.all_rendered():
            pods = self.deployments(objects)
            if "gateway" not in pods:
                continue
            open_ways = {(source, target) for source in pods for target in pods if source != target and allowed(objects, pods[source], pods[target], "tls-grpc", 7000)}
            self.assertEqual(open_ways, calls_of_the_table(), values)
            for target in SERVICES:
                # Nobody but the gateway answers REST, and no service opens its gRPC port to everybody.
                policy = objects["NetworkPolicy", "gatehouse-" + target]["spec"]
                self.assertEqual([rule for rule in policy["ingress"] if not rule.get("from")], [])
                self.assertEqual(set(policy["policyTypes"]), {"Ingress", "Egress"})

    def test_the_table_of_calls_is_what_the_services_grant(self):
        self.assertEqual(calls_of_the_policies()[0], calls_of_the_table())

    def test_applications_reach_what_is_granted_to_them(self):
        objects = rendering.rendered("production")
        back_end = {"matchLabels": {"gatehouse/back-end": "true"}}
        reached = {service for service in SERVICES for rule in objects["NetworkPolicy", "gatehouse-" + service]["spec"]["ingress"]
                   if rule["ports"] == [{"port": "tls-grpc"}] and {"namespaceSelector": back_end} in rule["from"]}
        routed = {(backend["name"].removeprefix("gatehouse-"), match["method"]["service"]) for rule in rendering.rendered("gateway-api")["GRPCRoute", "gatehouse"]["spec"]["rules"]
                  for match in rule["matches"] for backend in rule["backendRefs"]}
        self.assertEqual(reached, {service for service, _ in routed})
        self.assertNotIn("tenants", reached)
        self.assertEqual(routed, calls_of_the_policies()[1])
        protos = {(path.parts[-3], name) for path in pathlib.Path(rendering.ROOT / "protos/gatehouse").glob("*/v1/*.proto") for name in re.findall(r"^service (\w+)", path.read_text(), re.M)}
        for service, name in routed:
            self.assertIn((service, name.rsplit(".", 1)[1]), protos)

    def test_the_database_is_open_to_those_that_use_it(self):
        objects = rendering.rendered("trial")
        database = objects["StatefulSet", "gatehouse-postgresql"]
        pods = self.deployments(objects)
        for name, pod in pods.items():
            self.assertEqual(allowed(objects, pod, database, "postgresql", 5432), name != "gateway", name)
        rule, = objects["NetworkPolicy", "gatehouse-postgresql"]["spec"]["ingress"]
        self.assertTrue(matches(rule["from"], rendering.pod_labels(objects["Job", "gatehouse-migration-1"])))
        self.assertFalse(matches(rule["from"], {"app": "other"}))

    def test_the_rest_interface_with_and_without_a_limit(self):
        rule = rendering.rendered("split")["NetworkPolicy", "gatehouse-gateway"]["spec"]["ingress"][0]
        self.assertEqual(rule, {"ports": [{"port": "http"}]})
        rule = rendering.rendered("production")["NetworkPolicy", "gatehouse-gateway"]["spec"]["ingress"][0]
        self.assertFalse(matches(rule["from"], {"app": "other"}))
        # `helm test` gets through.
        self.assertTrue(matches(rule["from"], rendering.rendered("production")["Pod", "gatehouse-test"]["metadata"]["labels"]))

    def test_addresses_are_names_of_services(self):
        for values, objects in rendering.all_rendered():
            for name, item in self.deployments(objects).items():
                for entry in rendering.pod_spec(item)["containers"][0]["env"]:
                    if match := re.fullmatch(r"GATEHOUSE_([A-Z]+)_ADDRESS", entry["name"]):
                        service, address = match.group(1).lower(), entry["value"]
                        if service == name:
                            self.assertIn(address, ("0.0.0.0:7000", "[::]:7000"))
                        else:
                            headless = objects["Service", address.removesuffix(":7000")]["spec"]
                            self.assertEqual((headless["clusterIP"], headless["selector"]["app.kubernetes.io/component"]), ("None", service))


if __name__ == "__main__":
    unittest.main()
