#!/usr/bin/env python3
"""Looks for deadlocks and long waits: every pair of writers, then all of them, with many clients on the same users.

    GATEHOUSE_BIN=build/release/bin tests/deadlocks/hunt.py [--clients 50] [--times 4] [--mode all-in-one]

Exits with 1 when PostgreSQL found a deadlock, a lock wait took longer than 100 ms, a request failed, or the registry is inconsistent afterwards.
"""
import argparse
import itertools
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from deadlocks import oauth_writers, writers  # noqa: E402
from integration import harness, registry_invariants  # noqa: E402


def name_of(round_writers):
    return " and ".join(name for name, _ in round_writers) if len(round_writers) == 2 else "everything"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--times", type=int, default=4, help="calls of each client in each round")
    parser.add_argument("--only", help="rounds whose names this regular expression is found in, such as 'link and remove' or '^oauth .* and oauth'")
    parser.add_argument("--again", type=int, default=1, help="each round so often")
    parser.add_argument("--mode", default="all-in-one", choices=("all-in-one", "split"))
    options = parser.parse_args()
    postgres = writers.Postgres()
    gatehouse = harness.Gatehouse(mode=options.mode, postgres=postgres, environment={"BCRYPT_LOG_ROUNDS": "4"}).start()
    failed = []
    try:
        registry = writers.Registry(gatehouse)
        clients = writers.Clients(registry, options.clients)
        every = list({**registry.writers(), **registry.other_writers(), **oauth_writers.OAuth(registry.owner).writers()}.items())
        clients.run(every, 2 * options.times)  # connections prepare their statements
        warm, deadlocks_seen = len(postgres.waits()), 0
        rounds = [round_writers for round_writers in list(itertools.combinations_with_replacement(every, 2)) + [every] * 20
                  if not options.only or re.search(options.only, name_of(round_writers))] * options.again
        began = time.monotonic()
        for number, round_writers in enumerate(rounds):
            name = name_of(round_writers)
            waits = len(postgres.waits())
            replies = clients.run(round_writers, options.times, seed=number)
            failed += [(name, writer, reply) for writer, reply in replies]
            for wait in postgres.waits()[waits:]:
                print("%s: a wait of %.0f ms" % (name, wait), flush=True)
            for deadlock in postgres.deadlock_reports()[deadlocks_seen:]:
                print("%s: %s" % (name, deadlock), flush=True)
                deadlocks_seen += 1
        clients.close()
        broken = registry_invariants.broken_at_rest(gatehouse.sql)
        gatehouse.stop()  # sessions only report their counts when they end
        deadlocks, waits = postgres.deadlocks(gatehouse.database), postgres.waits()[warm:]
        print("%d rounds of %d clients in %.0f s: %d deadlocks, %d waits over 100 ms (longest %.0f ms), %d failed requests %s, broken: %s" % (
            len(rounds), options.clients, time.monotonic() - began, deadlocks, len(waits), max(waits, default=0), len(failed), failed[:3], broken))
        return 1 if deadlocks or waits or failed or broken else 0
    finally:
        gatehouse.kill()
        postgres.stop()


if __name__ == "__main__":
    sys.exit(main())
