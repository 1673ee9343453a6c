#!/usr/bin/env python3
"""Rolling restarts of containers under load: no request lost, no session broken.

    rolling.py [--rounds 10] [--clients 6] [--pause SECONDS] [all-in-one | split]

all-in-one: two containers on one database behind deploy/balancer (HAProxy); in each round both are replaced, one after the other, as an upgrade does: stopped, removed, started anew with the next address.
split: docker-compose.yml with two replicas of every service and of the gateway, behind the same balancer; in each round the first replica of each is restarted, all at once, then the second.
The balancer repeats no request, only connections that it can't make. --pause is what a replica that is back is given until the next one goes. Leaves nothing behind. Exits with 77 where there is no Docker or no image, with 1 when anything was lost.
"""
import argparse
import collections
import os
import random
import shlex
import shutil
import time
from concurrent.futures import ThreadPoolExecutor

import containers
import every_service
from clients import Clients
from containers import SERVICES, docker, inspect, request, run, wait_until

USER, PASSWORD = "gatehouse", "horse-battery-71"
BALANCER = containers.ROOT / "deploy/balancer"
GRACE_S = "30"


class Balanced:
    """What both ways have: the balancer's ports, and what it says of its servers."""

    def __init__(self):
        self.port, self.state_port = containers.free_port(), containers.free_port()
        self.haproxy = containers.image_or_stand_in("HAPROXY_IMAGE", "haproxy:2.6", "haproxy")

    def state(self):
        status, text = request("GET", "http://127.0.0.1:%d/state;csv" % self.state_port)
        lines = text.splitlines() if status == 200 else ["# pxname"]
        names = lines[0].lstrip("# ").split(",")
        return [row for line in lines[1:] if (row := dict(zip(names, line.split(","))))["pxname"] == "gatehouse"]

    def servers_up(self):
        return sum(row["svname"] != "BACKEND" and row["status"].startswith("UP") for row in self.state())

    def connections_tried_again(self):
        return sum(int(row["wretr"]) for row in self.state() if row["svname"] == "BACKEND")


def ready(container):
    return docker("exec", container, "gatehouse", "health", check=False).returncode == 0


def stop(container, report):
    docker("stop", "-t", GRACE_S, container)
    status = inspect(container, "{{.State.ExitCode}} {{.State.OOMKilled}}")
    if status != "0 false":
        report.check("%s ends with 0" % container, False, "%s\n%s" % (status, containers.logs(container)[-1500:]))


class AllInOne(Balanced):
    def __init__(self, report):
        super().__init__()
        self.report = report
        self.name = "gatehouse-rolling-%d" % os.getpid()
        self.started = 0
        self.running = []

    def up(self):
        docker("network", "create", self.name)
        postgres = containers.image_or_stand_in("POSTGRES_IMAGE", "postgres:15", "postgres")
        docker("run", "-d", "--name", self.name + "-postgres", "--network", self.name, "--network-alias", "postgres", "-e", "POSTGRES_USER=" + USER, "-e",
               "POSTGRES_PASSWORD=" + PASSWORD, "-e", "POSTGRES_DB=gatehouse", postgres)
        docker("run", "-d", "--name", self.name + "-balancer", "--network", self.name, "-p", "127.0.0.1:%d:3567" % self.port, "-p", "127.0.0.1:%d:8404" % self.state_port,
               "-e", "GATEHOUSE_NAME=gatehouse", "-v", "%s:/etc/gatehouse/haproxy.cfg:ro" % (BALANCER / "haproxy.cfg"), "--entrypoint", "haproxy", self.haproxy,
               "-W", "-db", "-f", "/etc/gatehouse/haproxy.cfg")
        for _ in range(2):
            self.start()

    def start(self):
        self.started += 1
        container = "%s-%d" % (self.name, self.started)
        settings = [word for item in every_service.SECRET_KEY.items() for word in ("-e", "%s=%s" % item)]
        docker("run", "-d", "--name", container, "--network", self.name, "--network-alias", "gatehouse", *settings, "-e",
               "POSTGRESQL_CONNECTION_URI=postgresql://%s:%s@postgres/gatehouse" % (USER, PASSWORD), "gatehouse")
        self.running.append(container)
        wait_until(lambda: ready(container), container + " is ready")
        wait_until(lambda: self.servers_up() == len(self.running), "the balancer has found it")

    def round(self, pause_s):
        for _ in range(2):
            old = self.running.pop(0)
            stop(old, self.report)
            docker("rm", "-v", old)
            self.start()
            time.sleep(pause_s)

    def down(self):
        for name in docker("ps", "-aq", "--filter", "name=" + self.name).stdout.split():
            docker("rm", "-f", "-v", name, check=False)
        docker("network", "rm", self.name, check=False)


class Split(Balanced):
    def __init__(self, report, command):
        super().__init__()
        self.report = report
        self.command = shlex.split(command) + ["-p", "gatehouse-rolling-%d" % os.getpid(), "-f", "docker-compose.yml", "-f", "deploy/balancer/compose.yml"]
        # Below the ports that others get at random: a gateway that comes back needs its own again.
        first = random.randrange(20000, 30000, 10)
        self.env = {**os.environ, **every_service.SECRET_KEY, "DOCKER_BUILDKIT": "1", "POSTGRES_IMAGE": containers.image_or_stand_in("POSTGRES_IMAGE", "postgres:15", "postgres"), "HAPROXY_IMAGE": self.haproxy,
                    "GATEHOUSE_PORT": "127.0.0.1:%d-%d" % (first, first + 9), "BALANCER_PORT": str(self.port), "BALANCER_STATE_PORT": str(self.state_port)}

    def compose(self, *arguments, check=True):
        return run(*self.command, *arguments, env=self.env, check=check)

    def up(self):
        scale = [part for name in SERVICES + ["gateway"] for part in ("--scale", name + "=2")]
        self.compose("up", "-d", *scale)
        replicas = [self.compose("ps", "-q", name).stdout.split() for name in SERVICES + ["gateway"]]
        self.halves = [[each[half] for each in replicas] for half in range(2)]
        self.await_all(self.halves[0] + self.halves[1])

    def await_all(self, wanted):
        for container in wanted:
            wait_until(lambda: ready(container), inspect(container, "{{.Name}}") + " is ready")
        wait_until(lambda: self.servers_up() == 2, "the balancer has both gateways")

    def round(self, pause_s):
        for half in self.halves:
            with ThreadPoolExecutor(len(half)) as pool:
                list(pool.map(lambda container: stop(container, self.report), half))
                list(pool.map(lambda container: docker("start", container), half))
            self.await_all(half)
            time.sleep(pause_s)

    def down(self):
        self.compose("down", "-v", "-t", "10", check=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("way", nargs="*", choices=["all-in-one", "split", []])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--clients", type=int, default=6)
    parser.add_argument("--pause", type=float)
    parser.add_argument("--compose", default="docker-compose" if shutil.which("docker-compose") else "docker compose")
    arguments = parser.parse_args()
    containers.skip_without(*containers.IMAGES)

    report = containers.Report()
    for way in arguments.way or ["all-in-one", "split"]:
        suite = AllInOne(report) if way == "all-in-one" else Split(report, arguments.compose)
        # docs/running.md: what peers of a service take to find the address of another replica.
        pause_s = arguments.pause if arguments.pause is not None else 0 if way == "all-in-one" else 15
        clients, begin = None, time.monotonic()
        try:
            suite.up()
            wait_until(lambda: containers.says_hello("http://127.0.0.1:%d" % suite.port), "the balancer answers")
            clients = Clients(suite.port, arguments.clients)
            clients.start()
            for number in range(arguments.rounds):
                suite.round(pause_s)
                report.note("%s, round %d: %d requests, %d lost, %d sessions, %d broken, %d connections tried again" % (
                    way, number + 1, clients.sent, len(clients.lost), clients.sessions, len(clients.broken), suite.connections_tried_again()))
        finally:
            if clients:
                clients.stop()
            if report.failed or (clients and clients.lost):
                for name in docker("ps", "-aq", "--filter", "name=gatehouse-rolling-%d" % os.getpid()).stdout.split():
                    faults = [line[:300] for line in containers.logs(name).splitlines() if '"level":"error"' in line or '"event":"call_lost"' in line or " is DOWN" in line]
                    if faults:
                        report.note("%s: %d\n       %s" % (inspect(name, "{{.Name}}"), len(faults), "\n       ".join(faults[-6:])))
            suite.down()
        # Without the time, and what differs from one to the next.
        for text, count in collections.Counter(text.split(" ", 1)[1].split("?")[0] for text in clients.lost + clients.broken).most_common(12):
            report.note("%d times: %s" % (count, " ".join(text.split())))
        report.check("%s: no request lost" % way, not clients.lost, "%d of %d, %d rounds, %.0f s; p50 %.0f, p99 %.0f, longest %.0f ms" % (
            len(clients.lost), clients.sent, arguments.rounds, time.monotonic() - begin, clients.percentile_ms(0.5), clients.percentile_ms(0.99), clients.percentile_ms(1)))
        report.check("%s: no session broken" % way, clients.sessions > 0 and not clients.broken, "%d of %d" % (len(clients.broken), clients.sessions))
    report.exit()


if __name__ == "__main__":
    main()
