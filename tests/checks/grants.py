"""Whoever may call a method does call it. Reads services/*/policies.golden, and exits 1 with a line for each grant to a service or the gateway that nothing uses.

Applications (`client`) are not ours to read, and the directory is for every process. Usage: grants.py [ROOT]
"""
import glob
import os
import re
import sys

ROOT = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", ".."))
# Libraries that call in the name of the service that uses them.
LIBRARIES = {"AppendActivities": ("libs/activity/", "libs/activity/activity_log.h")}


def sources(folder):
    for path in sorted(glob.glob(os.path.join(ROOT, folder, "**", "*.*"), recursive=True)):
        if path.endswith((".cc", ".h")) and not path.endswith("_test.cc"):
            with open(path, encoding="utf-8") as f:
                yield f.read()


def main():
    code = {}
    problems = []
    for golden in sorted(glob.glob(os.path.join(ROOT, "services", "*", "policies.golden"))):
        with open(golden, encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                method, callers = re.fullmatch(r"[\w.]+/(\w+): ([\w -]+?)(?: \[never blocks\])?\n", line).groups()
                for caller in callers.split():
                    if caller in ("client", "every-process"):
                        continue
                    folder = "gateway" if caller == "gateway" else "services/" + caller
                    if folder not in code:
                        code[folder] = "\n".join(sources(folder))
                    library, header = LIBRARIES.get(method, (None, None))
                    used = re.search(r"(?:\.|->)(?:Subscribe)?%s\(" % method, code[folder]) or (
                        library and '#include "%s"' % header in code[folder] and any("." + method + "(" in text for text in sources(library)))
                    if not used:
                        problems.append("%s:%d: %s does not call %s" % (os.path.relpath(golden, ROOT), number, caller, method))
    print("\n".join(problems) or "every grant is used")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
