"""What values are taken, refused and documented; and files that are made from others."""
import json
import re
import subprocess
import sys
import unittest

import yaml

import rendering

sys.path.insert(0, str(rendering.ROOT / "k8s"))
import generate  # noqa: E402

TRIAL = ["--set", "database.kind=trial"]
EXTERNAL = ["--set", "database.host=db,database.owner.existingSecret=owner"]


def keys(schema, definitions, path=()):
    schema = definitions[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    if "properties" not in schema:
        yield ".".join(path)
    for name, item in schema.get("properties", {}).items():
        yield from keys(item, definitions, path + (name,))


def leaves(values, known, path=()):
    for name, item in values.items():
        if isinstance(item, dict) and ".".join(path + (name,)) not in known:
            yield from leaves(item, known, path + (name,))
        else:
            yield ".".join(path + (name,))


class Values(unittest.TestCase):
    def refused(self, arguments, *words):
        result = rendering.render(*arguments, check=False)
        self.assertNotEqual(result.returncode, 0, arguments)
        for word in words:
            self.assertIn(word, result.stderr, arguments)

    def test_the_schema_and_the_values_have_the_same_keys(self):
        schema = json.loads((rendering.CHART / "values.schema.json").read_text())
        known = set(keys(schema, schema["$defs"])) - {"global", "workload.imageDigest"}
        self.assertEqual(known, set(leaves(yaml.safe_load((rendering.CHART / "values.yaml").read_text()), known)))

    def test_every_value_is_documented(self):
        schema = json.loads((rendering.CHART / "values.schema.json").read_text())
        documented = {key for key, _, _ in generate.documented_values((rendering.CHART / "values.yaml").read_text())}
        self.assertEqual((set(keys(schema, schema["$defs"])) - {"global", "services", "workload.imageDigest"}) - documented, set())

    def test_wrong_values_are_refused(self):
        for arguments, words in (
                (["--set", "mode=both"], ["mode"]),
                (["--set", "replicaCount=3"], ["replicaCount"]),
                (TRIAL + ["--set", "services.session.replica=3"], ["replica"]),
                (TRIAL + ["--set", "services.sessions.replicas=3"], ["services.sessions"]),
                (TRIAL + ["--set", "config.api_keys=aKeyOfAtLeast20Characters"], ["config.api_keys is a secret"]),
                (TRIAL + ["--set", "config.gatehouse_session_address=x:1"], ["set by the chart"]),
                (TRIAL + ["--set", "config.gatehouse_drain_timeout_ms=1"], ["shutdown"]),
                (TRIAL + ["--set", "apiKeys.enabled=true"], ["apiKeys.existingSecret"]),
                (TRIAL + ["--set", "apiKeys.enabled=true,apiKeys.keys={short}"], ["keys"]),
                (TRIAL + ["--set", "tls.mode=existing"], ["secretNamePattern"]),
                (TRIAL + ["--set", "shutdown.delayMs=30000"], ["shutdown.delayMs"]),
                (TRIAL + ["--set", "migration.enabled=false"], ["migration.enabled"]),
                (TRIAL + ["--set", "mode=all-in-one,gatewayApi.grpcRoute.enabled=true"], ["grpcRoute"]),
                (TRIAL + ["--set", "gatewayApi.grpcRoute.enabled=true,gatewayApi.grpcRoute.parentRefs[0].name=a"], ["networkPolicy.clientsFrom"]),
                ([], ["database.host"]),
                (["--set", "database.host=db"], ["database.owner.existingSecret"]),
                (["--set", "database.kind=embedded"], ["all-in-one"]),
                (["--set", "database.uri=postgresql://a"], ["database.uri"]),
                (["--set", "existingSecret=a"], ["existingSecret"])):
            with self.subTest(arguments=arguments):
                self.refused(arguments, *words)

    def test_gateways_stay_while_a_service_is_away_for_a_moment(self):
        """They all ask the same services: none would be left."""
        objects = {(item["kind"], item["metadata"]["name"]): item for item in rendering.render(*EXTERNAL)}
        probe = rendering.containers(objects["Deployment", "gatehouse-gateway"])[0]["readinessProbe"]
        self.assertGreaterEqual(probe["periodSeconds"] * probe["failureThreshold"], 30)

    def test_an_upgrade_leaves_the_trials_database_alone(self):
        pods = []
        for tag in ("one", "two"):
            objects = {(item["kind"], item["metadata"]["name"]): item for item in rendering.render(*TRIAL, "--set", "image.tag=" + tag)}
            pods.append(objects["StatefulSet", "gatehouse-postgresql"]["spec"]["template"])
        self.assertEqual(pods[0], pods[1])

    def test_settings_of_one_deployment_win(self):
        objects = {(item["kind"], item["metadata"]["name"]): item for item in rendering.render(*EXTERNAL, "--set", "workload.replicas=4,services.session.replicas=7,services.session.resources.requests.cpu=2")}
        self.assertEqual(objects["Deployment", "gatehouse-session"]["spec"]["replicas"], 7)
        self.assertEqual(objects["Deployment", "gatehouse-roles"]["spec"]["replicas"], 4)
        container = rendering.containers(objects["Deployment", "gatehouse-session"])[0]
        self.assertEqual(container["resources"]["requests"], {"cpu": 2, "memory": "64Mi"})

    def test_images(self):
        def images(*arguments):
            return {rendering.component(item): rendering.containers(item)[0]["image"] for item in rendering.render(*EXTERNAL, *arguments) if item["kind"] in rendering.WORKLOADS}
        self.assertEqual(images("--set", "image.registry=r.example/x,image.tag=1.2")["session"], "r.example/x/gatehouse-session:1.2")
        digest = "sha256:" + "a" * 64
        found = images("--set", "image.digest=%s,services.session.imageDigest=%s" % (digest, digest))
        self.assertEqual(found["session"], "gatehouse-session@" + digest)
        self.assertEqual(found["migration"], "gatehouse@" + digest)
        self.assertEqual(found["gateway"], "gatehouse-gateway:0.1.0")

    def test_generated_files_are_up_to_date(self):
        result = subprocess.run([sys.executable, str(rendering.ROOT / "k8s/generate.py"), "--check"], capture_output=True, text=True, env={"HELM": rendering.tool("helm"), "PATH": "/usr/bin:/bin", "HOME": "/tmp"})
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr + "run k8s/generate.py")

    def test_the_readme_names_every_set_of_values(self):
        text = (rendering.CHART / "README.md").read_text()
        self.assertEqual({name for name in re.findall(r"\(ci/([\w-]+)\.yaml\)", text)}, {name for name in rendering.SETS if not name.startswith("manifests-")})

    def test_versions_are_the_projects(self):
        version = re.search(r"project\(\s*\w+.*?VERSION\s+([\d.]+)", (rendering.ROOT / "CMakeLists.txt").read_text(), re.S).group(1)
        self.assertEqual(yaml.safe_load((rendering.CHART / "Chart.yaml").read_text())["appVersion"], version)


if __name__ == "__main__":
    unittest.main()
