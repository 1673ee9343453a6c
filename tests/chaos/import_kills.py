#!/usr/bin/env python3
"""A bulk import by several instances that are killed all the time: every user is imported once, and none is lost.

Usage: import_kills.py [--users N] [--instances N] [--kills N] [--mode all-in-one|split] [--outage]

Instances on one database import users with everything that a user can have. At random moments, while users are being imported, one instance (of a split suite: one of its processes) is killed with
SIGKILL and started again; with --outage PostgreSQL too. In the end nothing may wait, nothing may have failed, and the tables must hold each user with all that belongs to it, once. Exit status 1 otherwise;
the last line is a JSON summary.
"""
import argparse
import collections
import json
import os
import random
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from chaos import postgres_server  # noqa: E402
from integration import harness, registry_invariants  # noqa: E402

BCRYPT = "$2a$10$GzEm3vKoAqnJCTWesRARCe/ovjt/07qjvcH9jbLUg44Fn77gMZkmm"
SETTINGS = {"LOG_LEVEL": "INFO", "BULK_MIGRATION_BATCH_SIZE": "40", "BULK_MIGRATION_PARALLELISM": "2", "BULK_MIGRATION_SLEEP_BETWEEN_ROUNDS_IN_BATCH_MS": "5", "BCRYPT_LOG_ROUNDS": "4"}
# What a split suite's import runs through.
CONCERNED = ("accounts", "users", "roles", "totp", "thirdparty", "passwordless")


def user(n):
    """Of every ten: seven with a password, two of them with an external id, and three with several login methods and everything else."""
    password = {"recipeId": "emailpassword", "email": "p%d@x.io" % n, "passwordHash": BCRYPT, "hashingAlgorithm": "bcrypt", "isVerified": n % 2 == 0, "timeJoinedInMSSinceEpoch": 1600000000000 + n}
    if n % 10 < 5:
        return {"loginMethods": [password]}
    if n % 10 < 7:
        return {"externalUserId": "ext-%d" % n, "loginMethods": [password]}
    return {"externalUserId": "ext-%d" % n, "userMetadata": {"n": n}, "userRoles": [{"role": "r1", "tenantIds": ["public"]}, {"role": "r2", "tenantIds": ["public"]}],
            "totpDevices": [{"secretKey": "JBSWY3DPEHPK3PXP", "deviceName": "phone"}, {"secretKey": "JBSWY3DPEHPK3PXQ"}],
            "loginMethods": [{**password, "isPrimary": True},
                             {"recipeId": "thirdparty", "thirdPartyId": "google", "thirdPartyUserId": "g%d" % n, "email": "t%d@x.io" % n, "isVerified": True},
                             {"recipeId": "passwordless", "email": "l%d@x.io" % n, "phoneNumber": "+1415%07d" % (5550000 + n)}]}


def expected(users):
    """How many rows each table must have for the app."""
    rows = collections.Counter()
    for n in range(users):
        methods = 3 if n % 10 >= 7 else 1
        rows["app_id_to_user_id"] += methods
        rows["emailpassword_users"] += 1
        rows["userid_mapping"] += n % 10 >= 5
        rows["emailverification_verified_emails"] += (n % 2 == 0) + (methods == 3)
        if methods == 3:
            for table in ("thirdparty_users", "passwordless_users", "user_metadata"):
                rows[table] += 1
            for table in ("user_roles", "totp_user_devices"):
                rows[table] += 2
        rows["recipe_user_tenants"] += 5 if methods == 3 else 1
        rows["recipe_user_account_infos"] += 5 if methods == 3 else 1
        rows["primary_user_tenants"] += 5 if methods == 3 else 0
    rows["bulk_import_users"] = 0
    return rows


class Run:
    def __init__(self, arguments):
        self.arguments = arguments
        self.postgres = postgres_server.Postgres() if arguments.outage else harness.Postgres()
        first = harness.Gatehouse(mode=arguments.mode, environment=SETTINGS, postgres=self.postgres).start()
        self.instances = [first] + [harness.Gatehouse(mode=arguments.mode, environment=SETTINGS, postgres=self.postgres, database=first.database)
                                    for _ in range(arguments.instances - 1)]
        for instance in self.instances[1:]:
            instance.start()
        self.kills, self.outages = collections.Counter(), 0

    def sql(self, text):
        return self.postgres.sql(text, self.instances[0].database)

    def waiting(self):
        return int(self.sql("SELECT count(*) FROM bulk_import_users WHERE status <> 'FAILED'")[0][0])

    def add(self):
        client = self.instances[0].client()
        for role in ("r1", "r2"):
            assert client.put("/recipe/role", {"role": role}).status == 200
        for begin in range(0, self.arguments.users, 1000):
            users = [user(n) for n in range(begin, min(begin + 1000, self.arguments.users))]
            reply = client.post("/bulk-import/users", {"users": users})
            assert reply.status == 200, reply
        client.close()

    def kill_one(self):
        instance = random.choice(self.instances)
        name = "gatehouse" if self.arguments.mode == "all-in-one" else random.choice(CONCERNED)
        instance.processes[name].kill()
        instance.processes[name].start()
        self.kills[name] += 1

    def run(self):
        self.add()
        end = time.monotonic() + self.arguments.seconds
        kills = 0
        while self.waiting() and time.monotonic() < end:
            # Only while users are being imported is there anything to interrupt.
            before = self.waiting()
            harness.wait_until(lambda: self.waiting() < before or not before, 90, "progress")
            time.sleep(random.uniform(0, 0.1))
            if kills < self.arguments.kills:
                self.kill_one()
                kills += 1
            if self.arguments.outage and kills % 5 == 3 and self.outages < kills // 5 + 1:
                self.postgres.signal_all(9)
                self.postgres.process.wait()
                time.sleep(1)
                self.postgres.start_again()
                self.outages += 1
        return self.check()

    def check(self):
        wrong = []
        failed = self.sql("SELECT count(*), min(error_msg) FROM bulk_import_users WHERE status = 'FAILED'")[0]
        if failed[0] != "0":
            wrong.append("failed: %s" % failed)
        for table, count in expected(self.arguments.users).items():
            rows = int(self.sql("SELECT count(*) FROM %s WHERE app_id = 'public'" % table)[0][0])
            if rows != count:
                wrong.append("%s has %d rows, not %d" % (table, rows, count))
        for name, rows in registry_invariants.broken(self.sql).items():
            wrong.append("%s: %s" % (name, rows))
        # The metadata and roles are under the id of their own user.
        strays = self.sql("""SELECT count(*) FROM userid_mapping m JOIN emailpassword_users e ON e.app_id = m.app_id AND e.user_id = m.supertokens_user_id
            WHERE 'ext-' || substring(e.email FROM 'p(.*)@') <> m.external_user_id""")[0][0]
        if strays != "0":
            wrong.append("%s external ids belong to others" % strays)
        return wrong

    def stop(self):
        for instance in self.instances:
            instance.kill()
        self.postgres.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--users", type=int, default=20000)
    parser.add_argument("--instances", type=int, default=4)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=1800, help="at most")
    parser.add_argument("--mode", choices=("all-in-one", "split"), default=harness.MODE)
    parser.add_argument("--outage", action="store_true")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 30))
    arguments = parser.parse_args()
    random.seed(arguments.seed)
    begun = time.monotonic()
    run = Run(arguments)
    try:
        wrong = run.run()
    finally:
        run.stop()
    print("\n".join(wrong))
    print(json.dumps({"ok": not wrong, "users": arguments.users, "kills": run.kills, "outages": run.outages, "seed": arguments.seed, "seconds": round(time.monotonic() - begun, 1)}))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
