#!/usr/bin/env python3
"""docker-compose.yml, from nothing to a passing SDK walk: start, TLS between services, what the containers may, memory at rest and under load, data that outlives a stop.

    compose.py [--compose COMMAND] [--walks node,python,go] [--monitoring [--picture FILE.svg]] [--single] [--load SECONDS]

COMMAND is docker-compose (the default) or "docker compose". Images are those that scripts/images.sh builds. Public images that can't be had are replaced by
tests/deploy/standins. Leaves nothing behind. Exits with 77 where there is no Docker or no image.
"""
import argparse
import json
import os
import shlex
import shutil
import subprocess
import threading
import time
import urllib.parse
from pathlib import Path

import containers
import every_service
import panels
from clients import Clients
from containers import SERVICES, docker, inspect, memory_mib, request, run, wait_until

PICTURE_S = 150
API_KEY = "a-key-of-twenty-characters"


class Suite:
    def __init__(self, command):
        self.project = "gatehouse-test-%d" % os.getpid()
        self.port, self.single_port, self.prometheus_port = containers.free_port(), containers.free_port(), containers.free_port()
        self.url = "http://127.0.0.1:%d" % self.port
        self.command = shlex.split(command) + ["-p", self.project]
        self.env = {
            **os.environ,
            **every_service.SECRET_KEY,
            "DOCKER_BUILDKIT": "1",
            "POSTGRES_IMAGE": containers.image_or_stand_in("POSTGRES_IMAGE", "postgres:15", "postgres"),
            "GATEHOUSE_PORT": str(self.port),
            "GATEHOUSE_SINGLE_PORT": str(self.single_port),
            "PROMETHEUS_PORT": str(self.prometheus_port),
        }

    def compose(self, *arguments, check=True):
        return run(*self.command, *arguments, env=self.env, check=check)

    def container(self, service):
        return self.compose("ps", "-q", service).stdout.split()[0]

    def up(self, *services):
        begin = time.monotonic()
        self.compose("up", "-d", *services)
        return time.monotonic() - begin

    def down(self):
        self.compose("--profile", "single", "--profile", "monitoring", "down", "-v", "-t", "30", check=False)


def address_of(container):
    return inspect(container, "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}")


def check_containers(suite, report):
    for service in SERVICES + ["gateway"]:
        container = suite.container(service)
        user, read_only, caps = inspect(container, "{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}}").split(" ", 2)
        shell = docker("exec", container, "sh", "-c", "true", check=False).returncode == 0
        report.check("%s: not root, read-only, no capabilities, no shell" % service, (user, read_only, caps, shell) == ("1000:1000", "true", "[ALL]", False))
    for service in SERVICES:
        address = address_of(suite.container(service))
        open_port = containers.completes_tls(address, 7000) or containers.answers_plain(address, 7000)
        report.check("%s: a client without a certificate is refused" % service, not open_port)


def check_roles(suite, report):
    query = "SELECT count(*) FROM information_schema.role_table_grants WHERE grantee = 'gatehouse_roles' AND table_name LIKE 'emailpassword%'"
    done = docker("exec", suite.container("postgres"), "psql", "-h", "/tmp", "-U", "gatehouse_owner", "-d", "gatehouse", "-Atc", query, check=False)
    if done.returncode != 0:  # the public image's socket is elsewhere
        done = docker("exec", suite.container("postgres"), "psql", "-U", "gatehouse_owner", "-d", "gatehouse", "-Atc", query)
    report.check("the role of `roles` may not touch tables of users", done.stdout.strip() == "0", done.stdout.strip())


def load(url, seconds, report):
    """Sessions made and verified by eight clients, a sign-in now and then. Numbers of a machine that does other things too."""
    end, counts, lock = time.monotonic() + seconds, {}, threading.Lock()

    def client(number):
        made = 0
        while time.monotonic() < end:
            made += 1
            if made % 20 == 1:
                status, _ = request("POST", url + "/recipe/signup", {"email": "load%d-%d@example.com" % (number, made), "password": "correct horse 1"})
            else:
                status, text = request("POST", url + "/recipe/session", {"userId": "u%d" % number, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False})
                if status == 200:
                    token = json.loads(text)["accessToken"]["token"]
                    status, _ = request("POST", url + "/recipe/session/verify", {"accessToken": token, "doAntiCsrfCheck": False, "enableAntiCsrf": False, "checkDatabase": True})
            with lock:
                counts[status] = counts.get(status, 0) + 1

    threads = [threading.Thread(target=client, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    time.sleep(seconds * 0.7)  # the point of the load: memory is read while it runs
    memory = {service: memory_mib(name) for service, name in report.containers.items()}
    for thread in threads:
        thread.join()
    report.check("load: every request is answered 200", set(counts) == {200}, counts)
    return memory


def check_monitoring(suite, report, picture):
    suite.env["PROMETHEUS_IMAGE"] = containers.image_or_stand_in("PROMETHEUS_IMAGE", "prom/prometheus:v2.53.4", "prometheus")
    suite.compose("--profile", "monitoring", "up", "-d", "prometheus")
    base = "http://127.0.0.1:%d/api/v1" % suite.prometheus_port

    def ask(what, **parameters):
        status, text = request("GET", "%s/%s?%s" % (base, what, urllib.parse.urlencode(parameters)))
        return json.loads(text)["data"]["result"] if status == 200 else []

    def query(expression):
        return ask("query", query=expression)

    everything = set(SERVICES + ["gateway"])
    up = wait_until(lambda: {s["metric"]["component"] for s in query("up == 1")} >= everything and query("up == 1"), "every process is scraped")
    report.check("Prometheus scrapes every process", len(up) >= len(everything), len(up))
    status, text = request("GET", base + "/rules")
    rules = [rule for group in json.loads(text)["data"]["groups"] for rule in group["rules"]] if status == 200 else []
    wait_until(lambda: all(r["health"] == "ok" for g in json.loads(request("GET", base + "/rules")[1])["data"]["groups"] for r in g["rules"]), "rules were evaluated", 60)
    report.check("rules are loaded and can be evaluated", len(rules) > 5, len(rules))
    dashboard = json.loads((containers.ROOT / "k8s/gatehouse/files/dashboard.json").read_text())
    # As Grafana fills them in: the namespace that there is, and four scrapes.
    namespaces = json.loads(request("GET", base + "/label/namespace/values")[1])["data"]
    report.check("the dashboard's variable: namespace", namespaces == ["compose"], namespaces)
    # Rates need two scrapes with requests between them; one panel is about calls that fail.
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            def data(expression=target["expr"].replace("$__rate_interval", "1m").replace("$namespace", "compose")):
                containers.says_hello(suite.url)
                request("PUT", suite.url + "/recipe/role", {"role": "longer than a role may be" * 100, "permissions": []})  # the service refuses it
                return query(expression)
            try:
                found = wait_until(data, target["expr"], 60)
            except AssertionError:
                found = []
            report.check("panel has data: " + panel["title"], bool(found))
    if picture:
        load_for_the_picture(suite)
        Path(picture).write_text(panels.draw(dashboard, lambda expression, begin, end, step_s: ask("query_range", query=expression, start=begin, end=end, step=step_s), PICTURE_S))
        report.note("the panels, drawn: %s" % picture)
    if not containers.has_image("grafana/grafana:11.6.1"):
        report.note("Grafana's image is not here: the dashboard was judged by its queries, not drawn")


def load_for_the_picture(suite):
    """As many clients as the time goes on, so that there is something to see."""
    groups = [Clients(suite.port, 2, 0.02) for _ in range(3)]
    for clients in groups:
        clients.start()
        time.sleep(PICTURE_S / len(groups))  # what is drawn is this time
    for clients in groups:
        clients.stop()


def check_single(suite, report):
    url = "http://127.0.0.1:%d" % suite.single_port
    suite.compose("--profile", "single", "up", "-d", "single")
    wait_until(lambda: containers.says_hello(url), "all-in-one answers")
    report.check("single: signs up", containers.sign_up(url, "ada@example.com") == "OK")
    report.check("single: no warning of lost data, a volume is there", "data_not_kept" not in containers.logs(suite.container("single")))
    suite.compose("--profile", "single", "rm", "-fs", "single")
    suite.compose("--profile", "single", "up", "-d", "single")
    wait_until(lambda: containers.says_hello(url), "all-in-one answers again")
    report.check("single: another container finds the user", containers.sign_in(url, "ada@example.com") == "OK")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compose", default="docker-compose" if shutil.which("docker-compose") else "docker compose")
    parser.add_argument("--walks", default="")
    parser.add_argument("--monitoring", action="store_true")
    parser.add_argument("--picture")
    parser.add_argument("--single", action="store_true")
    parser.add_argument("--load", type=int, default=10)
    arguments = parser.parse_args()
    containers.skip_without(*containers.IMAGES)

    report, suite = containers.Report(), Suite(arguments.compose)
    report.note(run(*shlex.split(arguments.compose), "version").stdout.splitlines()[0])
    try:
        seconds = suite.up()
        wait_until(lambda: containers.says_hello(suite.url), "the gateway answers")
        report.check("from nothing to `up`", True, "%.0f s" % seconds)
        report.check("sign-up", containers.sign_up(suite.url, "ada@example.com") == "OK")
        wrong = every_service.fault(suite.url)
        report.check("one-time codes, passkeys, the dashboard, an OAuth client's token, a login by SAML", wrong is None, wrong or "")
        check_containers(suite, report)
        check_roles(suite, report)
        report.containers = {service: suite.container(service) for service in SERVICES + ["gateway", "postgres"]}
        rest = {service: memory_mib(name) for service, name in report.containers.items()}
        for walk in filter(None, arguments.walks.split(",")):
            done = subprocess.run([containers.ROOT / "tests/sdk/run.py", walk, suite.url], capture_output=True, text=True)
            report.check("SDK walk %s" % walk, done.returncode == 0, "" if done.returncode == 0 else (done.stdout + done.stderr)[-2000:])
        busy = load(suite.url, arguments.load, report)
        report.note("memory, MiB     at rest  under load")
        for service in rest:
            report.note("%-15s %7.1f %11.1f" % (service, rest[service], busy[service]))
        if arguments.monitoring:
            check_monitoring(suite, report, arguments.picture)
        if arguments.single:
            check_single(suite, report)
        suite.compose("down", "-t", "30")
        suite.env["API_KEYS"] = API_KEY
        seconds = suite.up()
        wait_until(lambda: containers.says_hello(suite.url), "the gateway answers after another start")
        report.check("data and secrets outlive `down` and `up`", containers.sign_in(suite.url, "ada@example.com", {"api-key": API_KEY}) == "OK", "%.0f s" % seconds)
        report.check("API_KEYS: without one of them, nothing", request("GET", suite.url + "/users?limit=1")[0] == 401)
        report.check("nothing ended by a fault", all(inspect(suite.container(s), "{{.RestartCount}} {{.State.OOMKilled}}") == "0 false" for s in SERVICES + ["gateway"]))
    finally:
        suite.down()
    report.exit()


if __name__ == "__main__":
    main()
