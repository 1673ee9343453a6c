"""Objects are what the API server takes, and fit each other."""
import json
import re
import unittest

import jsonschema

import rendering
from make_schemas import OUT as SCHEMAS, file_name


class Objects(unittest.TestCase):
    def test_lint(self):
        for values in ("production", "all-in-one"):
            with self.subTest(values=values):
                result = rendering.helm("lint", "--strict", str(rendering.CHART), "--values", str(rendering.CHART / "ci" / (values + ".yaml")))
                self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_every_object_fits_its_schema(self):
        """Strictly: a field that the API server does not know is a failure."""
        validators, seen = {}, set()
        for values, objects in rendering.all_rendered():
            for (kind, name), item in objects.items():
                text = json.dumps(item, sort_keys=True)
                if text in seen:
                    continue
                seen.add(text)
                path = SCHEMAS / file_name(kind, item["apiVersion"])
                if path not in validators:
                    self.assertTrue(path.exists(), "no schema of %s: see make_schemas.py" % kind)
                    validators[path] = jsonschema.Draft7Validator(json.loads(path.read_text()))
                # Draft 4 to 7 agree on what these schemas use.
                with self.subTest(values=values, kind=kind, name=name):
                    error = jsonschema.exceptions.best_match(validators[path].iter_errors(item))
                    self.assertIsNone(error, error and "%s: %s" % ("/".join(map(str, error.absolute_path)), error.message))

    def test_the_schemas_are_strict(self):
        deployment = json.loads((SCHEMAS / "deployment-v1-apps.json").read_text())
        for broken in ({"spec": {"replicaz": 1}}, {"spec": {"template": {"spec": {"containers": [{"name": "a", "imag": "b"}]}}}}):
            self.assertFalse(jsonschema.Draft7Validator(deployment).is_valid(dict(broken, apiVersion="apps/v1", kind="Deployment")))

    def test_names(self):
        long = rendering.render("--set", "database.kind=trial", "--set", "fullnameOverride=" + "x" * 60)
        for item in [item for _, objects in rendering.all_rendered() for item in objects.values()] + long:
            name = item["metadata"]["name"]
            self.assertRegex(name, r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
            self.assertLessEqual(len(name), 63, name)
            for label, value in item["metadata"].get("labels", {}).items():
                self.assertRegex(value, r"^[A-Za-z0-9]([-._A-Za-z0-9]{0,61}[A-Za-z0-9])?$", label)
            self.assertEqual(item["metadata"]["namespace"], "gatehouse")

    def test_selectors_select_one_deployment_each(self):
        for values, objects in rendering.all_rendered():
            pods = {name: rendering.pod_labels(item) for (kind, name), item in objects.items() if kind in rendering.WORKLOADS}
            for (kind, name), item in objects.items():
                selector = item["spec"].get("selector") or item["spec"].get("podSelector") if kind in ("Deployment", "Service", "PodDisruptionBudget", "StatefulSet", "NetworkPolicy") else None
                if selector is not None:
                    wanted = selector.get("matchLabels", selector)
                    chosen = [pod for pod, labels in pods.items() if wanted.items() <= labels.items()]
                    with self.subTest(values=values, kind=kind, name=name):
                        self.assertEqual(len(chosen), 1, chosen)
                if kind == "HorizontalPodAutoscaler":
                    self.assertIn(("Deployment", item["spec"]["scaleTargetRef"]["name"]), objects)
                    self.assertNotIn("replicas", objects["Deployment", item["spec"]["scaleTargetRef"]["name"]]["spec"])

    def test_ports_have_names_that_are_there(self):
        for values, objects in rendering.all_rendered():
            for (kind, name), item in objects.items():
                if kind == "Service":
                    pods = [pod for (k, _), pod in objects.items() if k in rendering.WORKLOADS and item["spec"]["selector"].items() <= rendering.pod_labels(pod).items()]
                    ports = {port["name"]: port["containerPort"] for container in rendering.containers(pods[0]) for port in container.get("ports", [])}
                    for port in item["spec"]["ports"]:
                        with self.subTest(values=values, service=name):
                            self.assertIn(port["targetPort"], ports)
                            if item["spec"].get("clusterIP") == "None":  # there is no translation
                                self.assertEqual(port["port"], ports[port["targetPort"]])

    def test_volumes_and_what_they_are_of(self):
        """What a pod mounts is made by the release, by an operator at its behest, or named in the values."""
        for values, objects in rendering.all_rendered():
            named = (rendering.CHART / "ci" / (values.split(",")[0] + ".yaml")).read_text()
            made = {("Secret", item["spec"]["secretName"]): item["spec"] for (kind, _), item in objects.items() if kind == "Certificate"}
            made.update({("Secret", name + suffix): None for (kind, name) in objects if kind == "Cluster" for suffix in ("-app", "-ca")})
            for (kind, name), item in objects.items():
                if kind not in rendering.WORKLOADS:
                    continue
                spec = rendering.pod_spec(item)
                hook = "helm.sh/hook" in item["metadata"].get("annotations", {})
                volumes = {volume["name"]: volume for volume in spec.get("volumes", [])} | {claim["metadata"]["name"]: {} for claim in item["spec"].get("volumeClaimTemplates", [])}
                mounted = {mount["name"] for container in rendering.containers(item) for mount in container.get("volumeMounts", [])}
                with self.subTest(values=values, workload=name):
                    self.assertEqual(mounted, set(volumes))
                for volume in volumes.values():
                    sources = [("ConfigMap", volume["configMap"]["name"], [])] if "configMap" in volume else []
                    sources += [("Secret", volume["secret"]["secretName"], volume["secret"].get("items", []))] if "secret" in volume else []
                    sources += [("Secret", source["secret"]["name"], source["secret"]["items"]) for source in volume.get("projected", {}).get("sources", [])]
                    sources += [("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"], [])] if "persistentVolumeClaim" in volume else []
                    for source_kind, source, items in sources:
                        with self.subTest(values=values, workload=name, source=source):
                            there = objects.get((source_kind, source))
                            if there is None:
                                if (source_kind, source) not in made:
                                    self.assertRegex(named, r"\b%s\b" % re.escape(source.replace(rendering.component(item), "%s") if "certificate-of" in source else source))
                                continue
                            for entry in items:
                                self.assertIn(entry["key"], there.get("data", {}))
                            if hook and kind == "Job":  # on an installation nothing but hooks is there
                                self.assertIn("helm.sh/hook", there["metadata"].get("annotations", {}))
                                self.assertLess(int(there["metadata"]["annotations"]["helm.sh/hook-weight"]), int(item["metadata"]["annotations"]["helm.sh/hook-weight"]))

    def test_each_pod_reads_its_own_password_only(self):
        for values, objects in rendering.all_rendered():
            for (kind, name), item in objects.items():
                if kind == "Deployment" and rendering.component(item) not in ("gatehouse", "gateway"):
                    keys = [entry["key"] for volume in rendering.pod_spec(item)["volumes"] if volume["name"] == "database" for source in volume["projected"]["sources"] for entry in source["secret"]["items"]]
                    with self.subTest(values=values, deployment=name):
                        self.assertEqual(keys, [rendering.component(item)])
                if kind == "Deployment" and rendering.component(item) == "gateway":
                    # It connects to no database.
                    self.assertEqual([entry["name"] for entry in rendering.containers(item)[0]["env"] if entry["name"].startswith("POSTGRESQL_") or entry["name"].endswith(("PASSWORD", "PASSWORD_FILE"))], [])
                    self.assertNotIn("database", {volume["name"] for volume in rendering.pod_spec(item)["volumes"]})

    def test_the_migration_comes_first_and_keeps_the_passwords(self):
        """The Job's passwords are those that services get, though both are made in this rendering."""
        for values in ("split", "given-certificates"):
            objects = rendering.rendered(values)
            self.assertEqual(objects["Job", "gatehouse-migration"]["metadata"]["annotations"]["helm.sh/hook"], "pre-install,pre-upgrade")
            self.assertEqual(objects["Secret", "gatehouse-migration"]["data"], objects["Secret", "gatehouse-database"]["data"])
        # A database that comes with the release is not there before it.
        for values in ("trial", "production"):
            self.assertNotIn("annotations", rendering.rendered(values)["Job", "gatehouse-migration-1"]["metadata"])
            self.assertIn("helm.sh/hook", rendering.rendered(values, upgrade=True)["Job", "gatehouse-migration"]["metadata"]["annotations"])

    def test_a_change_of_settings_restarts_pods(self):
        def checksums(*arguments):
            return {item["spec"]["template"]["metadata"]["annotations"]["checksum/config"] for item in rendering.render("--set", "database.kind=trial", *arguments) if item["kind"] == "Deployment"}
        self.assertNotEqual(checksums(), checksums("--set", "config.access_token_validity=1"))

    def test_certificates_name_the_service(self):
        for values in ("production", "gateway-api"):
            objects = rendering.rendered(values)
            for (kind, name), item in objects.items():
                if kind == "Deployment":
                    tls = next(volume for volume in rendering.pod_spec(item)["volumes"] if volume["name"] == "tls")["secret"]["secretName"]
                    certificate = next(other["spec"] for (k, _), other in objects.items() if k == "Certificate" and other["spec"]["secretName"] == tls)
                    self.assertEqual((certificate["commonName"], certificate["dnsNames"]), (rendering.component(item), [rendering.component(item)]))
                    self.assertLessEqual({"server auth", "client auth"}, set(certificate["usages"]))
            self.assertEqual(objects["Certificate", "gatehouse-client"]["spec"]["commonName"], "client")


if __name__ == "__main__":
    unittest.main()
