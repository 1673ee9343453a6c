#!/usr/bin/env python3
"""Every service of services.json has an image in the Dockerfile, a container in docker-compose.yml with what it needs there, and is scraped. Usage: images.py ROOT"""
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
same("prometheus.yml, names", re.search(r"names: \[(.*?)\]", prometheus)[1].split(", "), services + ["gateway", "single"])

print("\n".join(problems))
sys.exit(1 if problems else 0)
