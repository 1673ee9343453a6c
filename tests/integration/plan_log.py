"""How a server says it ran each statement (auto_explain): the plans of what was run since the last look."""
import json
import os
import re
import tempfile
import uuid

SETTINGS = ("session_preload_libraries=auto_explain", "auto_explain.log_min_duration=0", "auto_explain.log_nested_statements=on", "auto_explain.log_format=json")
# Put before statements of the test's own, which are not to be explained.
QUIET = "SET auto_explain.log_min_duration = -1; "


class PlanLog:
    """`file` is for the server to write its log to; `settings` are what the server needs."""

    def __init__(self, settings=()):
        self.settings = SETTINGS + tuple(settings)
        self.file = tempfile.NamedTemporaryFile(prefix="gatehouse-plans-")
        # As the server's files are; it does not run as root.
        os.chmod(self.file.name, 0o666)
        self.read = 0

    def close(self):
        self.file.close()

    def take(self, sql):
        """The documents since the last call. `sql` runs a statement on this server."""
        # A job's plan may be half written now. The server writes one message after another: what is before this one's is whole.
        end = "the end of the plans %s" % uuid.uuid4()
        sql("SELECT '%s'" % end)
        # Not by `file`: the server writes where that stands.
        with open(self.file.name, encoding="utf-8", errors="replace") as f:
            f.seek(self.read)
            text = f.read()
            self.read = f.tell()
        parts = re.split(r"LOG:  duration: [0-9.]+ ms  plan:\n", text[:text.index(end)])[1:-1]
        return [json.loads(part[:part.index("\n\t}") + 3]) for part in parts]
