"""Dependencies between rooms, and calls between services, point one way. Exit 1 with a line for each violation.

Usage: dependencies.py [ROOT]
"""
import json
import os
import re
import sys

ROOT = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", ".."))

with open(os.path.join(ROOT, "services", "services.json"), encoding="utf-8") as table_file:
    TABLE = json.load(table_file)
RUNNING = {row["name"]: row for row in TABLE if not row.get("planned")}
# Libraries, lower first; each may include those before it.
LIBRARIES = ["base", "crypto", "telemetry", "config", "passwords", "db", "rpc", "tenancy", "activity", "http", "porting", "host", "process", "testing"]
# Third-party headers, and the only places that may include them.
ONLY_IN = {
    r"grpcpp/|grpc/": r"libs/rpc/grpc_",
    r"pqxx/": r"libs/db/",
    r"boost/(beast|asio)": r"libs/http/",
    r"yaml-cpp/": r"libs/config/",
    r"prometheus/": r"libs/telemetry/",
    r"phonenumbers/": r"libs/base/contact_info",
    r"unicode/": r"libs/base/lower_case",
    r"libxml/|xmlsec/": r"services/saml/xml_",
    # The code that makes certificates for the transport belongs to it.
    r"openssl/evp": r"libs/crypto/|libs/rpc/secret_authority",
}
problems = []
calls = set()  # (caller, callee) that the code has
imports = set()  # (package, imported package)
# Members of a row, and what a service that has them offers.
OFFERED = {"keeps_user_data": "UserDataServiceHandler", "keeps_credentials_of": "CredentialsServiceHandler"}
offers = set()  # (service, member) that the code has


def complain(path, line, text):
    problems.append("%s:%d: %s" % (path, line, text))


def is_rule(name):
    """A service's rules: neither adapter, store implementation, wiring nor test."""
    return not re.search(r"(_service|_handler|component|policy|main|_test)\.(h|cc)$", name) and not name.startswith("pg_")


def check_include(path, number, include, system):
    parts = path.split("/")
    for pattern, allowed in ONLY_IN.items():
        if system and re.match(pattern, include) and not re.match(allowed, path) and "_test." not in path:
            complain(path, number, "only %s may include %s" % (allowed, include))
    target = include.split("/")
    if system or len(target) < 2:
        return
    if parts[0] == "libs":
        if target[0] in ("services", "gateway", "app"):
            complain(path, number, "a library includes %s" % include)
        if target[0] == "libs" and "_test." not in path and parts[1] != "testing" and target[1] in LIBRARIES and parts[1] in LIBRARIES \
                and LIBRARIES.index(target[1]) > LIBRARIES.index(parts[1]):
            complain(path, number, "libs/%s is below libs/%s" % (parts[1], target[1]))
    if parts[0] == "services":
        if target[0] == "services" and target[1] != parts[1]:
            complain(path, number, "services meet through protos, not headers: %s" % include)
        if target[0] in ("gateway", "app"):
            complain(path, number, "a service includes %s" % include)
        if target[:2] == ["libs", "http"]:
            complain(path, number, "only the gateway and the admin port know HTTP")
        if is_rule(parts[-1]) and target[:2] == ["libs", "db"]:
            complain(path, number, "a rule includes the database: %s" % include)
    if parts[0] == "gateway" and target[0] == "services":
        complain(path, number, "the gateway includes a service: %s" % include)
    if parts[0] == "gateway" and target[:2] == ["libs", "db"]:
        complain(path, number, "the gateway includes the database: %s" % include)


for folder in ("libs", "services", "gateway", "app", "protos"):
    for base, _, files in os.walk(os.path.join(ROOT, folder)):
        for name in sorted(files):
            if not name.endswith((".h", ".cc", ".proto")):
                continue
            path = os.path.relpath(os.path.join(base, name), ROOT)
            with open(os.path.join(ROOT, path), encoding="utf-8") as f:
                whole = f.read()
                if folder == "services" and "_test" not in name:
                    for match in re.finditer(r"\b(?:BadInput|Forbidden)\((?!\s*Problem::)", whole):
                        complain(path, whole.count("\n", 0, match.start()) + 1, "say which Problem it is, so that programs need not read the text")
                for number, text in enumerate(whole.splitlines(), 1):
                    if match := re.match(r'\s*#include ([<"])([^>"]+)[>"]', text):
                        check_include(path, number, match.group(2), match.group(1) == "<")
                    parts = path.split("/")
                    if parts[0] == "services":
                        for callee in re.findall(r'ChannelTo\("(\w+)"\)', text):
                            calls.add((parts[1], callee))
                            if callee not in RUNNING.get(parts[1], {}).get("calls", []):
                                complain(path, number, "services.json does not say that %s calls %s" % (parts[1], callee))
                        offers.update((parts[1], member) for member, handler in OFFERED.items() if handler in text and "_test." not in path)
                    if parts[0] == "gateway":
                        for callee in re.findall(r'ChannelBetween\("gateway", "(\w+)"\)', text):
                            if callee not in RUNNING:
                                complain(path, number, "there is no service %s" % callee)
                    if parts[0] == "protos":
                        for package in re.findall(r'import "gatehouse/(\w+)/v1/', text):
                            imports.add((parts[2], package))
                            if package not in RUNNING.get(parts[2], {}).get("protos", []) + [parts[2], "common"]:
                                complain(path, number, "services.json does not say that protos of %s import %s" % (parts[2], package))

# A store is one class, unless tests put something else in its place.
sources = {}
for folder in ("services", "tests"):
    for base, _, files in os.walk(os.path.join(ROOT, folder)):
        for name in files:
            if name.endswith((".h", ".cc")):
                path = os.path.join(base, name)
                with open(path, encoding="utf-8") as f:
                    sources[os.path.relpath(path, ROOT)] = f.read()
implemented = re.findall(r"class \w+ final : public (?:\w+::)*(\w+) \{", "\n".join(sources.values()))
for path, text in sorted(sources.items()):
    if re.match(r"services/.*_stor(e|ages)\.h$", path):
        for name in re.findall(r"virtual ~(\w+)\(", text):
            if implemented.count(name) < 2:
                complain(path, 1, "%s has one implementation: make it that class" % name)


def folders(top):
    return {name for name in os.listdir(os.path.join(ROOT, top)) if os.path.isdir(os.path.join(ROOT, top, name))}


# Accounts finds in the table whom it has to call: what is missing there stays when a user is removed.
def keeps_users(name):
    """Whether a table of the service has users' ids."""
    folder = os.path.join(ROOT, "migrations", name)
    for sql in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
        with open(os.path.join(folder, sql), encoding="utf-8") as text:
            if re.search(r"^ +user_id +(VAR)?CHAR", text.read(), re.M):
                return True
    return False


for name, row in RUNNING.items():
    members = [member for member in OFFERED if member in row]
    for member in members:
        calls.add(("accounts", name))
        if (name, member) not in offers:
            complain("services/services.json", 1, "%s says %s, and offers no %s" % (name, member, OFFERED[member]))
    for member in OFFERED:
        if member not in members and (name, member) in offers:
            complain("services/services.json", 1, "%s offers %s, and its row does not say %s" % (name, OFFERED[member], member))
    if row.get("keeps_user_data", True) is not True:
        complain("services/services.json", 1, "%s: keeps_user_data is true, or is not there" % name)
    if name != "users" and not members and not row.get("users_of_its_own") and keeps_users(name):
        complain("services/services.json", 1, "%s has users' ids in its tables, and accounts does not know of it" % name)

# The table of services matches the tree.
TABLE_PATH = "services/services.json"
earlier = []
for row in TABLE:
    name = row["name"]
    for key in set(row) - {"name", "cc_name", "planned", "calls", "protos", "tables", "users_of_its_own", *OFFERED}:
        complain(TABLE_PATH, 1, "%s: unknown member %s" % (name, key))
    for callee in row.get("calls", []):
        if callee not in earlier:
            complain(TABLE_PATH, 1, "%s calls %s, which is no earlier row: calls go one way" % (name, callee))
        if (name, callee) not in calls:
            complain(TABLE_PATH, 1, "%s does not call %s" % (name, callee))
    for callee in sorted(callee for caller, callee in calls if caller == name):
        if callee not in row.get("calls", []):
            complain(TABLE_PATH, 1, "%s calls %s, and its row does not say so" % (name, callee))
    for package in row.get("protos", []):
        if (name, package) not in imports:
            complain(TABLE_PATH, 1, "protos of %s do not import %s" % (name, package))
    earlier.append(name)
for what, found, expected in (("services", folders("services"), set(RUNNING)), ("protos/gatehouse", folders("protos/gatehouse"), set(RUNNING) | {"common"}),
                              ("migrations", folders("migrations"), {row["name"] for row in TABLE if row["tables"]})):
    for name in sorted(found ^ expected):
        complain(TABLE_PATH, 1, "%s/%s %s" % (what, name, "has no row" if name in found else "is not there"))
with open(os.path.join(ROOT, "app", "main.cc"), encoding="utf-8") as f:
    composed = re.findall(r'^ *\{"(\w+)", gatehouse::', f.read(), re.M)
if composed != list(RUNNING):
    complain("app/main.cc", 1, "its services are not those of %s in their order: %s" % (TABLE_PATH, ", ".join(RUNNING)))

print("\n".join(problems) or "dependencies go one way")
sys.exit(1 if problems else 0)
