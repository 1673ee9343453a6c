#!/usr/bin/env python3
"""Users at several sizes of an app, side by side: sign-up, sign-in, look-up, listing, search and counting.

Usage: listing.py [--sizes 1000 100000 1000000] [--requests 200] [--only WORD ...] [--json FILE] [BIN_DIR]
Loads so many users (generate_users.py) into databases of one private PostgreSQL server, starts a Gatehouse on each, and asks all in turn, twenty requests at a time, each of another user, on a persistent
connection. For each operation and size: the median and the fastest reply in ms, the client's time included; processor time of the server and of PostgreSQL a request; pages that PostgreSQL looked at for a
request (pg_stat_statements). At the end of a row, the largest by the smallest of the sizes' fastest replies, and of the processor times of both together.

PostgreSQL keeps what it acknowledges; 512 MB of shared buffers. Passwords are hashed by bcrypt of cost 4.
"""
import argparse
import base64
import hashlib
import json
import os
import statistics
import sys
import time
import uuid

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [os.path.dirname(HERE), HERE]
import generate_users  # noqa: E402
from integration import harness  # noqa: E402
from processes import ThreadTimes, pids_of, wait_until_quiet  # noqa: E402

PAGE = 50
BATCH = 20
WARM = 10  # the first ones plan
DAY = 86400000
PASSWORD = "correct horse 1"
POSTGRES = ("fsync=on", "synchronous_commit=on", "full_page_writes=on", "shared_buffers=512MB", "maintenance_work_mem=256MB", "max_wal_size=4GB", "shared_preload_libraries=pg_stat_statements")
PAGES = """SELECT queryid, calls, shared_blks_hit + shared_blks_read FROM pg_stat_statements WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())"""


class Size:
    """A Gatehouse with `total` users."""

    def __init__(self, postgres, total):
        self.total = total
        self.gatehouse = harness.Gatehouse(mode="all-in-one", postgres=postgres, test_mode=False, environment={"LOG_LEVEL": "WARN", "BCRYPT_LOG_ROUNDS": "4"}).start()
        self.client = self.gatehouse.client()
        for tenant in ("branch", "small"):
            self.client.put("/recipe/multitenancy/tenant/v2", {"tenantId": tenant})
        begun = time.monotonic()
        (generate_users.load if total <= 1000 else generate_users.load_many)(self.gatehouse.sql, total)
        self.new = 0
        self.gatehouse.sql("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        print("%d users made in %.0f s" % (total, time.monotonic() - begun), flush=True)

    def prepare(self):
        """Real hashes for those who sign in."""
        self.client.post("/recipe/signup", {"email": "first@example.com", "password": PASSWORD})
        emails = {self.email(self.some(n, 1)) for n in range(1000)}
        self.gatehouse.sql("UPDATE emailpassword_users SET password_hash = (SELECT password_hash FROM emailpassword_users WHERE email = 'first@example.com') WHERE email IN (%s); VACUUM ANALYZE"
                           % ",".join("'%s'" % email for email in emails))
        last = self.total * 49 // 60 // PAGE  # some are in groups
        self.deep = min(self.total // 100, last)
        user, joined = self.gatehouse.sql("SELECT primary_user_id, time_joined FROM gatehouse_listed_users WHERE app_id = 'public' AND tenant_id = 'public'"
                                          " ORDER BY time_joined, primary_user_id DESC OFFSET %d LIMIT 1" % ((self.deep - 1) * PAGE))[0]
        self.deep_token = base64.b64encode(("%s;%s" % (user.strip(), joined)).encode()).decode()

    def some(self, n, remainder=None):
        """The n-th of users all over the app; `remainder`: 0 for a third party's, 1 or 2 for those with a password."""
        i = 1 + n * 7919 % (self.total - 3)
        return i if remainder is None else i - i % 3 + (remainder or 3)

    @staticmethod
    def email(i):
        return "user%d@company%d.example" % (i, i % 1000)

    def call(self, name, n):
        """One request; milliseconds, as the client sees it."""
        request = OPERATIONS[name](self, n)
        begun = time.perf_counter()
        reply = self.client.request(*request[:2], **request[2])
        took = time.perf_counter() - begun
        if reply.status != 200 or reply.json["status"] != "OK":
            raise SystemExit("%s of %d: %r" % (name, self.total, reply))
        return took * 1000

    def pages(self):
        return {row[0]: (int(row[1]), int(row[2])) for row in self.gatehouse.sql(PAGES)}


def get(path, tenant=None, **query):
    return "GET", path, {"query": query, "tenant": tenant}


def post(path, **body):
    return "POST", path, {"body": body}


def user_id(i):
    return "external-%d" % i if i % 5 == 3 else str(uuid.UUID(hashlib.md5(b"user%d" % i).hexdigest()))


def new(size):
    size.new += 1
    return "new%d" % size.new


def third_party(name, email):
    return post("/recipe/signinup", thirdPartyId="google", thirdPartyUserId=name, email={"id": email, "isVerified": True})


def third_party_new(size, _):
    name = new(size)
    return third_party(name, name + "@third.example")


def now_ms():
    return int(time.time() * 1000)


OPERATIONS = {
    "user by id": lambda size, n: get("/user/id", userId=user_id(size.some(n))),
    "user by email": lambda size, n: get("/users/by-accountinfo", email=size.email(size.some(n)), doUnionOfAccountInfo="false"),
    "page 1 of 50": lambda size, n: get("/users", limit=PAGE),
    "page 10, 1,000, 10,000": lambda size, n: get("/users", limit=PAGE, paginationToken=size.deep_token),
    "page 1, newest first": lambda size, n: get("/users", limit=PAGE, timeJoinedOrder="DESC"),
    "page 1, third party only": lambda size, n: get("/users", limit=PAGE, includeRecipeIds="thirdparty"),
    "page 1 of a recipe that nobody has": lambda size, n: get("/users", limit=PAGE, includeRecipeIds="webauthn"),
    "page 1 of a tenant of 40": lambda size, n: get("/users", tenant="small", limit=PAGE),
    # Ten are found.
    "search, email begins with": lambda size, n: get("/users", limit=PAGE, email="user" + str(size.total - 20)[:-1]),
    # One in a thousand is found, and a search returns all of them.
    "search, domain begins with": lambda size, n: get("/users", limit=PAGE, email="company12.ex"),
    "count of the app": lambda size, n: get("/users/count", includeAllTenants="true"),
    "count of a tenant": lambda size, n: get("/users/count", includeAllTenants="false"),
    "count of a tenant by recipe": lambda size, n: get("/users/count", includeAllTenants="false", includeRecipeIds="thirdparty"),
    "active within a day": lambda size, n: get("/users/count/active", since=now_ms() - DAY),
    "active within 30 days": lambda size, n: get("/users/count/active", since=now_ms() - 30 * DAY),
    "active ever": lambda size, n: get("/users/count/active", since=0),
    # Last: what they write makes counts dearer until the next vacuum.
    "sign-up, email and password": lambda size, n: post("/recipe/signup", email=new(size) + "@example.com", password=PASSWORD),
    "sign-up, third party": third_party_new,
    "sign-in, email and password": lambda size, n: post("/recipe/signin", email=size.email(size.some(n % 1000, 1)), password=PASSWORD),
    "sign-in, third party": lambda size, n: third_party("g%d" % size.some(n, 0), size.email(size.some(n, 0))),
}


def measured(sizes, postgres, name, requests):
    """A row for each size."""
    for size in sizes:
        for n in range(WARM):
            size.call(name, n)
    before = [size.pages() for size in sizes]
    times, server, database = ([[] for _ in sizes] for _ in range(3))
    for first in range(WARM, WARM + requests, BATCH):
        for number, size in enumerate(sizes):
            at = ThreadTimes(pids_of(size.gatehouse)), ThreadTimes(postgres.processes())
            times[number] += [size.call(name, n) for n in range(first, first + BATCH)]
            server[number].append(ThreadTimes(pids_of(size.gatehouse)).since(at[0]))
            database[number].append(ThreadTimes(postgres.processes()).since(at[1]))
    rows = []
    for number, size in enumerate(sizes):
        ran = [(calls - before[number].get(key, (0, 0))[0], pages - before[number].get(key, (0, 0))[1]) for key, (calls, pages) in size.pages().items()]
        count = len(times[number])
        # Whatever is rarer is a job's.
        pages = sum(pages for calls, pages in ran if calls >= count // 2)
        rows.append({"operation": name, "users": size.total, "median_ms": statistics.median(times[number]), "fastest_ms": min(times[number]),
                     # A batch into which a checkpoint or a job comes says nothing: the median batch.
                     "server_ms": 1000 * statistics.median(server[number]) / BATCH, "postgres_ms": 1000 * statistics.median(database[number]) / BATCH, "pages": pages / count})
    return rows


def spread(values):
    return max(values) / min(values)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 100000, 1000000])
    parser.add_argument("--requests", type=int, default=200)
    parser.add_argument("--only", nargs="+", default=[""], metavar="WORD", help="operations with one of these in their names")
    parser.add_argument("--json")
    parser.add_argument("bin", nargs="?")
    options = parser.parse_args()
    harness.BIN = os.path.abspath(options.bin or harness.BIN)
    postgres = harness.Postgres(settings=POSTGRES)
    sizes, report = [], []
    try:
        sizes += [Size(postgres, total) for total in options.sizes]
        for size in sizes:
            size.prepare()
        postgres.sql("CHECKPOINT", "postgres")
        for size in sizes:
            wait_until_quiet(pids_of(size.gatehouse))
        print("\n| operation | %s fastest, median | processor time | pages |\n|---|%s---|---|---|" % (
            "".join("%d users: median (fastest) ms; server + PostgreSQL ms; pages | " % total for total in options.sizes) + "most by least:", "---|" * len(sizes)))
        for name in OPERATIONS:
            if not any(word in name for word in options.only):
                continue
            rows = measured(sizes, postgres, name, options.requests)
            report += rows
            cells = ["%.2f (%.2f); %.2f + %.2f; %.0f" % (row["median_ms"], row["fastest_ms"], row["server_ms"], row["postgres_ms"], row["pages"]) for row in rows]
            print("| %s | %s | %.2f, %.2f | %.2f | %.2f |" % (name, " | ".join(cells), spread([row["fastest_ms"] for row in rows]), spread([row["median_ms"] for row in rows]),
                                                     spread([row["server_ms"] + row["postgres_ms"] for row in rows]), spread([max(row["pages"], 1) for row in rows])), flush=True)
        print("\nload average: %.1f" % os.getloadavg()[1])
    finally:
        for size in sizes:
            size.gatehouse.kill()
        postgres.stop()
        if options.json:
            with open(options.json, "w", encoding="utf-8") as f:
                json.dump(report, f, indent=1)


if __name__ == "__main__":
    main()
