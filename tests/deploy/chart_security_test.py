"""The restricted Pod Security Standard, and how pods start and stop."""
import unittest

import rendering

ALLOWED_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}


def violations(spec):
    """What of the restricted profile a pod breaks."""
    pod = spec.get("securityContext", {})
    for field in ("hostNetwork", "hostPID", "hostIPC"):
        if spec.get(field):
            yield field
    for volume in spec.get("volumes", []):
        if not set(volume) - {"name"} <= ALLOWED_VOLUMES:
            yield "volume %s" % volume["name"]
    for container in spec.get("initContainers", []) + spec["containers"]:
        own = container.get("securityContext", {})
        if own.get("privileged") or own.get("procMount", "Default") != "Default":
            yield "privileged"
        if own.get("allowPrivilegeEscalation") is not False:
            yield "allowPrivilegeEscalation"
        if not own.get("runAsNonRoot", pod.get("runAsNonRoot")) or own.get("runAsUser", pod.get("runAsUser")) == 0:
            yield "runAsNonRoot"
        if own.get("seccompProfile", pod.get("seccompProfile", {})).get("type") not in ("RuntimeDefault", "Localhost"):
            yield "seccompProfile"
        if own.get("capabilities", {}).get("drop") != ["ALL"] or set(own["capabilities"].get("add", [])) - {"NET_BIND_SERVICE"}:
            yield "capabilities"
        if any(port.get("hostPort") for port in container.get("ports", [])):
            yield "hostPort"
        # Ours, beyond the profile.
        if own.get("readOnlyRootFilesystem") is not True:
            yield "readOnlyRootFilesystem"


class Security(unittest.TestCase):
    def test_the_check_finds_what_is_wrong(self):
        self.assertEqual(set(violations({"hostNetwork": True, "volumes": [{"name": "a", "hostPath": {}}], "containers": [{"ports": [{"hostPort": 1}]}]})),
                         {"hostNetwork", "volume a", "allowPrivilegeEscalation", "runAsNonRoot", "seccompProfile", "capabilities", "hostPort", "readOnlyRootFilesystem"})

    def test_every_pod_is_restricted(self):
        for values, objects in rendering.all_rendered():
            for (kind, name), item in objects.items():
                if kind in rendering.WORKLOADS:
                    with self.subTest(values=values, workload=name):
                        spec = rendering.pod_spec(item)
                        self.assertEqual(list(violations(spec)), [])
                        self.assertIs(spec["automountServiceAccountToken"], False)
                        # Kubernetes' variables of a Service named supertokens would set SUPERTOKENS_PORT.
                        self.assertIs(spec["enableServiceLinks"], False)

    def test_the_platform_may_choose_the_user(self):
        for item in rendering.render("--set", "database.kind=trial,podUser=0"):
            if item["kind"] in rendering.WORKLOADS:
                context = rendering.pod_spec(item)["securityContext"]
                self.assertFalse({"runAsUser", "runAsGroup", "fsGroup"} & set(context))
                self.assertEqual(list(violations(rendering.pod_spec(item))), [])

    def test_every_container_has_requests_and_a_memory_limit(self):
        for values, objects in rendering.all_rendered():
            for (kind, name), item in objects.items():
                if kind in rendering.WORKLOADS:
                    for container in rendering.containers(item):
                        with self.subTest(values=values, workload=name, container=container["name"]):
                            self.assertLessEqual({"cpu", "memory"}, set(container["resources"]["requests"]))
                            self.assertIn("memory", container["resources"]["limits"])

    def test_no_secret_outside_secrets(self):
        for values, objects in rendering.all_rendered():
            for (kind, name), item in objects.items():
                if kind != "Secret":
                    for word in ("not-in-files-please", "aKeyOfAtLeast20Characters"):
                        self.assertNotIn(word, str(item), (values, kind, name))

    def test_probes_are_apart(self):
        for values, objects in rendering.all_rendered():
            for (kind, name), item in objects.items():
                if kind == "Deployment":
                    container = rendering.pod_spec(item)["containers"][0]
                    paths = {probe: container[probe]["httpGet"] for probe in ("startupProbe", "livenessProbe", "readinessProbe")}
                    # Liveness does not ask the database: restarting pods would not bring it back.
                    self.assertEqual(paths, {"startupProbe": {"path": "/livez", "port": "admin"}, "livenessProbe": {"path": "/livez", "port": "admin"}, "readinessProbe": {"path": "/readyz", "port": "admin"}})

    def test_a_pod_is_killed_after_it_has_drained(self):
        for arguments in ([], ["--set", "shutdown.drainTimeoutMs=90500"], ["--set", "shutdown.delayMs=20000"]):
            for item in rendering.render("--set", "database.kind=trial", *arguments):
                if item["kind"] == "Deployment":
                    environment = {entry["name"]: entry["value"] for entry in rendering.pod_spec(item)["containers"][0]["env"]}
                    grace = rendering.pod_spec(item)["terminationGracePeriodSeconds"]
                    delay, drain = int(environment["GATEHOUSE_SHUTDOWN_DELAY_MS"]), int(environment["GATEHOUSE_DRAIN_TIMEOUT_MS"])
                    # The process ends itself two seconds after the drain time.
                    self.assertGreaterEqual(grace * 1000, delay + drain + 2000)
                    self.assertLess(grace * 1000, delay + drain + 10000)
                    # Endpoints are taken out while connections are still accepted.
                    self.assertGreaterEqual(delay, 3000)

    def test_updates_and_evictions_leave_pods_serving(self):
        for values, objects in rendering.all_rendered():
            for (kind, name), item in objects.items():
                if kind == "Deployment" and item["spec"]["strategy"]["type"] != "Recreate":
                    self.assertEqual(item["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"], 0)
                    self.assertEqual(objects["PodDisruptionBudget", name]["spec"]["maxUnavailable"], 1)
                    self.assertTrue(rendering.pod_spec(item)["topologySpreadConstraints"])


if __name__ == "__main__":
    unittest.main()
