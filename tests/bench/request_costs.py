#!/usr/bin/env python3
"""Instructions and allocations of a request in the all-in-one process, counted by callgrind, so that any two machines and any load give the same figures.

    GATEHOUSE_BIN=build/release/bin tests/bench/request_costs.py [--times 100] [--top N] [--only NAME ...]

--top prints the functions with the most instructions of their own. What libcrypto does is listed apart: it chooses its code by the processor, and generates keys in the background. A request takes
some hundred times as long as usual, so leave the machine to it.
"""
import argparse
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from bench import callgrind, processes  # noqa: E402
from integration import harness  # noqa: E402

# Seconds until keys for later are generated, on a slow machine.
SETTLE_S = 400
# Of a second under valgrind: what jobs take.
QUIET_S = 0.3


def operations(app):
    """{name: a function that makes one request}"""
    def ok(reply):
        if reply.status != 200 or (reply.text.startswith("{") and reply.json.get("status", "OK") != "OK"):
            raise AssertionError(repr(reply))
        return reply
    numbers = iter(range(1 << 30))
    user = ok(app.post("/recipe/signup", {"email": "costs@example.com", "password": "x1234567"})).json["user"]["id"]
    new = {"userId": user, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False, "useDynamicSigningKey": True}
    session = ok(app.post("/recipe/session", new)).json
    # Of its own: it is refreshed while the other one is verified.
    chain = [ok(app.post("/recipe/session", new)).json["refreshToken"]["token"]]

    def verify(database):
        body = {"accessToken": session["accessToken"]["token"], "enableAntiCsrf": False, "doAntiCsrfCheck": False, "checkDatabase": database}
        return lambda: ok(app.post("/recipe/session/verify", body))

    def refresh():
        chain[0] = ok(app.post("/recipe/session/refresh", {"refreshToken": chain[0], "enableAntiCsrf": False, "useDynamicSigningKey": True})).json["refreshToken"]["token"]

    def third_party(name):
        return ok(app.post("/recipe/signinup", {"thirdPartyId": "google", "thirdPartyUserId": name, "email": {"id": name + "@example.com", "isVerified": True}}))
    return {
        "hello": lambda: ok(app.get("/hello")),
        "jwks": lambda: ok(app.get("/.well-known/jwks.json")),
        "verify": verify(False),
        "verify with database": verify(True),
        "create": lambda: ok(app.post("/recipe/session", new)),
        "refresh": refresh,
        "session information": lambda: ok(app.get("/recipe/session", {"sessionHandle": session["session"]["handle"]})),
        "get user": lambda: ok(app.get("/user/id", {"userId": user})),
        "roles": lambda: ok(app.get("/recipe/user/roles", {"userId": user})),
        "count": lambda: ok(app.get("/users/count")),
        "metadata": lambda: ok(app.put("/recipe/user/metadata", {"userId": user, "metadataUpdate": {"n": next(numbers)}})),
        "third party, known": lambda: third_party("known"),
        "third party, new": lambda: third_party("new%d" % next(numbers)),
        "page of users": lambda: ok(app.get("/users", {"limit": 100})),
    }


def settled(process, counter, call):
    """Whether no keys are generated any more, which at first happens in the background. Most of it is done while nothing is counted, when the program runs at a good part of its usual speed."""
    processes.wait_until_quiet([process.process.pid], QUIET_S)
    # It may have been quiet because others had the processor.
    return counter.measure(call, 1).crypto == 0


def measure(times, only):
    """{name: Cost}"""
    # Few things happen by themselves: one connection for requests, one that listens.
    environment = {"BCRYPT_LOG_ROUNDS": "4", "POSTGRESQL_CONNECTION_POOL_SIZE": "2", "POSTGRESQL_IDLE_CONNECTION_TIMEOUT": "3600000", "LOG_LEVEL": "INFO", "GATEHOUSE_REQUEST_TIMEOUT_MS": "120000",
                   **harness.QUICK_KEYS}
    gatehouse = harness.Gatehouse(mode="all-in-one", test_mode=False, environment=environment)
    counter = None
    try:
        app = gatehouse.start().client(cdi="5.4")
        calls = operations(app)
        # Keys take long to generate under valgrind: the first session had its own made, the first JWKS gets the static one.
        for call in calls.values():
            call()
        gatehouse.stop()
        counter = callgrind.Callgrind(gatehouse.processes["gatehouse"])
        gatehouse.start()
        harness.wait_until(lambda: settled(gatehouse.processes["gatehouse"], counter, calls["jwks"]), SETTLE_S, "keys that are generated for later")
        costs = {}
        for name in only or calls:
            costs[name] = counter.measure(calls[name], times)
        app.close()
        return costs
    finally:
        gatehouse.kill()
        if counter:
            counter.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--top", type=int, default=0)
    parser.add_argument("--only", action="append")
    options = parser.parse_args()
    costs = measure(options.times, options.only)
    print("%-22s %12s %12s %12s" % ("a request", "instructions", "allocations", "libcrypto"))
    for name, cost in costs.items():
        print("%-22s %12d %12d %12d" % (name, cost.instructions, cost.allocations, cost.crypto))
        for function, number in cost.functions.most_common(options.top):
            print("    %9d  %s" % (number, function[:150]))


if __name__ == "__main__":
    main()
