#!/usr/bin/env python3
"""Faults under load: nothing that was acknowledged is lost, no answer is untrue, and service is back soon after the fault's end.

Usage: faults_under_load.py [--mode all-in-one|split] [--fault NAME ...] [--rounds N] [--clients N] [--recovery SECONDS] [--calm SECONDS]
       [--seed N] [--table FILE]

Honest clients, each with its own history (honest_client.py), keep working through every fault (faults.py). A round ends with a check of every acknowledged write, of the tables' invariants and of the
processes. Prints a row per round, and a JSON summary last; --table adds a Markdown row per fault to a file. Exit status 1 after a violation, a half state that stays, a crash, or a
recovery that took longer than --recovery. docs/chaos.md explains the output.
"""
import argparse
import collections
import json
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from chaos.faults import Suite, Unavailable, faults_of  # noqa: E402
from chaos.history import History  # noqa: E402
from chaos.honest_client import ROLE, HonestClient  # noqa: E402
from integration import harness, registry_invariants  # noqa: E402

# Time for background jobs to settle half states.
SETTLE_S = 90
# Trouble that lasts this long after a fault's end is a finding.
GIVE_UP_S = 60


class Round:
    def __init__(self, suite, clients, seed, calm_s=3.0):
        self.suite, self.calm_s = suite, calm_s
        app = suite.gatehouse.new_app()
        made = app.put("/recipe/role", {"role": ROLE, "permissions": []})
        if made.status != 200:
            raise AssertionError("no role: %r" % made)
        # The app's keys, since generating them would take most of a short round.
        app.post("/recipe/session", {"userId": "first", "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False})
        app.close()
        self.history = History(suite.gatehouse.port, app.app)
        self.clients = [HonestClient(self.history, "client %d" % n, random.Random("%d %d" % (seed, n))) for n in range(clients)]
        self.stopping = threading.Event()
        self.half_states, self.crashes, self.recovery_s = {}, [], 0.0

    def run(self, fault):
        threads = [threading.Thread(target=self.drive, args=(client,)) for client in self.clients]
        for thread in threads:
            thread.start()
        try:
            time.sleep(1)
            well = fault(self.suite)
            self.wait_for_calm(well)
        finally:
            self.stopping.set()
            for thread in threads:
                thread.join()
        # Late answers have arrived by now, too.
        self.recovery_s = max(0.0, self.history.last_trouble - well)
        for client in self.clients:
            client.settle()
            client.caller.close()
        self.check_tables(SETTLE_S)
        self.check_processes()

    def drive(self, client):
        while not self.stopping.is_set():
            try:
                client.step()
            except Exception as error:  # an answer that no client expects is a finding, not the end of the run
                self.history.violate("%s: %r" % (client.name, error))

    def wait_for_calm(self, well):
        """The load continues until nothing has failed or been late for a while."""
        while time.monotonic() - max(well, self.history.last_trouble) < self.calm_s:
            if time.monotonic() > well + GIVE_UP_S:
                self.history.violate("requests fail, or are late, %d s after the fault's end" % GIVE_UP_S)
                break
            time.sleep(0.02)

    def check_tables(self, settle_s):
        end = time.monotonic() + settle_s
        while True:
            self.half_states = registry_invariants.broken(self.suite.gatehouse.sql)
            if not self.half_states or time.monotonic() > end:
                break
            time.sleep(1)

    def check_processes(self):
        self.crashes = self.suite.look_at_all()

    def findings(self):
        return (self.history.violations + ["crash: " + text for text in self.crashes] + ["half state: %s: %s" % found for found in self.half_states.items()])


class Row:
    """The results of a fault, over its rounds."""

    def __init__(self, fault):
        self.fault, self.rounds, self.requests, self.answers = fault, 0, 0, collections.Counter()
        self.recoveries_s, self.slowest_s = [], 0.0
        self.violations = self.thefts = self.half_states = self.crashes = 0
        self.skipped = None

    def add(self, done):
        self.rounds += 1
        self.requests += sum(done.history.answers.values())
        self.answers.update(done.history.answers)
        self.recoveries_s.append(done.recovery_s)
        self.slowest_s = max(self.slowest_s, done.history.slowest_s)
        thefts = sum("honest refresh" in text or "session is not there" in text for text in done.history.violations)
        self.thefts += thefts
        self.violations += len(done.history.violations) - thefts
        self.half_states += len(done.half_states)
        self.crashes += len(done.crashes)

    def clean(self, recovery_s):
        return not (self.violations or self.thefts or self.half_states or self.crashes) and all(took <= recovery_s for took in self.recoveries_s)

    def json(self):
        return {"fault": self.fault, "rounds": self.rounds, "requests": self.requests, "answers": dict(sorted(self.answers.items())),
                "recovery_s": [round(took, 2) for took in self.recoveries_s], "slowest_s": round(self.slowest_s, 1), "violations": self.violations, "false_thefts": self.thefts,
                "half_states": self.half_states, "crashes": self.crashes}

    def markdown(self):
        if self.skipped:
            return "| %s | skipped: %s |" % (self.fault, self.skipped)
        errors = ", ".join("%d × %s" % (count, what) for what, count in sorted(self.answers.items()) if what != "200") or "none"
        return "| %s | %d | %d | %s | %.1f | %.1f | %d | %d | %d | %d |" % (self.fault, self.rounds, self.requests, errors, max(self.recoveries_s), self.slowest_s, self.violations,
                                                                       self.half_states, self.thefts, self.crashes)


def run_fault(suite, name, arguments):
    row = Row(name)
    fault = faults_of(arguments.mode)[name]
    for number in range(arguments.rounds):
        one = Round(suite, arguments.clients, arguments.seed + number, arguments.calm)
        try:
            one.run(fault)
        except Unavailable as reason:
            row.skipped = str(reason)
            break
        row.add(one)
        for text in one.findings()[:10]:
            print("  round %d: %s" % (number, text), flush=True)
    print(json.dumps(row.json()) if not row.skipped else "%s is skipped: %s" % (name, row.skipped), flush=True)
    return row


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mode", default=harness.MODE, choices=("all-in-one", "split"))
    parser.add_argument("--fault", nargs="*")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--calm", type=float, default=3.0, help="seconds without trouble that end a round's load")
    parser.add_argument("--recovery", type=float, default=2.0)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    parser.add_argument("--table")
    arguments = parser.parse_args()
    known = list(faults_of(arguments.mode))
    names = known if arguments.fault is None else arguments.fault
    if unknown := set(names) - set(known):
        parser.error("no such fault: %s; there are: %s" % (", ".join(sorted(unknown)), ", ".join(known)))
    print("seed %d, %s" % (arguments.seed, arguments.mode), flush=True)
    rows = []
    suite = Suite(arguments.mode)
    try:
        for name in names:
            rows.append(run_fault(suite, name, arguments))
            if arguments.table:
                with open(arguments.table, "a", encoding="utf-8") as f:
                    f.write(rows[-1].markdown() + "\n")
    finally:
        suite.stop()
    unclean = [row.fault for row in rows if not row.clean(arguments.recovery)]
    print(json.dumps({"mode": arguments.mode, "rounds": sum(row.rounds for row in rows), "requests": sum(row.requests for row in rows), "unclean": unclean,
                      "slowest_recovery_s": round(max((took for row in rows for took in row.recoveries_s), default=0), 2)}))
    return 1 if unclean else 0


if __name__ == "__main__":
    sys.exit(main())
