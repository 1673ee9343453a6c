"""Every operation with every field of its input corrupted in many ways, one at a time: never a 5xx, never a driver's message, and the server survives."""
import json
import re
import unittest
import urllib.parse

from integration import harness
from integration.shapes_test import RECIPES, Driver

ABSENT = object()
LONG = "x" * 5000


def nested(depth):
    value = "x"
    for _ in range(depth):
        value = [value]
    return value


BODY_VALUES = [ABSENT, None, 0, -1, 1.5, 10 ** 30, True, "", " ", "x" * 300, LONG, "nul\u0000", "\ud800", "é😀", "' OR 1=1 --", "%", "\\", "2147483648", [], ["a"],
               [None], [[]], {}, {"a": {"b": None}}, nested(100)]
QUERY_VALUES = [ABSENT, "", " ", "x" * 300, LONG, "nul\u0000", "é😀", "' OR 1=1 --", "%", "\\", "-1", "0", "1.5", "2147483648", "99999999999999999999", "true", "null"]
RAW_QUERIES = ["%FF%FE", "%", "%zz", "%C3%28", "+"]
# None that random tokens in base64 may hold.
DRIVER_WORDS = re.compile(r"pqxx::|\bSQL(?:STATE|[ :])|syntax error|relation \"|violates|deadlock|basic_string|bad_alloc|std::|\.cc:")
VERSIONS = ("2.21", "5.4")


class Recorder(Driver):
    """Runs a recipe and records its requests."""

    def __init__(self, app, version):
        super().__init__(app, version, {})
        self.requests = []

    def run(self, operation, body=None, case="", **k):
        if self.app.app is not None:
            self.requests.append((operation, body, k))
        return super().run(operation, body, case, **k)


def paths_of(value, depth=3):
    """The places in a JSON value where something can be replaced."""
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in members:
        yield (name,)
        if depth > 1:
            for rest in paths_of(member, depth - 1):
                yield (name,) + rest


def replaced(value, path, new):
    copy = json.loads(json.dumps(value))
    parent = copy
    for name in path[:-1]:
        parent = parent[name]
    if new is ABSENT:
        del parent[path[-1]]
    else:
        parent[path[-1]] = new
    return copy


class MutatedInput(harness.GatehouseTest):
    environment = {"BCRYPT_LOG_ROUNDS": "4"}

    def send(self, what, *arguments, **k):
        reply = self.driver.app.request(*arguments, cdi=self.driver.version, **k)
        self.sent += 1
        if reply.status >= 500 or DRIVER_WORDS.search(reply.text):
            self.faults.append((what, reply))

    def spoil_body(self, method, path, body, k):
        for where in paths_of(body):
            for value in BODY_VALUES:
                self.send((self.driver.version, method, path, where, None if value is ABSENT else repr(value)[:40]), method, path, replaced(body, where, value), **k)

    def spoil_query(self, method, path, body, k):
        query = dict(k.get("query") or {})
        for name in query:
            rest = {other: value for other, value in query.items() if other != name}
            for value in QUERY_VALUES:
                spoilt = rest if value is ABSENT else {**rest, name: value}
                self.send((self.driver.version, method, path, name, repr(value)[:40]), method, path, body, **{**k, "query": spoilt})
            for value in RAW_QUERIES:
                raw = "%s?%s" % (path, "&".join([urllib.parse.urlencode(rest), name + "=" + value]))
                self.send((self.driver.version, method, raw), method, raw, body, **{**k, "query": None})
            twice = "%s?%s&%s" % (path, urllib.parse.urlencode(query), urllib.parse.urlencode({name: "other"}))
            self.send((self.driver.version, method, twice), method, twice, body, **{**k, "query": None})

    def check(self, recipe):
        self.sent, self.faults = 0, []
        for version in VERSIONS:
            app = self.gatehouse.new_app()
            self.addCleanup(app.close)
            self.driver = Recorder(app, version)
            recipe(self.driver)
            requests = self.driver.requests
            for operation, body, k in requests:
                method, path = operation.split(" ")
                self.spoil_body(method, path, body, k)
                self.spoil_query(method, path, body, k)
        self.assertEqual(self.faults, [], "of %d requests" % self.sent)
        self.assertEqual(self.gatehouse.once("GET", "/hello").text, "Hello\n")
        who = {"email": "after@example.com", "password": "correct horse 1"}
        self.expect(self.app.post("/recipe/signup", who))
        self.expect(self.app.post("/recipe/signin", who))


def add_test(recipe):
    setattr(MutatedInput, "test_" + recipe.__name__, lambda self: self.check(recipe))


for each in RECIPES:
    add_test(each)

if __name__ == "__main__":
    unittest.main()
