#!/usr/bin/env python3
"""Faults under load: nothing that was acknowledged is lost, nobody is told what is none of theirs, and all is well soon after the fault's end.

Usage: faults_under_load.py [--mode all-in-one|split] [--fault NAME ...] [--rounds N] [--clients N] [--recovery SECONDS]

Clients with a history each (history.py) go on through every fault (faults.py). A round ends with a check of every acknowledged write and of the tables' invariants. Prints a row a
fault, and a JSON summary last; exit status 1 after a violation, a half state that stays, or a recovery that took longer than --recovery.
"""
import argparse
import json
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from chaos.faults import FAULTS, Suite  # noqa: E402
from chaos.history import Client, History  # noqa: E402
from integration import harness, registry_invariants  # noqa: E402

# What the background settles gets this long.
SETTLE_S = 90


class Round:
    def __init__(self, suite, fault, clients, seed):
        self.suite, self.fault = suite, fault
        self.history = History(suite.gatehouse.port, suite.gatehouse.new_app().app)
        self.clients = [Client(self.history, "client %d" % n, random.Random("%d %d" % (seed, n))) for n in range(clients)]
        self.stopping = threading.Event()
        self.half_states = {}

    def run(self):
        threads = [threading.Thread(target=self.drive, args=(client,)) for client in self.clients]
        for thread in threads:
            thread.start()
        time.sleep(1)
        well = FAULTS[self.fault](self.suite)
        # Load goes on until nothing failed for a while; the last failure says how long the recovery took.
        harness.wait_until(lambda: time.monotonic() - max(well, self.history.last_failure) > 3, 60, "the end of failures")
        self.recovery_s = max(0.0, self.history.last_failure - well)
        self.stopping.set()
        for thread in threads:
            thread.join()
        for client in self.clients:
            client.settle()
        self.check_tables()
        self.check_processes()
        return self

    def drive(self, client):
        while not self.stopping.is_set():
            try:
                client.step()
            except Exception as error:  # an answer that no client expects is a finding, not the end of the run
                self.history.violate("%s: %r" % (client.name, error))

    def check_tables(self):
        end = time.monotonic() + SETTLE_S
        while True:
            self.half_states = registry_invariants.broken(self.suite.gatehouse.sql)
            if not self.half_states or time.monotonic() > end:
                break
            time.sleep(1)
        for name, rows in self.half_states.items():
            self.history.violate("tables: %s: %s" % (name, rows))

    def check_processes(self):
        for name, process in self.suite.gatehouse.processes.items():
            if process.process.poll() is not None:
                self.history.violate("%s ended with %d: %s" % (name, process.process.returncode, process.log()[-500:]))

    def row(self):
        answers = self.history.answers
        return {"fault": self.fault, "requests": sum(answers.values()), "answers": dict(sorted(answers.items())), "recovery_s": round(self.recovery_s, 2),
                "slowest_s": round(self.history.slowest_s, 1), "half_states": len(self.half_states), "violations": len(self.history.violations)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mode", default=harness.MODE, choices=("all-in-one", "split"))
    parser.add_argument("--fault", nargs="*", default=list(FAULTS), choices=list(FAULTS))
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--recovery", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    arguments = parser.parse_args()
    print("seed %d, %s" % (arguments.seed, arguments.mode), flush=True)
    suite = Suite(arguments.mode)
    failed = False
    rows = []
    try:
        for number in range(arguments.rounds):
            for fault in arguments.fault:
                done = Round(suite, fault, arguments.clients, arguments.seed + number).run()
                rows.append(done.row())
                print(json.dumps(rows[-1]), flush=True)
                for text in done.history.violations[:10]:
                    print("  " + text, flush=True)
                failed |= bool(done.history.violations) or done.recovery_s > arguments.recovery
    finally:
        suite.stop()
    print(json.dumps({"rounds": len(rows), "requests": sum(row["requests"] for row in rows), "violations": sum(row["violations"] for row in rows),
                      "slowest_recovery_s": max((row["recovery_s"] for row in rows), default=0)}))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
