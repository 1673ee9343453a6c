#!/usr/bin/env python3
"""Every service of services.json has an image in the Dockerfile, a container in docker-compose.yml with what it needs there, and is scraped. Alerts and dashboard of the suite are the chart's, and
the scrape gives each label that they ask for. Usage: images.py ROOT"""
import json
import re
import sys
from pathlib import Path

root = Path(sys.argv[1])
services = [row["name"] for row in json.loads((root / "services/services.json").read_text()) if not row.get("planned")]
dockerfile = (root / "Dockerfile").read_text()
compose = (root / "docker-compose.yml").read_text()
prometheus = (root / "deploy/monitoring/prometheus/prometheus.yml").read_text()
problems = []


def same(what, found, wanted):
    found, wanted = sorted(found), sorted(wanted)
    if found != wanted:
        problems.append("%s: has %s, wanted are %s" % (what, ", ".join(found), ", ".join(wanted)))


same("Dockerfile, targets", re.findall(r"^FROM base AS gatehouse-(\S+)\nCOPY --from=files /files/gatehouse-\1/ /$", dockerfile, re.M), services + ["gateway"])
body = compose.split("\nservices:\n")[1].split("\nvolumes:\n")[0]
parts = dict(zip(re.findall(r"^  (\w+):$", body, re.M), re.split(r"^  \w+:$", body, flags=re.M)[1:]))
others = ["secrets", "postgres", "migrate", "gateway", "single", "prometheus", "grafana"]
same("docker-compose.yml, services", parts, services + others)
same("docker-compose.yml, secrets", re.search(r"for name in (.*); do", parts["secrets"])[1].split(), services + ["owner", "internal_secret"])
same("docker-compose.yml, addresses", re.findall(r"^  GATEHOUSE_(\w+)_ADDRESS: \w+:7000$", compose, re.M), [s.upper() for s in services])
same("docker-compose.yml, what the gateway waits for", re.findall(r"^      (\w+): {condition: service_healthy}$", parts["gateway"], re.M), services)
for service in services:
    lines = ["image: gatehouse-%s:" % service, "target: gatehouse-%s," % service]
    credentials = ["GATEHOUSE_%s_DATABASE_USER: gatehouse_%s\n" % (service.upper(), service),
                   "GATEHOUSE_%s_DATABASE_PASSWORD_FILE: /run/secrets/gatehouse/%s\n" % (service.upper(), service)]
    for name, wanted in ((service, lines + credentials), ("migrate", credentials)):
        problems += ["docker-compose.yml, %s: no line %s" % (name, line.strip()) for line in wanted if line not in parts.get(name, "")]
# The tenants service gives these to all others; elsewhere they would have no effect.
for name in ("API_KEYS", "OAUTH_CLIENT_SECRET_ENCRYPTION_KEY"):
    same("docker-compose.yml, who has " + name, [part for part, text in parts.items() if "\n      %s: ${%s:-}\n" % (name, name) in text], ["tenants", "single"])
same("prometheus.yml, names", re.search(r"names: \[(.*?)\]", prometheus)[1].split(", "), services + ["gateway", "single"])

# The page lists every command line that the test runs.
cases = re.findall(r'^        \("(.*?)", ', (root / "tests/deploy/image.py").read_text(), re.M)
same("docs/docker.md, command lines", [case for case in re.findall(r"^\| (.*?) \|", (root / "docs/docker.md").read_text(), re.M) if case in cases], cases)

# One set of alerts, one dashboard: the chart's.
files = root / "k8s/gatehouse/files"
copies = [path for path in (root / "deploy").rglob("*") if path.is_file() and re.search(r"- alert:|\"panels\":", path.read_text())]
problems += ["%s: alerts and dashboards are in k8s/gatehouse/files only" % path.relative_to(root) for path in copies]
problems += ["docker-compose.yml, %s: k8s/gatehouse/files is not mounted" % name for name in ("prometheus", "grafana") if '"./k8s/gatehouse/files:/etc/gatehouse:ro"' not in parts[name]]
same("prometheus.yml, rules", re.search(r"rule_files: \[(.*?)\]", prometheus)[1].split(", "), ["/etc/gatehouse/rules.yaml"])
provisioned = (root / "deploy/monitoring/grafana/provisioning/dashboards/gatehouse.yml").read_text()
same("Grafana, dashboards", re.findall(r"path: (\S+?)}", provisioned), ["/etc/gatehouse"])
# Labels that say where a series comes from. All others are in the metrics themselves.
of_the_scrape = {"namespace", "component", "pod", "container", "endpoint", "node", "process", "region"}
asked = "".join((files / name).read_text() for name in ("rules.yaml", "dashboard.json"))
labels = set(re.findall(r"\$labels\.(\w+)", asked)) | {label.strip() for group in re.findall(r"\bby \((.*?)\)", asked) for label in group.split(",")} | set(re.findall(r'[{,](\w+)[=!]~?\\?"', asked))
same("prometheus.yml, labels", re.findall(r"target_label: (\w+)", prometheus), labels & of_the_scrape)

print("\n".join(problems))
sys.exit(1 if problems else 0)
