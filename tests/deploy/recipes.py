#!/usr/bin/env python3
"""The pages of docs/recipes about AWS, against the container: the task definition as written, the SDKs' walks with an API key, the authorizer's code as written.

    recipes.py

Leaves nothing behind. Exits with 77 where there is no Docker, no image, or no Node.
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import containers
from containers import docker, inspect, wait_until

RECIPES = containers.ROOT / "docs/recipes"
SDK = containers.ROOT / "tests/sdk"
KEY = "a-key-of-twenty-characters"


def block(page, name):
    """The text of the fenced block with this name."""
    return re.search(r"^```\w+ %s\n(.*?)^```$" % re.escape(name), (RECIPES / page).read_text(), re.M | re.S)[1]


def options_of(task, secrets):
    """What `docker run` calls the parts of a task definition."""
    (container,) = task["containerDefinitions"]
    health = container["healthCheck"]
    options = ["--memory", task["memory"] + "m", "--memory-swap", task["memory"] + "m", "--cpus", str(int(task["cpu"]) / 1024), "--stop-timeout", str(container["stopTimeout"])]
    options += ["--read-only"] if container["readonlyRootFilesystem"] else []
    assert health["command"][0] == "CMD"
    options += ["--health-cmd", " ".join(health["command"][1:]), "--health-interval", "%ds" % health["interval"], "--health-timeout", "%ds" % health["timeout"],
                "--health-retries", str(health["retries"]), "--health-start-period", "%ds" % health["startPeriod"]]
    for item in container["environment"]:
        options += ["-e", "%s=%s" % (item["name"], item["value"])]
    for item in container["secrets"]:
        options += ["-e", "%s=%s" % (item["name"], secrets[item["name"]])]
    return options, container


def walk(report, name, url):
    done = subprocess.run([str(SDK / "run.py"), name, url], env={**os.environ, "GATEHOUSE_API_KEY": KEY}, capture_output=True, text=True)
    report.check("SDK walk %s, with an API key" % name, done.returncode == 0, "" if done.returncode == 0 else (done.stdout + done.stderr)[-2000:])


def authorizer(report, url):
    with tempfile.TemporaryDirectory(dir=SDK / "node") as folder:  # where the SDK and jose are
        for name in ("backend.mjs", "authorizer.mjs"):
            (Path(folder) / name).write_text(block("lambda-authorizer.md", name))
        shutil.copy(Path(__file__).parent / "lambda_walk.mjs", folder)
        done = subprocess.run(["node", "lambda_walk.mjs"], cwd=folder, env={**os.environ, "GATEHOUSE_URL": url, "GATEHOUSE_API_KEY": KEY}, capture_output=True, text=True, timeout=300)
    report.check("JWT authorizer and Lambda authorizer: sessions pass, other audiences, issuers and signatures don't", done.stdout == "walked\n", (done.stdout + done.stderr)[-2000:] if done.returncode else "")


def main():
    containers.skip_without("gatehouse")
    if not shutil.which("node"):
        print("SKIPPED, NOTHING WAS TESTED: there is no node", flush=True)
        sys.exit(containers.SKIPPED)
    report, name = containers.Report(), "gatehouse-recipes-%d" % os.getpid()
    task = json.loads(block("aws-ecs.md", "task-definition.json"))
    docker("network", "create", name)
    try:
        postgres = containers.image_or_stand_in("POSTGRES_IMAGE", "postgres:15", "postgres")
        docker("run", "-d", "--name", name + "-postgres", "--network", name, "--network-alias", "postgres", "-e", "POSTGRES_USER=gatehouse", "-e", "POSTGRES_PASSWORD=horse", "-e",
               "POSTGRES_DB=gatehouse", postgres)
        options, container = options_of(task, {"POSTGRESQL_CONNECTION_URI": "postgresql://gatehouse:horse@postgres:5432/gatehouse", "API_KEYS": KEY})
        port = containers.free_port()
        docker("run", "-d", "--name", name, "--network", name, "-p", "127.0.0.1:%d:%d" % (port, container["portMappings"][0]["containerPort"]), *options, container["image"])
        url = "http://127.0.0.1:%d" % port
        wait_until(lambda: inspect(name, "{{.State.Health.Status}}") == "healthy", "the task is healthy")
        report.check("the task definition: healthy", containers.says_hello(url))
        report.check("without the key, nothing", containers.request("GET", url + "/users?limit=1")[0] == 401)
        for sdk in ("node13", "node"):
            walk(report, sdk, url)
        authorizer(report, url)
        docker("stop", name)
        report.check("ends in order within stopTimeout", inspect(name, "{{.State.ExitCode}} {{.State.OOMKilled}}") == "0 false")
    finally:
        for container in (name, name + "-postgres"):
            docker("rm", "-f", "-v", container, check=False)
        docker("network", "rm", name, check=False)
    report.exit()


if __name__ == "__main__":
    main()
