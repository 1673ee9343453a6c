#!/usr/bin/env python3
"""How fast users are imported, what memory it takes, and what it does to those who sign in meanwhile.

Usage: bulk_import.py [--users N] [--mix password|plain|everything] [--connections N] [--skip-baseline]

One all-in-one Gatehouse with its own PostgreSQL (durable as installed). Users are added by POST /bulk-import/users, 10,000 at a time, and the job is awaited. Before that, and while the job works, clients
sign in and refresh a session at a steady rate (open loop: a late answer delays no other request), and the percentiles of both are compared. Prints a JSON line. GATEHOUSE_BIN: a release build.
"""
import argparse
import json
import os
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from bench import processes  # noqa: E402
from integration import harness  # noqa: E402

BCRYPT = "$2a$10$GzEm3vKoAqnJCTWesRARCe/ovjt/07qjvcH9jbLUg44Fn77gMZkmm"
AT_ONCE = 10000


def user(n, mix):
    password = {"recipeId": "emailpassword", "email": "u%d@example.com" % n}
    if mix == "plain":
        return {"loginMethods": [{**password, "plainTextPassword": "password-%d" % n}]}
    password.update(passwordHash=BCRYPT, hashingAlgorithm="bcrypt")
    if mix == "password":
        return {"loginMethods": [password]}
    return {"externalUserId": "ext-%d" % n, "userMetadata": {"n": n}, "userRoles": [{"role": "member", "tenantIds": ["public"]}], "totpDevices": [{"secretKey": "JBSWY3DPEHPK3PXP"}],
            "loginMethods": [{**password, "isPrimary": True, "isVerified": True}, {"recipeId": "thirdparty", "thirdPartyId": "google", "thirdPartyUserId": "g%d" % n, "email": "g%d@example.com" % n}]}


class Load:
    """Sign-ins and refreshes at a steady rate, timed from the moment when each was due."""

    def __init__(self, gatehouse, rate):
        self.gatehouse, self.rate = gatehouse, rate
        self.times = {"sign_in": [], "refresh": []}
        self.errors = 0
        self.ended = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(name, offset)) for name in self.times for offset in range(4)]
        for thread in self.threads:
            thread.start()

    def run(self, name, offset):
        client = self.gatehouse.client(cdi="5.4")
        if name == "refresh":
            made = client.post("/recipe/session", {"userId": "somebody-%d" % offset, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False}).json
            token = made["refreshToken"]["token"]
        step = 4 / self.rate
        due = time.monotonic() + step * offset / 4
        while not self.ended.wait(max(0, due - time.monotonic())):
            if name == "sign_in":
                reply = client.post("/recipe/signin", {"email": "here@example.com", "password": "password1"})
            else:
                reply = client.post("/recipe/session/refresh", {"refreshToken": token, "enableAntiCsrf": False, "useDynamicSigningKey": True})
                token = reply.json["refreshToken"]["token"] if reply.status == 200 and reply.json["status"] == "OK" else token
            self.errors += reply.status != 200 or reply.json["status"] != "OK"
            self.times[name].append(time.monotonic() - due)
            due += step
        client.close()

    def end(self):
        self.ended.set()
        for thread in self.threads:
            thread.join()
        result = {"errors": self.errors}
        for name, times in self.times.items():
            times.sort()
            for percent in (50, 99):
                result["%s_p%d_ms" % (name, percent)] = round(times[min(len(times) - 1, len(times) * percent // 100)] * 1000, 1) if times else None
            result[name + "_count"] = len(times)
        return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--users", type=int, default=1000000)
    parser.add_argument("--mix", choices=("password", "plain", "everything"), default="password")
    parser.add_argument("--rate", type=float, default=8, help="sign-ins, and refreshes, a second")
    parser.add_argument("--baseline", type=float, default=20, help="seconds of load without import")
    parser.add_argument("--parallelism", default="")
    arguments = parser.parse_args()
    postgres = harness.Postgres(settings=("fsync=on", "synchronous_commit=on", "full_page_writes=on", "shared_buffers=512MB", "max_wal_size=4GB"))
    environment = {"LOG_LEVEL": "WARN", "BCRYPT_LOG_ROUNDS": "11"}
    if arguments.parallelism:
        environment["BULK_MIGRATION_PARALLELISM"] = arguments.parallelism
    gatehouse = harness.Gatehouse(mode="all-in-one", environment=environment, postgres=postgres, test_mode=False).start()
    try:
        client = gatehouse.client()
        assert client.put("/recipe/role", {"role": "member"}).status == 200
        assert client.post("/recipe/signup", {"email": "here@example.com", "password": "password1"}).status == 200
        load = Load(gatehouse, arguments.rate)
        time.sleep(arguments.baseline)
        alone = load.end()
        memory_before = processes.memory_mib(processes.pids_of(gatehouse))

        added_s, peak = 0, [0.0]
        ended = threading.Event()

        def watch():
            while not ended.wait(0.5):
                peak[0] = max(peak[0], processes.memory_mib(processes.pids_of(gatehouse)))
        watcher = threading.Thread(target=watch)
        watcher.start()
        load = Load(gatehouse, arguments.rate)
        begun = time.monotonic()
        for begin in range(0, arguments.users, AT_ONCE):
            users = [user(n, arguments.mix) for n in range(begin, min(begin + AT_ONCE, arguments.users))]
            sent = time.monotonic()
            reply = client.post("/bulk-import/users", {"users": users})
            assert reply.status == 200, reply
            added_s += time.monotonic() - sent
        quarters = []
        while True:
            left = client.get("/bulk-import/users/count", {"status": "NEW"}).json["count"]
            quarters.append((round(time.monotonic() - begun, 1), arguments.users - left))
            if left == 0:
                break
            time.sleep(max(1, arguments.users / 20000))
        seconds = time.monotonic() - begun
        meanwhile = load.end()
        ended.set()
        watcher.join()
        failed = client.get("/bulk-import/users/count").json["count"]
        there = client.get("/users/count").json["count"]
        print(json.dumps({"mix": arguments.mix, "users": arguments.users, "seconds": round(seconds, 1), "users_per_s": round(arguments.users / seconds), "of_which_adding_s": round(added_s, 1),
                          "failed": failed, "there": there, "memory_before_mib": round(memory_before), "memory_peak_mib": round(peak[0]), "alone": alone, "meanwhile": meanwhile,
                          "progress": quarters[::max(1, len(quarters) // 10)]}))
        return 0 if failed == 0 and there == arguments.users + 1 else 1
    finally:
        gatehouse.kill()
        postgres.stop()


if __name__ == "__main__":
    sys.exit(main())
