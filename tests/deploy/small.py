#!/usr/bin/env python3
"""512 MB and a quarter of a processor, as the smallest tasks of AWS have: all-in-one starts, serves, answers a storm of sign-ins with 200 or 429, and is not killed for its memory.

    small.py [--seconds 40] [--clients 150] [case...]

A case is a database (external, embedded) and how passwords are hashed (bcrypt, argon2, argon2x4: four at once): by default all of external, and embedded-argon2.
During the storm others look at their sessions; they have to be answered. Leaves nothing behind. Exits with 77 where there is no Docker or no image.
"""
import argparse
import collections
import http.client
import json
import os
import threading
import time
from pathlib import Path

import containers
from containers import docker, inspect, memory_mib, request, wait_until

LIMITS = ["--memory", "512m", "--memory-swap", "512m", "--cpus", "0.25"]
HASHING = {"bcrypt": {"PASSWORD_HASHING_ALG": "BCRYPT"}, "argon2": {"PASSWORD_HASHING_ALG": "ARGON2"},
           "argon2x4": {"PASSWORD_HASHING_ALG": "ARGON2", "ARGON2_HASHING_POOL_SIZE": "4"}}
CASES = ["external-bcrypt", "external-argon2", "external-argon2x4", "embedded-argon2"]
PASSWORD = "correct horse 1"
USERS = 4
# A request's own time (gatehouse_request_timeout_ms) is 30 s; nothing may take longer.
LONGEST_S = 31


class Storm:
    """Clients that sign in again and again; and some that do what needs no password."""

    def __init__(self, port, session):
        self.port, self.session = port, session
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.answers = {"sign-in": collections.Counter(), "hello": collections.Counter(), "verify": collections.Counter(), "session": collections.Counter()}
        self.times_s = collections.defaultdict(list)

    def call(self, what, connection, method, path, body=None):
        begin = time.monotonic()
        try:
            connection.request(method, path, None if body is None else json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            text, status = response.read(), response.status
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            text, status = b"", type(error).__name__
        with self.lock:
            self.answers[what][status] += 1
            self.times_s[what, status].append(time.monotonic() - begin)
        return text

    def sign_in(self, number):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self.stop.is_set():
            self.call("sign-in", connection, "POST", "/recipe/signin", {"email": "user%d@example.com" % (number % USERS), "password": PASSWORD})
            self.stop.wait(0.2)  # a refused client does not come back at once
        connection.close()

    def others(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while not self.stop.is_set():
            self.call("hello", connection, "GET", "/hello")
            for with_database in (False, True):
                self.call("verify", connection, "POST", "/recipe/session/verify", {"accessToken": self.session, "doAntiCsrfCheck": False, "enableAntiCsrf": False, "checkDatabase": with_database})
            self.call("session", connection, "POST", "/recipe/session", {"userId": "someone", "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False})
            self.stop.wait(0.5)
        connection.close()

    def run(self, clients, seconds):
        threads = [threading.Thread(target=self.sign_in, args=(n,)) for n in range(clients)] + [threading.Thread(target=self.others) for _ in range(2)]
        for thread in threads:
            thread.start()
        time.sleep(seconds)  # how long the storm lasts
        self.stop.set()
        for thread in threads:
            thread.join()

    def quantile(self, what, share, status=200):
        ordered = sorted(self.times_s[what, status])
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def peak_mib(container):
    """The most that the container's group has had, page cache and all; None where it can't be read."""
    identity = inspect(container, "{{.Id}}")
    for path in ("/sys/fs/cgroup/memory/docker/%s/memory.max_usage_in_bytes", "/sys/fs/cgroup/system.slice/docker-%s.scope/memory.peak", "/sys/fs/cgroup/docker/%s/memory.peak"):
        if (file := Path(path % identity)).exists():
            return int(file.read_text()) / 1048576
    return None


def try_case(report, case, arguments, network, uri):
    database, hashing = case.split("-")
    environment = dict(HASHING[hashing])
    if database == "external":
        environment["POSTGRESQL_CONNECTION_URI"] = uri
    port = containers.free_port()
    url = "http://127.0.0.1:%d" % port
    options = [part for key, value in environment.items() for part in ("-e", "%s=%s" % (key, value))]
    begin = time.monotonic()
    container = docker("run", "-d", "--restart", "on-failure", "--name", "%s-%s" % (network, case), "--network", network, "-p", "127.0.0.1:%d:3567" % port, *LIMITS, *options, "gatehouse").stdout.strip()
    try:
        wait_until(lambda: containers.says_hello(url), case + " answers")
        report.check("%s: starts" % case, True, "%.1f s" % (time.monotonic() - begin))
        rest = memory_mib(container)
        for number in range(USERS):
            status, text = request("POST", url + "/recipe/signup", {"email": "user%d@example.com" % number, "password": PASSWORD})
            assert status == 200, text
        status, text = request("POST", url + "/recipe/session", {"userId": "someone", "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False})
        storm = Storm(port, json.loads(text)["accessToken"]["token"])
        worst = [0.0]

        def watch():
            while not storm.stop.is_set():
                worst[0] = max(worst[0], memory_mib(container))

        watcher = threading.Thread(target=watch)
        watcher.start()
        storm.run(arguments.clients, arguments.seconds)
        watcher.join()
        signed_in = storm.answers["sign-in"]
        longest = max(seconds for times in storm.times_s.values() for seconds in times)
        report.check("%s: every sign-in is answered 200 or 429" % case, set(signed_in) <= {200, 429} and signed_in[200] > 0, "%s; 200: p50 %.1f s, longest %.1f s; 429: p50 %.2f s" % (
            dict(signed_in), storm.quantile("sign-in", 0.5), storm.quantile("sign-in", 1), storm.quantile("sign-in", 0.5, 429)))
        report.check("%s: no answer takes longer than a request may" % case, longest < LONGEST_S, "%.1f s" % longest)
        for what in ("hello", "verify", "session"):
            report.check("%s: during the storm, %s" % (case, what), set(storm.answers[what]) == {200}, "%s; p50 %.2f, p99 %.2f s" % (dict(storm.answers[what]), storm.quantile(what, 0.5), storm.quantile(what, 0.99)))
        begin = time.monotonic()
        wait_until(lambda: containers.sign_in(url, "user1@example.com") == "OK", "a sign-in after the storm")
        report.check("%s: serves after the storm" % case, True, "sign-in in %.1f s" % (time.monotonic() - begin))
        state = inspect(container, "{{.State.OOMKilled}} {{.RestartCount}} {{.State.Running}}")
        peak = peak_mib(container)
        report.check("%s: never killed" % case, state == "false 0 true", "memory: %.0f MiB at rest, %.0f MiB in the storm%s" % (rest, worst[0], "" if peak is None else ", at most %.0f with the page cache" % peak))
    except AssertionError as error:
        report.check(case, False, "%s\n%s" % (error, containers.logs(container)[-1500:]))
    finally:
        docker("rm", "-f", "-v", container, check=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", default=CASES)
    parser.add_argument("--seconds", type=int, default=40)
    parser.add_argument("--clients", type=int, default=150)
    arguments = parser.parse_args()
    containers.skip_without("gatehouse")
    report, network = containers.Report(), "gatehouse-small-%d" % os.getpid()
    docker("network", "create", network)
    try:
        postgres = containers.image_or_stand_in("POSTGRES_IMAGE", "postgres:15", "postgres")
        for case in arguments.cases:
            docker("run", "-d", "--name", network + "-postgres", "--network", network, "--network-alias", "postgres", "-e", "POSTGRES_USER=gatehouse", "-e", "POSTGRES_PASSWORD=horse", "-e",
                   "POSTGRES_DB=gatehouse", postgres)
            try:
                try_case(report, case, arguments, network, "postgresql://gatehouse:horse@postgres/gatehouse")
            finally:
                docker("rm", "-f", "-v", network + "-postgres", check=False)
    finally:
        docker("network", "rm", network, check=False)
    report.exit()


if __name__ == "__main__":
    main()
