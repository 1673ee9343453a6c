"""A test that can't run for want of something says so in a line that scripts/test.sh repeats at its end. Exits 1 with a line for each skip that does not.

Usage: skips.py [root]. What is skipped with skipIf belongs to the other way to run, and is no gap.
"""
import os
import re
import sys

ROOT = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(__file__), "..", ".."))
MARK = re.compile(r'"\*\*\* NOT CHECKED: .* \*\*\*"')


def main():
    bad = []
    for folder, folders, files in os.walk(os.path.join(ROOT, "tests")):
        folders[:] = [name for name in folders if not name.startswith(".") and name != "node_modules"]  # what the walks install
        for path in (os.path.join(folder, file) for file in files if file.endswith(".py")):
            if path == os.path.abspath(__file__):
                continue
            with open(path, encoding="utf-8") as f:
                text = f.read()
            for match in re.finditer(r"(skipUnless|skipTest)\(.*", text):
                if not MARK.search(match[0]):
                    bad.append("%s:%d: %s" % (os.path.relpath(path, ROOT), text.count("\n", 0, match.start()) + 1, match[0]))
            if re.search(r"(exit\(|= )77\b", text) and not MARK.search(text):
                bad.append("%s: ends with 77 and does not say what is left out" % os.path.relpath(path, ROOT))
    print("\n".join(bad))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
