"""The programs themselves judge what the chart sets: each rendered pod's environment and config.yaml, with its files in place, is given to `--check-config` of its program."""
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import rendering

BIN = pathlib.Path(os.environ.get("GATEHOUSE_BIN", "/nowhere"))
SECRETS = {"uri": "postgresql://a:b@db/c", "secret": "s" * 64, "api_keys": "aKeyOfAtLeast20Characters"}
ENVIRONMENT_OF_A_SECRET = {"POSTGRESQL_CONNECTION_URI": "postgresql://a:b@db/c", "API_KEYS": "aKeyOfAtLeast20Characters"}


class Settings(unittest.TestCase):
    def files(self, root, objects, item):
        """Lays out what is mounted. Secrets get a value that is long enough for a key."""
        volumes = {volume["name"]: volume for volume in rendering.pod_spec(item).get("volumes", [])}
        for mount in rendering.containers(item)[-1].get("volumeMounts", []):
            volume, folder = volumes[mount["name"]], root / mount["mountPath"].lstrip("/")
            folder.mkdir(parents=True, exist_ok=True)
            if "configMap" in volume:
                for name, text in objects["ConfigMap", volume["configMap"]["name"]]["data"].items():
                    (folder / name).write_text(text)
            for source in [volume["secret"]] if "secret" in volume else [source["secret"] for source in volume.get("projected", {}).get("sources", [])]:
                for entry in source.get("items") or [{"path": name} for name in ("tls.crt", "tls.key", "ca.crt")]:
                    (folder / entry["path"]).write_text(SECRETS.get(entry["path"], "x" * 40))

    def check(self, objects, item):
        container = rendering.containers(item)[-1]
        with tempfile.TemporaryDirectory() as root:
            self.files(pathlib.Path(root), objects, item)
            environment = dict(ENVIRONMENT_OF_A_SECRET) if "envFrom" in container else {}
            for entry in container.get("env", []):
                self.assertNotIn(entry["name"], environment)
                # What is a path in the pod is one below the root.
                environment[entry["name"]] = re.sub(r"^(?=/(run|var)/)", root, entry["value"]).replace("=/run/", "=%s/run/" % root)
                if entry["name"].endswith("_FILE"):
                    self.assertTrue(os.path.exists(environment[entry["name"]]), entry)
            program = BIN / pathlib.Path(container["command"][0]).name
            config = pathlib.Path(root) / "etc/gatehouse/config.yaml"
            return subprocess.run([str(program), "--check-config", "--with-config", str(config)], env=environment, capture_output=True, text=True)

    @unittest.skipUnless((BIN / "gatehouse").exists(), "*** NOT CHECKED: no programs in GATEHOUSE_BIN ***")
    def test_programs_accept_their_settings(self):
        seen = set()
        for values, objects in rendering.all_rendered():
            for (kind, name), item in objects.items():
                if kind not in ("Deployment", "Job"):
                    continue
                container = rendering.containers(item)[-1]
                key = str((container["command"], container.get("env"), container.get("envFrom"), rendering.pod_spec(item)["volumes"]))
                if key in seen:
                    continue
                seen.add(key)
                program = BIN / pathlib.Path(container["command"][0]).name
                with self.subTest(values=values, workload=name):
                    if not program.exists():
                        self.skipTest("*** NOT CHECKED: %s is not built ***" % program.name)
                    result = self.check(objects, item)
                    self.assertEqual((result.returncode, result.stderr), (0, ""), result.stdout)

    @unittest.skipUnless((BIN / "gatehouse").exists(), "*** NOT CHECKED: no programs in GATEHOUSE_BIN ***")
    def test_a_wrong_setting_is_seen(self):
        objects = {(item["kind"], item["metadata"]["name"]): item for item in rendering.render("--set", "database.kind=embedded,mode=all-in-one,config.access_token_validity=no,config.gatehouse_nonsense=1")}
        result = self.check(objects, objects["Deployment", "gatehouse-gatehouse"])
        self.assertEqual(result.returncode, 1)
        self.assertIn("access_token_validity", result.stdout + result.stderr)
        self.assertIn("gatehouse_nonsense", result.stdout + result.stderr)


if __name__ == "__main__":
    unittest.main()
