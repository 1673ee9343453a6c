#!/usr/bin/env python3
"""What tenants cost those who use them: as many users in one tenant, one in each tenant of many apps, and one in each tenant of one app, each on a Gatehouse of its own, in turns.

Usage: tenants.py [--tenants 10000] [--apps 500] [--seconds 4] [--rounds 3] [--only NAME ...] [--json FILE] BIN
Requests come to all tenants in turn, at a fixed rate; each has its time, and its latency counts from then on (load.lua). Processor time of the server and of PostgreSQL for 1,000 requests is measured one
Gatehouse after the other, at half of what the first answers in a closed loop; p50 and p99 of all three at the same time, each with a sixth of that rate, so that whatever else the machine does meets all of them.
Printed are medians over the rounds, their ratios to the first, and the memory of a tenant. bcrypt of cost 4.
"""
import argparse
import concurrent.futures
import json
import os
import statistics
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.join(HERE, ".."), os.path.join(HERE, "..", "..")]
from integration import harness  # noqa: E402
from operations import Operations, session_body  # noqa: E402
from processes import memory_mib, wait_until_quiet  # noqa: E402
from run import PASSWORD, POSTGRES, Server  # noqa: E402

CLIENTS = 8
OPERATIONS = ("verify", "refresh", "sign-in")


class TenantOperations(Operations):
    """The i-th user and session are in the tenant with the path `paths[i]`."""

    paths = ()

    def lines(self, name, new_users):
        first = self.refreshed if name == "refresh" else 0
        found = []
        for path, line in zip(self.paths[first:], super().lines(name, new_users)):
            method, rest = line.split("\t", 1)
            found.append(method + "\t" + path + rest)
        return found


class Subject(Server):
    def fill(self, users, apps, tenants):
        """So many apps with so many tenants each, the public one among them; users in all tenants alike."""
        places = [("/appid-app%d" % (i % apps), "t%d" % (i // apps % tenants)) for i in range(users)]
        places = [(app, "" if tenant == "t0" else "/" + tenant) for app, tenant in places]
        connection = self.connection()
        for i in range(apps):
            self.call(connection, "PUT", "/recipe/multitenancy/app/v2", {"appId": "app%d" % i})

        def some(numbers):
            connection, made = self.connection(), []
            for i in numbers:
                app, tenant = places[i]
                if tenant and i < apps * tenants:
                    self.call(connection, "PUT", app + "/recipe/multitenancy/tenant/v2", {"tenantId": tenant[1:]})
                user = self.call(connection, "POST", app + tenant + "/recipe/signup", {"email": Operations.email_of(i), "password": PASSWORD})["user"]["id"]
                made.append((i, user, self.call(connection, "POST", app + tenant + "/recipe/session", session_body(user))))
            return made
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            made = sorted(one for some_made in pool.map(some, [range(n, users, 8) for n in range(8)]) for one in some_made)
        self.postgres.sql("VACUUM ANALYZE", self.database)
        self.operations = TenantOperations([user for _, user, _ in made], [session for _, _, session in made], PASSWORD)
        self.operations.paths = [app + tenant for app, tenant in places]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tenants", type=int, default=10000)
    parser.add_argument("--apps", type=int, default=500)
    parser.add_argument("--seconds", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=OPERATIONS, default=OPERATIONS)
    parser.add_argument("--json")
    parser.add_argument("bin")
    options = parser.parse_args()
    postgres = harness.Postgres(settings=POSTGRES)
    postgres.sql("CREATE EXTENSION pg_stat_statements", "postgres")
    subjects, report = {}, {"rows": []}
    try:
        for name, apps, tenants in (("one tenant", 1, 1), ("%d apps" % options.apps, options.apps, options.tenants // options.apps), ("one app", 1, options.tenants)):
            subject = subjects[name] = Subject.started(options.bin, postgres)
            subject.fill(options.tenants, apps, tenants)
            print("%s: %d users in %d tenants" % (name, options.tenants, apps * tenants), flush=True)
        for subject in subjects.values():
            wait_until_quiet(subject.pids)
        for subject in subjects.values():  # those of each measurement, of which the first subject has one more
            subject.operations.chains = options.tenants // (2 * options.rounds + 2) // CLIENTS
        first = subjects["one tenant"]
        for operation in options.only:
            rate = first.measure(operation, 3, CLIENTS)["requests_per_s"] / 2
            alone, together = ({name: [] for name in subjects} for _ in range(2))
            for number in range(options.rounds + 1):
                for name, subject in subjects.items():
                    row = subject.measure(operation, options.seconds, CLIENTS, rate)
                    if number:  # the first warms caches
                        alone[name].append(row)
            with concurrent.futures.ThreadPoolExecutor(len(subjects)) as pool:
                for number in range(options.rounds):
                    running = {name: pool.submit(subject.measure, operation, 4 * options.seconds, CLIENTS, rate / 6) for name, subject in subjects.items()}
                    for name, one in running.items():
                        together[name].append(one.result())
            report["rows"].append({"operation": operation, "alone": alone, "together": together})
            print("%s, %d a second; at the same time %d each" % (operation, rate, rate / 6))
            for name in subjects:
                texts = []
                for label, head, rows in (("server", "server_ms_per_1000", alone), ("PostgreSQL", "postgres_ms_per_1000", alone), ("at the same time: server", "server_ms_per_1000", together),
                                          ("p50 ms", "p50_ms", together), ("p99 ms", "p99_ms", together)):
                    figure, least = (statistics.median(row[head] for row in rows[which]) for which in (name, "one tenant"))
                    texts.append("%s %.2f (%.2f)" % (label, figure, figure / least if least else 1))
                print("    %-12s %s  wrong %d" % (name, "; ".join(texts), sum(row["wrong"] for row in alone[name] + together[name])), flush=True)
        report["memory_mib"] = {name: memory_mib(subject.pids) for name, subject in subjects.items()}
        least = report["memory_mib"]["one tenant"]
        print("memory: " + ", ".join("%s %.1f MiB (%.1f KiB a tenant)" % (name, mib, (mib - least) * 1024 / options.tenants) for name, mib in report["memory_mib"].items()))
        print("load average: %.1f" % os.getloadavg()[1])
    finally:
        for subject in subjects.values():
            subject.stop()
        postgres.stop()
        if options.json:
            with open(options.json, "w", encoding="utf-8") as f:
                json.dump(report, f, indent=1)


if __name__ == "__main__":
    main()
