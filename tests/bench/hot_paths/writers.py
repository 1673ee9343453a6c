#!/usr/bin/env python3
"""Writers in number: sign-ups, sessions and refreshes by 1, 4, 16 and 64 clients, and how often one waited for another's lock; then what a long time of refreshes does to the table of sessions.

Usage: writers.py [--seconds 5] [--refreshes 360000] [--users 4000] BIN
Rates are of a closed loop on the same machine (run.py). Lock waits are sampled from pg_stat_activity, some fifty times a second: waits for rows, transactions, tuples and advisory locks, by the statement that
waited. No two clients touch one user or session, so none should wait. The table's size and its updates are read from pg_stat_user_tables meanwhile, under autovacuum's defaults.
"""
import argparse
import collections
import concurrent.futures
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "..")]
from integration import harness  # noqa: E402
from processes import wait_until_quiet  # noqa: E402
from run import POSTGRES, Server  # noqa: E402

CLIENTS = (1, 4, 16, 64)
OPERATIONS = ("third party, new", "sign-up", "create", "refresh")
SAMPLE = "a sample"
WAITING = "SELECT '" + SAMPLE + "' UNION ALL SELECT wait_event || ': ' || left(translate(query, E'\\n', ' '), 60) FROM pg_stat_activity WHERE datname = '%s' AND wait_event_type = 'Lock'"
TABLE = "SELECT pg_table_size('session_info'), pg_indexes_size('session_info'), n_tup_upd, n_tup_hot_upd, n_dead_tup, autovacuum_count FROM pg_stat_user_tables WHERE relname = 'session_info'"
CLIENTS_OF_GROWTH = 16


class Waits:
    """Samples them while it is open."""

    def __init__(self, server):
        self.server, self.found = server, collections.Counter()

    def __enter__(self):
        postgres = self.server.postgres
        self.psql = subprocess.Popen([postgres.bin + "/psql", "-h", "127.0.0.1", "-p", str(postgres.port), "-U", "gatehouse", "-d", "postgres", "-X", "-A", "-t"],
                                     stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.psql.stdin.write(WAITING % self.server.database + " \\watch 0.02\n")
        self.psql.stdin.close()
        return self

    def __exit__(self, *_):
        self.psql.terminate()
        rows = collections.Counter(row.strip() for row in self.psql.stdout if row.strip())
        self.psql.stdout.close()
        self.psql.wait()
        self.samples = rows.pop(SAMPLE, 0)
        self.found = rows


def rates(server, seconds):
    print("%-20s %8s %9s %8s %8s %10s %12s %6s" % ("", "clients", "req/s", "p50 ms", "p99 ms", "wrong", "lock waits", "of"))
    for name in OPERATIONS:
        for clients in CLIENTS:
            server.measure(name, 1, clients)  # warm
            with Waits(server) as waits:
                row = server.measure(name, seconds, clients)
            print("%-20s %8d %9d %8.1f %8.1f %10d %12d %6d" % (name, clients, row["requests_per_s"], row["p50_ms"], row["p99_ms"], row["wrong"], sum(waits.found.values()), waits.samples), flush=True)
            for wait, times in waits.found.most_common(3):
                print("    %d x %s" % (times, wait))


def growth(server, refreshes):
    """Sizes of the table of sessions before, at ten points of so many refreshes of all sessions in turn, and a minute after them."""
    server.operations.chains = max(1, (len(server.operations.sessions) - server.operations.refreshed) // (2 * CLIENTS_OF_GROWTH))
    rate = server.measure("refresh", 5, CLIENTS_OF_GROWTH)["requests_per_s"]
    print("%d sessions, refreshed in turn by %d clients" % (CLIENTS_OF_GROWTH * server.operations.chains, CLIENTS_OF_GROWTH))
    print("%10s %8s %12s %12s %10s %10s %10s %10s" % ("refreshes", "after s", "table KiB", "indexes KiB", "updates", "HOT", "dead", "vacuums"))
    first = int(server.postgres.sql(TABLE, server.database)[0][2])
    begun = time.monotonic()

    def show():
        table, indexes, updates, hot, dead, vacuums = map(int, server.postgres.sql(TABLE, server.database)[0])
        print("%10d %8d %12d %12d %10d %10d %10d %10d" % (updates - first, time.monotonic() - begun, table / 1024, indexes / 1024, updates - first, hot, dead, vacuums), flush=True)
        return updates - first
    show()
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(server.measure, "refresh", max(1, round(refreshes / rate)), CLIENTS_OF_GROWTH)
        points = 1
        while not running.done():
            time.sleep(1)
            if int(server.postgres.sql(TABLE, server.database)[0][2]) - first >= points * refreshes / 10:
                points += 1
                show()
        print("%(requests_per_s)d refreshes a second, %(wrong)d wrong" % running.result())
    time.sleep(65)  # autovacuum looks every minute
    show()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=5, help="of each row; 0: only refreshes")
    parser.add_argument("--refreshes", type=int, default=360_000, help="an hour of a hundred a second, as fast as they go; 0: none")
    parser.add_argument("--users", type=int, default=4000, help="with a session each")
    parser.add_argument("bin")
    options = parser.parse_args()
    postgres = harness.Postgres(settings=POSTGRES)
    postgres.sql("CREATE EXTENSION pg_stat_statements", "postgres")
    server = Server.started(options.bin, postgres)
    try:
        server.load(options.users)
        wait_until_quiet(server.pids)
        if options.seconds:
            rates(server, options.seconds)
        if options.refreshes:
            growth(server, options.refreshes)
    finally:
        server.stop()
        postgres.stop()


if __name__ == "__main__":
    main()
