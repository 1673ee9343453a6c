"""A table has one owner, and only the owner's SQL names it. Reads every SQL text of the tree: string literals of C++ and migrations. Exit 1 with a line for each violation.

services/services.json has the owners. Exceptions are in table_crossings.json, each with its reason; an unused one is a violation too. Foreign keys may point to the tables of
earlier rows. libs/db is exempt: it creates and upgrades the tables of all services, as their owner in the database.

Usage: table_ownership.py [ROOT]
"""
import fnmatch
import json
import os
import re
import sys

ROOT = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", ".."))
# Not tables of a service: placeholders of Statement, and the record of migrations.
NO_TABLE = {"schema", "gatehouse_schema_migrations"}
TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\((?P<raw>.*?)\)\1"|"(?P<plain>(?:\\.|[^"\\\n])*)"|\'(?:\\.|[^\'\\])+\'|(?P<space>\s+)|.', re.S)
# `{~name}_…` names a constraint.
PLACEHOLDER = re.compile(r"(?P<key>REFERENCES\s+)?\{(?P<bare>~?)(?P<name>[a-z_0-9]+)\}(?P<more>_?)")
VERB = re.compile(r"\b(SELECT|INSERT INTO|UPDATE|DELETE FROM|TRUNCATE|LOCK TABLE|ALTER TABLE|CREATE|DROP)\b")
BARE = re.compile(r"\b(?:FROM|JOIN|INSERT INTO|UPDATE|TABLE|REFERENCES|USING|ONLY)\s+([a-z_0-9]+)\b")
CREATED = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?\{(\w+)\}")
FUNCTION = re.compile(r"CREATE (?:OR REPLACE )?(?:FUNCTION|PROCEDURE)\s+(?:\{schema\}\.)?\{~?(\w+)\}")
# Names that a text defines itself: WITH name AS (…), REFERENCING NEW TABLE AS name, (…) AS name.
OWN_NAME = re.compile(r"\b([a-z_0-9]+)(?: \([^()]*\))? AS (?:NOT )?(?:MATERIALIZED )?\(|\bAS ([a-z_0-9]+)\b|\) ([a-z_0-9]+)\b")


def literals(text):
    """(line, text) of each string literal of C++; adjacent ones are one."""
    joined, start = None, 0
    for token in TOKEN.finditer(text):
        part = token.group("raw") if token.group("raw") is not None else token.group("plain")
        if part is not None:
            if joined is None:
                joined, start = "", token.start()
            joined += part
        elif token.group("space") is None and not token.group().startswith(("//", "/*")) and joined is not None:
            yield text.count("\n", 0, start) + 1, joined
            joined = None
    if joined is not None:
        yield text.count("\n", 0, start) + 1, joined


class Check:
    def __init__(self, root, table, crossings):
        self.root, self.crossings = root, crossings
        self.position = {row["name"]: i for i, row in enumerate(table)}
        self.tables = {row["name"]: row["tables"] for row in table}
        self.owner = {}
        self.problems = []
        for row in table:
            for name in row["tables"]:
                if name in self.owner:
                    self.problems.append("%s has two owners: %s, %s" % (name, self.owner[name], row["name"]))
                self.owner[name] = row["name"]
        self.used = set()

    def complain(self, path, line, text):
        self.problems.append("%s:%d: %s" % (path, line, text))

    def refer(self, path, line, service, name):
        if self.owner[name] == service:
            return
        crossing = next((i for i, c in enumerate(self.crossings) if fnmatch.fnmatch(path, c["files"]) and name in c["tables"]), None)
        if crossing is None:
            self.complain(path, line, "{%s} belongs to %s" % (name, self.owner[name]))
        else:
            self.used.add((crossing, name))

    def sql(self, path, line, service, text, migration, own_names):
        for found in PLACEHOLDER.finditer(text):
            name = found.group("name")
            if name in NO_TABLE or found.group("bare") and found.group("more"):
                continue
            if name not in self.owner:
                self.complain(path, line, "no service owns {%s}" % name)
            elif not (migration and found.group("key") and self.position[self.owner[name]] < self.position[service]):
                self.refer(path, line, service, name)
        for name in BARE.findall(text):
            if name in self.owner and name not in own_names:
                self.complain(path, line, "%s is named without its braces, so not as it is configured" % name)
        if text.endswith("{"):
            self.complain(path, line, "a table's name is put together, so nobody can tell whose it is")

    @staticmethod
    def own_names(text):
        return {name for names in OWN_NAME.findall(text) for name in names if name}

    def run(self):
        for service in self.tables:
            for path in self.files("migrations/" + service, (".sql",)):
                text = self.read(path)
                for name in FUNCTION.findall(text) + CREATED.findall(text):
                    self.owner.setdefault(name, service)
        for service in self.tables:
            created = set()
            for path in self.files("migrations/" + service, (".sql",)):
                text = re.sub(r"--[^\n]*", lambda comment: " " * len(comment.group()), self.read(path))
                created.update(CREATED.findall(text))
                own_names = self.own_names(text)
                for number, line in enumerate(text.split("\n"), 1):
                    self.sql(path, number, service, line, True, own_names)
            for name in sorted(created ^ set(self.tables[service])):
                self.complain("services/services.json", 1, "%s: %s is %s" % (service, name, "not listed" if name in created else "created by no migration"))
        for top in ("services", "libs", "gateway", "app"):
            for path in self.files(top, (".cc", ".h")):
                if path.startswith(("libs/db/", "libs/testing/")) or "_test" in path:
                    continue
                # Code outside the services owns nothing.
                service = path.split("/")[1] if top == "services" else ""
                for line, text in literals(self.read(path)):
                    if VERB.search(text) or any(name in self.owner for name in re.findall(r"\{~?(\w+)\}", text)):
                        self.sql(path, line, service, text, False, self.own_names(text))
        for i, crossing in enumerate(self.crossings):
            if not crossing.get("why"):
                self.complain("tests/checks/table_crossings.json", 1, "%s: no reason" % crossing["files"])
            for name in crossing["tables"]:
                if (i, name) not in self.used:
                    self.complain("tests/checks/table_crossings.json", 1, "%s does not name {%s}" % (crossing["files"], name))
        return self.problems

    def files(self, top, endings):
        for base, _, names in sorted(os.walk(os.path.join(self.root, top))):
            for name in sorted(names):
                if name.endswith(endings):
                    yield os.path.relpath(os.path.join(base, name), self.root)

    def read(self, path):
        with open(os.path.join(self.root, path), encoding="utf-8") as f:
            return f.read()


def check(root):
    with open(os.path.join(root, "services", "services.json"), encoding="utf-8") as f:
        table = json.load(f)
    with open(os.path.join(root, "tests", "checks", "table_crossings.json"), encoding="utf-8") as f:
        crossings = json.load(f)
    return Check(root, table, crossings).run()


if __name__ == "__main__":
    found = check(ROOT)
    print("\n".join(found) or "each service names its own tables only")
    sys.exit(1 if found else 0)
