"""The answers that clients got, counted, and the violations among them: shared by all clients of a round."""
import collections
import http.client
import json
import threading
import time

# The default limit of a request, and a second for transmission.
REQUEST_LIMIT_S = 31
# A client that waits this long has not been served yet, whatever the answer is then.
PROMPT_S = 2
# Driver messages, SQL and internals of ours that no client should see; in lower case.
LEAKS = ("pqxx", "libpq", "sqlstate", "relation \"", "socket", "psql", "fatal", "panic", "deadlock", "server closed", "connection to server", "terminating connection", "grpc",
         "no space left", "could not", "read-only transaction", "statement timeout", "select ", "insert into", "update ", "recovery mode", "127.0.0.1", "tcp", "unix:")


class Unknown(Exception):
    """It is unknown whether the operation happened: 429, 503, or no answer."""


class History:
    """Counts and violations. Thread-safe."""

    def __init__(self, port, app):
        self.port, self.app = port, app
        self.lock = threading.Lock()
        self.answers = collections.Counter()
        self.violations = []
        self.slowest_s = 0.0
        # When a request last failed, or was answered late.
        self.last_trouble = 0.0

    def violate(self, text):
        with self.lock:
            self.violations.append(text)

    def count(self, what, took_s):
        with self.lock:
            self.answers[what] += 1
            self.slowest_s = max(self.slowest_s, took_s)
            if what != "200" or took_s > PROMPT_S:
                self.last_trouble = time.monotonic()


class Caller:
    """One connection to the app of a history. Checks each answer by itself."""

    def __init__(self, history, cdi="5.4", limit_s=REQUEST_LIMIT_S):
        self.history, self.cdi, self.limit_s = history, cdi, limit_s
        self.connection = None

    def call(self, method, path, body=None):
        """The JSON of a 200; raises Unknown if there was no answer or a temporary refusal."""
        began = time.monotonic()
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.history.port, timeout=self.limit_s + 9)
        try:
            self.connection.request(method, "/appid-%s%s" % (self.history.app, path), body=json.dumps(body), headers={"cdi-version": self.cdi, "Content-Type": "application/json"})
            answer = self.connection.getresponse()
            status, text = answer.status, answer.read().decode("utf-8", "replace")
        except (OSError, http.client.HTTPException) as error:
            self.close()
            status, text = "lost (%s)" % type(error).__name__, ""
        took = time.monotonic() - began
        self.history.count(str(status), took)
        what = "%s %s" % (method, path.partition("?")[0])
        if took > self.limit_s:
            self.history.violate("%s took %.1f s" % (what, took))
        if status == 200:
            return json.loads(text)
        if status not in (429, 503) and isinstance(status, int):
            self.history.violate("%s: %d %s" % (what, status, text[:200]))
        if any(leak in text.lower() for leak in LEAKS):
            self.history.violate("%s tells too much: %s" % (what, text[:200]))
        raise Unknown

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


class Register:
    """The possible states of a value that one client writes: what was last acknowledged or seen, or an unanswered write, which may still be under way to the database."""

    def __init__(self, value):
        self.current, self.late = {value}, set()

    def write(self, value, operation):
        """Runs `operation`, which writes the value; its result. Passes Unknown on."""
        try:
            result = operation()
        except Unknown:
            self.late.add(value)
            raise
        self.current = {value}
        return result

    def possible(self):
        return self.current | self.late

    def saw(self, value):
        """Whether it may be this value. From then on it is, and a write happens once."""
        if value not in self.possible():
            return False
        self.late.discard(value)
        self.current = {value}
        return True
