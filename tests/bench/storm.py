#!/usr/bin/env python3
"""What a storm of sign-ins does to those who are signed in: latencies of session verify and refresh at a steady rate, calm and while twice as many sign-ins come as can be hashed.

Usage: storm.py [--seconds 20] [--rounds 3] [--verify 200] [--refresh 40] [--times 2] [--cost 11] [--json FILE] SERVER ...
A SERVER as in hot_paths/run.py, for example build/release/bin and split:build/release/bin. Of each: what it can hash is measured first, by as many clients as keep it busy; then calm and storm take turns. Every request
has its time, whatever became of those before it, and its latency counts from then on (hot_paths/load.lua). The storm's sign-ins come at their rate too, each on a connection of its own; verify and refresh
are measured once the first of them has been refused. Refusals, statuses and what failed are counted. Medians over the rounds, and the range.
"""
import argparse
import asyncio
import collections
import concurrent.futures
import copy
import json
import os
import statistics
import sys
import threading
import time
import urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "hot_paths"), os.path.join(HERE, "..")]
from integration import harness  # noqa: E402
from operations import Operations  # noqa: E402
from processes import wait_until_quiet  # noqa: E402
from run import PASSWORD, POSTGRES, Server  # noqa: E402

CLIENTS = {"verify": 8, "refresh": 4}
UNTIL_REFUSED_S = 60
FIGURES = ("p50_ms", "p99_ms", "max_ms")


class Storm:
    """Sign-ins at a rate, while it is open."""

    def __init__(self, server, rate, users):
        self.where, self.rate, self.users = urllib.parse.urlsplit(server.url), rate, users
        self.replies = []  # (status, or the name of what went wrong; seconds)
        self.ended = threading.Event()

    async def sign_in(self, number):
        begun = time.monotonic()
        try:
            reader, writer = await asyncio.open_connection(self.where.hostname, self.where.port)
            body = json.dumps({"email": Operations.email_of(number % self.users), "password": PASSWORD}).encode()
            writer.write(b"POST /recipe/signin HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\ncdi-version: 5.4\r\nrid: emailpassword\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
            text = await reader.read()
            status = int(text.split(b" ", 2)[1])
            if status == 200 and b'"status":"OK"' not in text:
                status = "200, not OK"
            writer.close()
        except (OSError, ValueError, IndexError) as error:
            status = type(error).__name__
        self.replies.append((status, time.monotonic() - begun))

    async def all(self):
        due, running, number = time.monotonic(), set(), 0
        while not self.ended.is_set():
            await asyncio.sleep(max(0, due - time.monotonic()))
            task = asyncio.ensure_future(self.sign_in(number))
            running.add(task)
            task.add_done_callback(running.discard)
            number, due = number + 1, due + 1 / self.rate
        await asyncio.gather(*running)

    def __enter__(self):
        self.thread = threading.Thread(target=lambda: asyncio.run(self.all()))
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()

    def counts(self):
        return collections.Counter(str(status) for status, _ in self.replies)


def steady(server, options):
    """Verify and refresh at the same time; {operation: row}."""
    with concurrent.futures.ThreadPoolExecutor(len(CLIENTS)) as pool:
        # Each notes its own number of clients.
        servers = {"verify": copy.copy(server), "refresh": server}
        servers["verify"].operations = copy.copy(server.operations)
        running = {name: pool.submit(one.measure, name, options.seconds, CLIENTS[name], getattr(options, name)) for name, one in servers.items()}
        return {name: one.result() for name, one in running.items()}


def measured(server, options):
    capacity = server.measure("sign-in", 10, 4 * len(os.sched_getaffinity(0)))["requests_per_s"]
    rate = options.times * capacity
    print("%s: %d sign-ins a second can be hashed; the storm has %d" % (server.name, capacity, rate), flush=True)
    rounds = {"calm": [], "storm": []}
    counts, slowest = collections.Counter(), 0
    for _ in range(options.rounds):
        wait_until_quiet(server.pids, 0.05)
        rounds["calm"].append(steady(server, options))
        with Storm(server, rate, len(server.operations.users)) as storm:
            harness.wait_until(lambda: "429" in storm.counts(), UNTIL_REFUSED_S, "a refusal")
            rounds["storm"].append(steady(server, options))
        counts.update(storm.counts())
        slowest = max([slowest] + [seconds for status, seconds in storm.replies])
    print("sign-ins: %s; the slowest reply after %.1f s" % (", ".join("%d times %s" % (times, status) for status, times in counts.most_common()), slowest))
    report = {"server": server.name, "hashed_per_s": capacity, "storm_per_s": rate, "replies": counts, "load_average": os.getloadavg()[1], "rounds": rounds}
    for name in CLIENTS:
        for when, found in rounds.items():
            rows = [row[name] for row in found]
            print("%-8s %-6s %5d/s " % (name, when, rows[0]["requests_per_s"]) + "  ".join(
                "%s %.1f (%.1f to %.1f)" % (figure, statistics.median(row[figure] for row in rows), min(row[figure] for row in rows), max(row[figure] for row in rows)) for figure in FIGURES)
                + "  wrong %d" % sum(row["wrong"] for row in rows), flush=True)
        calm, storm = (statistics.median(row[name]["p99_ms"] for row in rounds[when]) for when in ("calm", "storm"))
        print("%-8s p99 in the storm: %.2f times the calm one" % (name, storm / calm), flush=True)
    return report


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--verify", type=float, default=200, help="requests a second")
    parser.add_argument("--refresh", type=float, default=40, help="requests a second")
    parser.add_argument("--times", type=float, default=2, help="what can be hashed")
    parser.add_argument("--cost", type=int, default=11, help="bcrypt's")
    parser.add_argument("--json")
    parser.add_argument("servers", nargs="+")
    options = parser.parse_args()
    postgres = harness.Postgres(settings=POSTGRES)
    postgres.sql("CREATE EXTENSION pg_stat_statements", "postgres")
    reports = []
    try:
        for one in options.servers:
            server = Server.running(one) if "://" in one else Server.started(one, postgres, environment={"BCRYPT_LOG_ROUNDS": str(options.cost)})
            try:
                server.load(2 * CLIENTS["refresh"] * options.rounds)
                reports.append(measured(server, options))
            finally:
                if server.stop:
                    server.stop()
    finally:
        postgres.stop()
        if options.json:
            with open(options.json, "w", encoding="utf-8") as f:
                json.dump(reports, f, indent=1)


if __name__ == "__main__":
    main()
