#!/usr/bin/env python3
"""What one app's requests take while another storms, of two builds: p50 and p99 of one client, alone and meanwhile.

Usage: fair_shares.py [--seconds 4] [--storm 256] BEFORE AFTER
BEFORE and AFTER are directories of programs, each started all-in-one, or split as split:DIRECTORY, on one PostgreSQL that keeps what it acknowledges. The storm is a closed loop of
--storm clients that ask for the same service: 256 wait in its queue, 3,000 are more than it has places for. Both loads are wrk's, on the same machine, so that the storm takes processors from the one client too:
compare the columns, not the milliseconds. "wrong" are replies other than 200.
"""
import argparse
import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, "hot_paths"), HERE, os.path.join(HERE, "..")]
from integration import harness  # noqa: E402
from processes import wait_until_quiet  # noqa: E402
from run import POSTGRES, Server  # noqa: E402

USERS = 200
# What is measured: what the storm asks for meanwhile.
OPERATIONS = {"verify with database": "verify with database", "refresh": "verify with database", "get user": "get user", "sign-in": "sign-in"}
STORM_THREADS = 2


class App(Server):
    """An app of a started server."""

    def __init__(self, server, name):
        super().__init__(server.name, server.url, server.programs, server.postgres, server.database)
        self.path = ""
        self.call(self.connection(), "PUT", "/recipe/multitenancy/app/v2", {"appId": name})
        self.path = "/appid-" + name
        self.load(USERS)
        lines = self.operations.lines
        self.operations.lines = lambda operation, new: [one.replace("\t", "\t" + self.path, 1) for one in lines(operation, new)]

    def call(self, connection, method, path, body):
        return super().call(connection, method, self.path + path, body)


class Storm:
    """Runs while it is open."""

    def __init__(self, app, operation, clients):
        self.app, self.clients = app, clients
        self.work = tempfile.TemporaryDirectory()
        app.operations.clients = clients
        with open(self.path("requests"), "w", encoding="utf-8") as f:
            f.write("".join(row + "\n" for row in app.operations.lines(operation, 0)))

    def path(self, name):
        return os.path.join(self.work.name, name)

    def __enter__(self):
        environment = {**os.environ, "LOAD_REQUESTS": self.path("requests"), "LOAD_RESULT": self.path("result"), "LOAD_THREADS": str(STORM_THREADS)}
        self.process = subprocess.Popen(["wrk", "-t", str(STORM_THREADS), "-c", str(self.clients), "-d", "600s", "--timeout", "60s", "-s", os.path.join(HERE, "hot_paths", "load.lua"), self.app.url],
                                        env=environment, stdout=subprocess.DEVNULL)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.work.cleanup()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--storm", type=int, default=256)
    parser.add_argument("--only", nargs="+", default=list(OPERATIONS), choices=list(OPERATIONS))
    parser.add_argument("before")
    parser.add_argument("after")
    options = parser.parse_args()
    postgres = harness.Postgres(settings=POSTGRES)
    postgres.sql("CREATE EXTENSION pg_stat_statements", "postgres")
    servers = []
    try:
        apps = []
        for name, directory in (("before", options.before), ("after", options.after)):
            server = Server.started(directory, postgres)
            servers.append(server)
            apps.append((name, App(server, "calm"), App(server, "storm")))
        for server in servers:
            wait_until_quiet(server.pids)
        print("%-22s %-8s %22s %34s" % ("", "", "alone", "while %d clients storm" % options.storm))
        print("%-22s %-8s %10s %11s %10s %11s %11s" % ("", "", "p50 ms", "p99 ms", "p50 ms", "p99 ms", "wrong"))
        for operation in options.only:
            for name, calm, storm in apps:
                calm.measure(operation, 1, 1)  # warm
                alone = calm.measure(operation, options.seconds, 1)
                with Storm(storm, OPERATIONS[operation], options.storm):
                    calm.measure(operation, 1, 1)  # until all of it is under way
                    row = calm.measure(operation, options.seconds, 1)
                print("%-22s %-8s %10.2f %11.2f %10.2f %11.2f %11d" % (operation, name, alone["p50_ms"], alone["p99_ms"], row["p50_ms"], row["p99_ms"], row["wrong"]), flush=True)
                wait_until_quiet(calm.pids)
    finally:
        for server in servers:
            server.stop()
        postgres.stop()


if __name__ == "__main__":
    main()
