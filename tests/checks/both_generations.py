"""What changes the registry's tables says what becomes of the old ones, which cores of an older generation read. Exit 1 with a line for each breach.

Statements of services/users that write the registry's tables, or name an old one, are definitions of RegistryWrite or SingleRegistryWrite (services/users/registry/pg_both_generations.h), or macros that
only such definitions use. No other file knows the migration mode. services/users/backfill is left out: it brings one generation's rows to the other's tables, before anybody writes both.

Usage: both_generations.py [ROOT]
"""
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from table_ownership import literals  # noqa: E402

REGISTRY = "app_id_to_user_id|recipe_user_account_infos|recipe_user_tenants"
WRITES = re.compile(r"\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|MERGE\s+INTO|TRUNCATE|COPY)\s+(?:TABLE\s+)?(?:ONLY\s+)?\{~?(?:%s)\}" % REGISTRY)
OLD = re.compile(r"\{~?(?:all_auth_recipe_users|\w+_user_to_tenant)\}")
DEFINITION = re.compile(r"(?:static |inline )?constexpr (?P<type>[\w:]+) \w+\b|#define (?P<macro>\w+)")
COMPONENT = "services/users/registry/pg_both_generations."


class Definition:
    def __init__(self, kind, macro, lines):
        self.kind, self.macro, self.lines = kind, macro, lines
        self.text = ""
        self.names_old = False


def definitions(text):
    """Top-level constants and macros."""
    lines = text.split("\n")
    found, at = [], 0
    while at < len(lines):
        match = DEFINITION.match(lines[at])
        begin = at
        if match:
            while at + 1 < len(lines) and (lines[at].endswith("\\") if match.group("macro") else not re.sub(r"\s*//.*", "", lines[at]).endswith(";")):
                at += 1
            found.append(Definition(match.group("type"), match.group("macro"), range(begin + 1, at + 2)))
            found[-1].text = "\n".join(lines[begin:at + 1])
        at += 1
    return found


def check(root):
    problems = []
    files = {}
    for base, _, names in sorted(os.walk(os.path.join(root, "services", "users"))):
        for name in sorted(names):
            path = os.path.relpath(os.path.join(base, name), root)
            if name.endswith((".cc", ".h")) and "_test" not in name and not path.startswith("services/users/backfill/"):
                with open(os.path.join(root, path), encoding="utf-8") as f:
                    files[path] = f.read()
    defined = {path: definitions(text) for path, text in files.items()}
    macros = {}  # those that write the registry or name old tables: name -> whether they name old ones

    for path, text in files.items():
        for line, sql in literals(text):
            writes, names_old = WRITES.search(sql), OLD.search(sql)
            if not writes and not names_old:
                continue
            definition = next((d for d in defined[path] if line in d.lines), None)
            if definition is not None and definition.macro:
                macros[definition.macro] = macros.get(definition.macro, False) or bool(names_old)
            elif definition is None or definition.kind not in ("RegistryWrite", "SingleRegistryWrite"):
                problems.append("%s:%d: %s, and is no RegistryWrite" % (path, line, "writes the registry" if writes else "names an old table"))
            else:
                definition.names_old |= bool(names_old)
        if not path.startswith(COMPONENT):
            code = re.sub(r"//[^\n]*", "", text)
            for known in sorted(set(re.findall(r"\bmigration_mode\b|\bMigrationMode\b|\bkDualWrite\w+", code))):
                problems.append("%s:1: knows the migration mode: %s" % (path, known))

    # Macros that use such macros.
    grown = None
    while grown != macros:
        grown = dict(macros)
        for definition in (d for ds in defined.values() for d in ds if d.macro):
            for used in re.findall(r"\b[A-Z][A-Z0-9_]{3,}\b", definition.text):
                if used in macros and used != definition.macro:
                    macros[definition.macro] = macros.get(definition.macro, False) or macros[used]
    for path, text in files.items():
        for number, line in enumerate(text.split("\n"), 1):
            for used in re.findall(r"\b[A-Z][A-Z0-9_]{3,}\b", re.sub(r"//.*", "", line)):
                if used not in macros:
                    continue
                definition = next((d for d in defined[path] if number in d.lines), None)
                if definition is not None and definition.macro:
                    continue
                if definition is None or definition.kind not in ("RegistryWrite", "SingleRegistryWrite"):
                    problems.append("%s:%d: %s is used, and this is no RegistryWrite" % (path, number, used))
                else:
                    definition.names_old |= macros[used]
        for definition in defined[path]:
            if definition.kind not in ("RegistryWrite", "SingleRegistryWrite"):
                continue
            nothing = "NothingInOldTables" in definition.text
            if nothing == definition.names_old:
                problems.append("%s:%d: %s" % (path, definition.lines[0], "names an old table in which it says there is nothing" if nothing else "names no old table"))
    return problems


if __name__ == "__main__":
    found = check(os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", "..")))
    print("\n".join(found) or "both generations of tables are written together")
    sys.exit(1 if found else 0)
