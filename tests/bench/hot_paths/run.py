#!/usr/bin/env python3
"""What each hot path costs: requests a second, latency, processor time of the server and of PostgreSQL, statements and plans.

Usage: run.py [--seconds 5] [--clients 16] [--users 3000] [--only NAME ...] [--open] [--floor] [--json FILE] [--cores SERVER POSTGRESQL LOAD] SERVER ...
A SERVER is a directory of programs (started all-in-one, or split as split:DIRECTORY), or the URL of one that runs already, of any make, with this REST interface, as PID@URL if its processor time is to be
counted (PID,PID@URL for several processes); all are measured in turn, operation by operation, in one run. One twice shows the machine's noise: the last lines say how far two servers are apart. Those that are
started share one PostgreSQL 15 that keeps what it acknowledges (fsync, synchronous_commit), with 512 MB of buffers; they hash with bcrypt of cost 4, so that a sign-in is not all hashing.

With six processors or more, half of them are the servers', a quarter PostgreSQL's and the rest the load's; --cores says which (lists as taskset takes them). Servers that run already stay where they are.

The load is wrk's (Debian: wrk), a closed loop of --clients connections, on the same machine: rates depend on the processors that are left, processor time does not. It is read from /proc in ticks of 10 ms;
statements, plans and their times from pg_stat_statements.

--open adds latencies at seven tenths of that rate, with a time for each request that does not wait for the replies to others: a stall counts for all whose time it takes.

--floor adds what PostgreSQL spends on the same statements by pgbench (floor.py), for servers that are started.
"""
import argparse
import concurrent.futures
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "..")]
from integration import harness  # noqa: E402
import floor  # noqa: E402
from operations import Operations, session_body  # noqa: E402
from processes import cpu_s, cpu_s_of_server, memory_mib, wait_until_quiet  # noqa: E402

PASSWORD = "x1234567"
POSTGRES = ("fsync=on", "synchronous_commit=on", "full_page_writes=on", "shared_buffers=512MB", "shared_preload_libraries=pg_stat_statements", "pg_stat_statements.track=top",
            "pg_stat_statements.track_planning=on")
STATISTICS = "SELECT coalesce(sum(calls), 0), coalesce(sum(plans), 0), coalesce(sum(total_plan_time), 0), coalesce(sum(total_exec_time), 0) FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = '%s')"
# No server does more of the slow ones: those that make users need a new one for each request.
NEW_USERS_A_SECOND = 5000
# --open: of the rate of the closed loop.
OPEN_PART = 0.7


class Server:
    def __init__(self, name, url, pids, postgres=None, database=None, stop=None):
        """`pids`: processes by their names."""
        self.name, self.url, self.programs, self.postgres, self.database, self.stop = name, url, pids, postgres, database, stop
        self.pids = list(pids.values())
        self.load_wrapper = []

    @classmethod
    def started(cls, text, postgres, cores=None, environment=None):
        mode, directory = text.split(":", 1) if ":" in text else (None, text)
        harness.BIN = os.path.abspath(directory)
        database = postgres.create_database()
        gatehouse = harness.Gatehouse(mode=mode, test_mode=False, postgres=postgres, database=database, environment={"LOG_LEVEL": "WARN", "BCRYPT_LOG_ROUNDS": "4", **(environment or {})})
        if cores:
            for process in gatehouse.processes.values():
                process.wrapper = ["taskset", "-c", cores]
        gatehouse.start()
        return cls(text, "http://127.0.0.1:%d" % gatehouse.port, {name: one.process.pid for name, one in gatehouse.processes.items()}, postgres, database, gatehouse.stop)

    @staticmethod
    def running(text):
        pids, url = text.split("@", 1) if "@" in text else ("", text)
        return Server(url, url.rstrip("/"), {pid: int(pid) for pid in pids.split(",") if pid})

    def connection(self):
        return http.client.HTTPConnection(urllib.parse.urlsplit(self.url).netloc)

    def call(self, connection, method, path, body):
        connection.request(method, path, json.dumps(body), {"Content-Type": "application/json", "cdi-version": "5.4", "rid": "session" if "session" in path else "emailpassword"})
        reply = connection.getresponse()
        text = reply.read()
        found = json.loads(text)
        if reply.status != 200 or found["status"] != "OK":
            sys.exit("%s: %s %s: %d %s" % (self.name, method, path, reply.status, text[:200]))
        return found

    def load(self, users):
        """Users with a password and a session each."""
        def some(numbers):
            connection = self.connection()
            made = []
            for i in numbers:
                user = self.call(connection, "POST", "/recipe/signup", {"email": Operations.email_of(i), "password": PASSWORD})["user"]["id"]
                made.append((i, user, self.call(connection, "POST", "/recipe/session", session_body(user))))
            return made
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            made = sorted(one for some_made in pool.map(some, [range(n, users, 8) for n in range(8)]) for one in some_made)
        if self.postgres:
            self.postgres.sql("VACUUM ANALYZE", self.database)
        self.operations = Operations([user for _, user, _ in made], [session for _, _, session in made], PASSWORD, lambda *request: self.call(self.connection(), *request))

    def used(self):
        """Seconds of each of the server's processes; those of PostgreSQL, and its statistics of this database."""
        programs = [cpu_s([pid]) for pid in self.pids]
        if not self.postgres:
            return programs, []
        row = self.postgres.sql(STATISTICS % self.database, "postgres")[0]
        return programs, [cpu_s_of_server(self.postgres.process.pid)] + [float(value) for value in row]

    def measure(self, name, seconds, clients, rate=None):
        self.operations.clients = clients
        lines = self.operations.lines(name, seconds * NEW_USERS_A_SECOND)
        with tempfile.TemporaryDirectory() as work:
            requests, result = os.path.join(work, "requests"), os.path.join(work, "result")
            with open(requests, "w", encoding="utf-8") as f:
                f.write("".join(row + "\n" for row in lines))
            environment = {**os.environ, "LOAD_REQUESTS": requests, "LOAD_RESULT": result, "LOAD_THREADS": str(clients), **({"LOAD_RATE": str(rate)} if rate else {})}
            before = self.used()
            subprocess.run(self.load_wrapper + ["wrk", "-t", str(clients), "-c", str(clients), "-d", "%ds" % seconds, "--timeout", "30s", "-s", os.path.join(HERE, "load.lua"), self.url],
                           check=True, env=environment, stdout=subprocess.DEVNULL)
            programs, used = ([after - earlier for earlier, after in zip(*pair)] for pair in zip(before, self.used()))
            with open(result, encoding="utf-8") as f:
                load = json.loads(f.readline())
                first_wrong = f.read()
        done = load["requests"]
        if not done or load["wrong"] or load["lost"]:
            print("  %s, %s: %d of %d replies are not what was asked for, %d lost: %s" % (self.name, name, load["wrong"], done, load["lost"], first_wrong), flush=True)
        times = max(done, 1) / Operations.REQUESTS.get(name, 1)
        row = {"requests_per_s": round(times / load["us"] * 1e6), "p50_ms": load["p50_us"] / 1000, "p99_ms": load["p99_us"] / 1000, "p999_ms": load["p999_us"] / 1000, "max_ms": load["max_us"] / 1000,
               "wrong": load["wrong"] + load["lost"]}
        if self.pids:
            row["server_ms_per_1000"] = round(sum(programs) * 1e6 / times, 1)
            row["programs_ms_per_1000"] = {program: round(seconds * 1e6 / times, 1) for program, seconds in zip(self.programs, programs) if seconds}
        if self.postgres:
            row.update({"postgres_ms_per_1000": round(used[0] * 1e6 / times, 1), "statements": round(used[1] / times, 2), "plans": round(used[2] / times, 2),
                        "planning_us": round(used[3] * 1000 / times, 1), "executing_us": round(used[4] * 1000 / times, 1)})
        return row


def cores(given):
    """Processors of the servers, PostgreSQL and the load, as taskset's lists; None where there are too few to divide."""
    here = sorted(os.sched_getaffinity(0))
    if given or len(here) < 6:
        return given
    half, rest = len(here) // 2, len(here) * 3 // 4
    return [",".join(map(str, some)) for some in (here[:half], here[half:rest], here[rest:])]


def show_apart(rows, servers):
    """How far the servers' figures are from the first one's: the least, the median and the most of all operations' ratios."""
    for number in range(1, len(servers)):
        for head in ("requests_per_s", "p99_ms", "server_ms_per_1000", "postgres_ms_per_1000", "open_p99_ms"):
            figures = [[row.get(head) for row in rows if row["number"] == which] for which in (0, number)]
            ratios = sorted(b / a for a, b in zip(*figures) if a and b)
            if ratios:
                print("%d to 0, %s: %.2f to %.2f, median %.2f" % (number, head, ratios[0], ratios[-1], statistics.median(ratios)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--users", type=int, default=3000)
    parser.add_argument("--only", nargs="+", default=list(Operations.NAMES), choices=Operations.NAMES, metavar="NAME")
    parser.add_argument("--open", action="store_true")
    parser.add_argument("--floor", action="store_true")
    parser.add_argument("--json")
    parser.add_argument("--cores", nargs=3)
    parser.add_argument("servers", nargs="+")
    options = parser.parse_args()
    pinned = cores(options.cores)
    postgres = harness.Postgres(settings=POSTGRES + (floor.SETTINGS if options.floor else ()))
    postgres.sql("CREATE EXTENSION pg_stat_statements", "postgres")
    servers = []
    report = {"seconds": options.seconds, "clients": options.clients, "users": options.users, "cores": pinned, "load_average": os.getloadavg()[1], "rows": []}
    try:
        if pinned:
            for pid in postgres.processes():
                subprocess.run(["taskset", "-a", "-p", "-c", pinned[1], str(pid)], check=True, stdout=subprocess.DEVNULL)
        for one in options.servers:
            servers.append(Server.running(one) if "://" in one else Server.started(one, postgres, pinned and pinned[0]))
            servers[-1].load_wrapper = ["taskset", "-c", pinned[2]] if pinned else []
        for server in servers:
            server.load(options.users)
            print("%s: %d users; %.0f MiB" % (server.name, options.users, memory_mib(server.pids)), flush=True)
        for server in servers:
            wait_until_quiet(server.pids)
        heads = ("requests_per_s", "p50_ms", "p99_ms", "p999_ms", "server_ms_per_1000", "postgres_ms_per_1000", "statements", "plans", "planning_us", "executing_us", "floor_ms_per_1000", "floor_connections", "open_requests_per_s", "open_p50_ms", "open_p99_ms", "open_p999_ms")
        form = "%-22s %3s %9s %8s %8s %8s %9s %9s %6s %6s %9s %9s %8s %4s %9s %8s %8s %8s"
        print(form % ("", "", "req/s", "p50 ms", "p99 ms", "p99.9", "server*", "PostgreSQL*", "stmts", "plans", "plan us", "exec us", "floor*", "by", "open /s", "p50 ms", "p99 ms", "p99.9"))
        for name in options.only:
            for number, server in enumerate(servers):
                server.measure(name, 1, options.clients)  # warm
                row = server.measure(name, options.seconds, options.clients)
                if options.open:
                    at = server.measure(name, options.seconds, options.clients, OPEN_PART * row["requests_per_s"])
                    row.update({"open_" + key: at[key] for key in ("requests_per_s", "p50_ms", "p99_ms", "p999_ms")})
                if options.floor and server.postgres and name not in Operations.REQUESTS:
                    us, row["floor_connections"] = floor.measure(server, name, options.clients, row["requests_per_s"])
                    row["floor_ms_per_1000"] = round(us, 1)
                report["rows"].append({"operation": name, "server": server.name, "number": number, **row})
                print(form % ((name, number) + tuple(row.get(head, "-") for head in heads)), flush=True)
                if len(server.programs) > 1:
                    print("    of it: " + ", ".join("%s %s" % pair for pair in sorted(row["programs_ms_per_1000"].items(), key=lambda pair: -pair[1])))
        for number, server in enumerate(servers):
            print("memory afterwards, %d: %.0f MiB" % (number, memory_mib(server.pids)))
            report.setdefault("memory_mib", []).append(round(memory_mib(server.pids)))
        show_apart(report["rows"], servers)
        print("* processor time in ms per 1,000 requests; by: pgbench's connections")
    finally:
        for server in servers:
            if server.stop:
                server.stop()
        postgres.stop()
        if options.json:
            with open(options.json, "w", encoding="utf-8") as f:
                json.dump(report, f, indent=1)


if __name__ == "__main__":
    main()
