"""Alerts fire when they should, and nothing asks for a metric that is not there."""
import json
import pathlib
import re
import subprocess
import tempfile
import unittest

import yaml

import rendering

RULES = rendering.CHART / "files/rules.yaml"
DASHBOARD = rendering.CHART / "files/dashboard.json"


def metrics_of_the_code():
    """Names of all series that processes expose."""
    names = {"up", "ALERTS"}
    for folder in ("libs", "gateway", "services"):
        for path in (rendering.ROOT / folder).rglob("*.cc"):
            if path.name.endswith("_test.cc"):
                continue
            text = path.read_text()
            names |= {"gatehouse_" + name for name in re.findall(r'\b(?:Sampled|AddGauge|AddCounter)\(\s*"(\w+)"', text)}
            for kind, name in re.findall(r'Build(Counter|Gauge|Histogram)\(\)\s*\.Name\("(\w+)"\)', text):
                names |= {name + suffix for suffix in (("_bucket", "_sum", "_count") if kind == "Histogram" else ("",))}
    return names


def expressions():
    rules = [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]
    yield from ((rule.get("alert") or rule["record"], rule["expr"]) for rule in rules)
    yield from ((panel["title"], target["expr"]) for panel in json.loads(DASHBOARD.read_text())["panels"] for target in panel["targets"])


class Rules(unittest.TestCase):
    def promtool(self, *arguments):
        if not rendering.tool("promtool"):
            self.skipTest("*** NOT CHECKED: alerts and recording rules; promtool is missing (tests/deploy/get-tools.sh) ***")
        result = subprocess.run([rendering.tool("promtool"), *arguments], capture_output=True, text=True)
        self.assertEqual(result.returncode, 0, result.stdout + result.stderr)

    def test_rules_are_valid(self):
        self.promtool("check", "rules", str(RULES))

    def test_alerts_fire_and_are_silent(self):
        cases = (pathlib.Path(__file__).parent / "rules_test.yaml").read_text()
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "rules_test.yaml"
            path.write_text(cases.replace("RULES", str(RULES)))
            self.promtool("test", "rules", str(path))
        for group in yaml.safe_load(RULES.read_text())["groups"]:
            for rule in group["rules"]:
                if "alert" in rule:
                    self.assertEqual(set(rule["annotations"]), {"summary", "action"})
                    self.assertGreaterEqual(len(re.findall(r"\b%s\b" % rule["alert"], cases)), 2, "%s: a case where it fires, and one where not" % rule["alert"])

    def test_metrics_are_there(self):
        known = metrics_of_the_code() | {rule["record"] for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"] if "record" in rule}
        self.assertIn("gatehouse_http_request_duration_seconds_bucket", known)
        for name, expression in expressions():
            used = set(re.findall(r"\bgatehouse(?:_\w+|:[\w:]+)", re.sub(r'"[^"]*"', "", expression)))
            with self.subTest(of=name):
                self.assertEqual(used - known, set())
                self.assertTrue(used or "up{" in expression)

    def test_dashboard(self):
        dashboard = json.loads(DASHBOARD.read_text())
        panels = dashboard["panels"]
        self.assertEqual(len({panel["id"] for panel in panels}), len(panels))
        taken = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
        self.assertEqual(len(set(taken)), len(taken))
        for panel in panels:
            for target in panel["targets"]:
                self.assertIn('namespace=~"$namespace"', target["expr"])
        if rendering.tool("promtool"):  # as rules, queries are parsed
            rules = [{"record": "panel:%d" % i, "expr": re.sub(r"\$__rate_interval", "5m", expression)} for i, (_, expression) in enumerate(expressions())]
            with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                json.dump({"groups": [{"name": "panels", "rules": rules}]}, file)
                file.flush()
                self.promtool("check", "rules", file.name)

    def test_the_rendered_objects_hold_them(self):
        objects = rendering.rendered("production")
        self.assertEqual(objects["PrometheusRule", "gatehouse"]["spec"], yaml.safe_load(RULES.read_text()))
        self.assertEqual(json.loads(objects["ConfigMap", "gatehouse-dashboard"]["data"]["gatehouse.json"]), json.loads(DASHBOARD.read_text()))
        monitor = objects["ServiceMonitor", "gatehouse"]["spec"]
        # Rules ask for job="gatehouse".
        chosen = [item for (kind, _), item in objects.items() if kind == "Service" and monitor["selector"]["matchLabels"].items() <= item["metadata"]["labels"].items()]
        self.assertEqual({item["metadata"]["labels"][monitor["jobLabel"]] for item in chosen}, {"gatehouse"})
        self.assertEqual(len(chosen), sum(kind == "Deployment" for kind, _ in objects))
        for item in chosen:
            self.assertIn(monitor["endpoints"][0]["port"], {port["name"] for port in item["spec"]["ports"]})


if __name__ == "__main__":
    unittest.main()
