"""Listing, searching and counting at a few and at many users, side by side.

Usage: listing.py [BIN_DIR] [MANY] [REQUESTS]. Loads 1,000 and MANY (1,000,000) users (generate_users.py) into two databases of one private PostgreSQL server, starts
a Gatehouse on each, and queries both in turn, REQUESTS (100) times each, over HTTP on a persistent connection; prints the median and the fastest. Times include the client's. PostgreSQL's settings: see harness.Postgres; 512 MB of shared buffers.
"""
import base64
import os
import statistics
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.dirname(HERE))
if len(sys.argv) > 1:
    os.environ["GATEHOUSE_BIN"] = sys.argv[1]
from bench import generate_users  # noqa: E402
from integration import harness  # noqa: E402

FEW = 1000
MANY = int(sys.argv[2]) if len(sys.argv) > 2 else 1000000
REQUESTS = int(sys.argv[3]) if len(sys.argv) > 3 else 100
PAGE = 50

postgres = harness.Postgres(settings=("shared_buffers=512MB", "maintenance_work_mem=256MB", "max_wal_size=8GB"))


def prepared(total):
    gatehouse = harness.Gatehouse(mode="all-in-one", postgres=postgres, test_mode=False).start()
    client = gatehouse.client()
    for tenant in ("branch", "small"):
        client.put("/recipe/multitenancy/tenant/v2", {"tenantId": tenant})
    begin = time.monotonic()
    (generate_users.load if total <= FEW else generate_users.load_many)(gatehouse.sql, total)
    print("%d users made in %.0f s" % (total, time.monotonic() - begin), flush=True)
    return gatehouse, client


def token_of_page(gatehouse, number):
    """What following the pages from the first one would return."""
    user, joined = gatehouse.sql("SELECT primary_user_id, time_joined FROM gatehouse_listed_users WHERE app_id = 'public' AND tenant_id = 'public'"
                                 " ORDER BY time_joined, primary_user_id DESC OFFSET %d LIMIT 1" % ((number - 1) * PAGE))[0]
    return base64.b64encode(("%s;%s" % (user.strip(), joined)).encode()).decode()


def timed(call):
    begin = time.perf_counter()
    reply = call()
    took = time.perf_counter() - begin
    if reply.status != 200 or reply.json["status"] != "OK":
        raise SystemExit("%r" % reply)
    return took * 1000


def main():
    few, few_client = prepared(FEW)
    many, many_client = prepared(MANY)
    try:
        now = int(time.time() * 1000)
        last = MANY * 49 // 60 // PAGE
        deep = min(10000, last)
        few_token, many_token = token_of_page(few, 10), token_of_page(many, deep)
        day = 86400000
        rows = [
            ("page 1 of %d" % PAGE, "/users", {"limit": PAGE}, None),
            ("page %d (at %d: page 10)" % (deep, FEW), "/users", {"limit": PAGE, "paginationToken": None}, None),
            ("page 1, newest first", "/users", {"limit": PAGE, "timeJoinedOrder": "DESC"}, None),
            ("page 1, third party only", "/users", {"limit": PAGE, "includeRecipeIds": "thirdparty"}, None),
            ("page 1 of a recipe that nobody has", "/users", {"limit": PAGE, "includeRecipeIds": "passwordless"}, None),
            ("page 1 of a tenant of 40", "/users", {"limit": PAGE}, "small"),
            ("search, email begins with (10 found)", "/users", {"email": "user99"}, None),
            ("count of the app", "/users/count", {"includeAllTenants": "true"}, None),
            ("count of a tenant", "/users/count", {"includeAllTenants": "false"}, None),
            ("count of a tenant by recipe", "/users/count", {"includeAllTenants": "false", "includeRecipeIds": "thirdparty"}, None),
            ("active within a day", "/users/count/active", {"since": now - day}, None),
            ("active within 30 days", "/users/count/active", {"since": now - 30 * day}, None),
            ("active ever", "/users/count/active", {"since": 0}, None),
        ]
        print("\n| request | %d users: median (fastest), ms | %d users | ratio of medians (of the fastest) |\n|---|---|---|---|" % (FEW, MANY))
        for name, path, query, tenant in rows:
            queries = [dict(query), dict(query)]
            if "paginationToken" in query:
                queries[0]["paginationToken"], queries[1]["paginationToken"] = few_token, many_token
            if "email" in query:
                # Eleven users of the few: 99, 990 to 999; ten of the many.
                queries[1]["email"] = "user" + str(MANY - 20)[:-1]
            times = [[], []]
            for number in range(REQUESTS + 10):
                for which, client in enumerate((few_client, many_client)):
                    took = timed(lambda: client.get(path, queries[which], tenant=tenant))
                    if number >= 10:  # the first ones plan
                        times[which].append(took)
            a, b = (statistics.median(t) for t in times)
            c, d = (min(t) for t in times)
            print("| %s | %.2f (%.2f) | %.2f (%.2f) | %.2f (%.2f) |" % (name, a, c, b, d, b / a, d / c), flush=True)

        begin = time.monotonic()
        many.sql("SELECT gatehouse_recount_users()")
        print("all made anew: %.0f s" % (time.monotonic() - begin))
    finally:
        for gatehouse in (few, many):
            gatehouse.kill()
        postgres.stop()


main()
