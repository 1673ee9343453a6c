"""What PostgreSQL spends on an operation at least: pgbench runs the statements of one request again, prepared and with the same commits, on the same tables.

Two requests are made while PostgreSQL logs statements with their parameters. What differs between the two is new in each: pgbench gets a variable for it, of random text of the same length, and one whose value was
new in the request before, such as the hash of a refresh token, gets the value that the variable had. Numbers that differ are times, and stay. Making the random texts is measured alone, and left out."""
import glob
import http.client
import json
import os
import re
import subprocess
import tempfile
import time
import urllib.parse

from processes import cpu_s_of_server

# For harness.Postgres: nothing is logged until log_min_duration_statement is set.
SETTINGS = ("logging_collector=on", "log_destination=jsonlog", "log_directory=log", "log_statement=none", "log_duration=off")
IDLE_S = 2.5
TRIES = 8
OF_NEW_USERS = ("third party, new", "sign-up")
TRANSACTIONS = 3000
EXECUTED = re.compile(r"duration: [\d.]+ ms  (?:execute [^:]*|statement): (.*)", re.S)
PARAMETER = re.compile(r"\$(\d+) = (NULL|'(?:[^']|'')*')")
NUMBER = re.compile(r"'-?\d*'$")


def _executed(postgres, database, start):
    """[(SQL, {number: quoted parameter})] that the log has from byte `start` on, and its end."""
    path = max(glob.glob(os.path.join(postgres.dir, "data", "log", "*.json")), key=os.path.getmtime)
    with open(path, encoding="utf-8") as f:
        f.seek(start)
        entries = [json.loads(row) for row in f]
        end = f.tell()
    found = []
    for entry in entries:
        match = EXECUTED.match(entry.get("message", ""))
        if match and entry.get("dbname") == database:
            found.append((match.group(1), {int(number): value for number, value in PARAMETER.findall(entry.get("detail", ""))}))
    return found, end


class Requests:
    """Makes single requests of an operation's lines (operations.py)."""

    def __init__(self, server, lines):
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(server.url).netloc)
        self.lines = iter(lines)
        self.line, self.chain, self.token = None, None, None

    def send(self, again=False):
        """again: the request that was sent last, so that nothing differs but what the server makes new."""
        if self.chain is None and not again:
            self.line = next(self.lines).split("\t")
        method, path, headers, body, token = self.chain or self.line
        if token:
            self.chain = [method, path, headers, body, token]
            body = body.replace("TOKEN", self.token or token)
        self.connection.request(method, path, body or None, dict(pair.split(":", 1) for pair in headers.split("\x1f")))
        text = self.connection.getresponse().read()
        if token:
            self.token = json.loads(text)["refreshToken"]["token"]


def _capture(server, name):
    """The statements of two requests, one after the other: two lists of the same SQL."""
    postgres, database = server.postgres, server.database

    def log(least_ms):
        postgres.sql("ALTER SYSTEM SET log_min_duration_statement = %d" % least_ms, "postgres")
        postgres.sql("SELECT pg_reload_conf()", "postgres")
        time.sleep(0.3)  # what PostgreSQL needs to reload: nothing says that it has
    requests = Requests(server, server.operations.lines(name, 100))
    for _ in range(3):
        requests.send()
    log(0)
    try:
        _, start = _executed(postgres, database, 0)
        time.sleep(IDLE_S)  # what jobs do by themselves in this time is not a request's
        idle, start = _executed(postgres, database, start)
        jobs = {sql for sql, _ in idle if sql not in ("BEGIN", "COMMIT")}
        for _ in range(TRIES):
            found = []
            for _ in range(2):
                requests.send(again=name not in OF_NEW_USERS)
                executed, start = _executed(postgres, database, start)
                found.append([one for one in executed if one[0] not in jobs])
            # Otherwise a job has come between.
            if [sql for sql, _ in found[0]] == [sql for sql, _ in found[1]]:
                return found
        raise RuntimeError("%s: no two requests with the same statements: %s" % (name, [[sql[:80] for sql, _ in one] for one in found]))
    finally:
        log(-1)
        requests.connection.close()


def _random(length):
    """SQL for a text."""
    return "substr(%s, 1, %d)" % ("||".join(["md5(random()::text)"] * (length // 32 + 1)), length)


def _new_like(value, before):
    """SQL for a new value like `value`: of an array, only the elements that differ."""
    text, other = value[1:-1], (before or "''")[1:-1]
    if not text.startswith("{"):
        return _random(len(text))
    pairs = zip(text[1:-1].split(","), other[1:-1].split(","))
    return "'{'||%s||'}'" % "||','||".join("'%s'" % now if now == then else _random(len(now)) for now, then in pairs)


def _script(first, second):
    """pgbench's script, the line of it that makes new values, and the variables' first values."""
    known = {value for _, parameters in first for value in parameters.values()}
    fresh, earlier, makes, values, used = {}, {}, [], {}, {}  # the first two: variables, by value in the second request and in the first
    for (_, before), (_, now) in zip(first, second):
        for number, value in now.items():
            if value in known or value in fresh or value == "NULL" or NUMBER.match(value):
                continue
            variable = fresh[value] = earlier[before.get(number)] = "new%d" % len(fresh)
            makes.append("%s AS %s" % (_new_like(value, before.get(number)), variable))
            values[variable] = value[1:-1]
    lines = []
    for sql, parameters in second:
        def replaced(match):
            value = parameters[int(match.group(1))]
            if value in fresh:
                return ":" + fresh[value]
            if value in earlier:
                used[earlier[value]] = "old_" + earlier[value]
                return ":" + used[earlier[value]]
            return value
        lines.append(" ".join(re.sub(r"\$(\d+)", replaced, sql).split()) + ";")
    makes = [":%s AS %s" % pair for pair in used.items()] + makes
    make = "SELECT %s \\gset" % ", ".join(makes) if makes else None
    return ([make] if make else []) + lines, make, values


def _pgbench_us(server, lines, values):
    """PostgreSQL's processor time for a transaction."""
    with tempfile.NamedTemporaryFile("w", suffix=".sql", encoding="utf-8") as script:
        script.write("\n".join(lines) + "\n")
        script.flush()
        command = [server.postgres.bin + "/pgbench", "-n", "-M", "prepared", "-c", "1", "-t", str(TRANSACTIONS), "-h", "127.0.0.1", "-p", str(server.postgres.port), "-U", "gatehouse", "-f", script.name]
        for variable, value in values.items():
            command += ["-D", "%s=%s" % (variable, value)]
        before = cpu_s_of_server(server.postgres.process.pid)
        done = subprocess.run(command + [server.database], capture_output=True, text=True)
        if done.returncode != 0 or "number of failed transactions: 0 " not in done.stdout:
            raise RuntimeError("pgbench: " + (done.stderr or done.stdout)[-1500:])
    return (cpu_s_of_server(server.postgres.process.pid) - before) * 1e6 / TRANSACTIONS


def measure(server, name):
    """Microseconds of PostgreSQL's processor time for one request's statements; 0 without any."""
    first, second = _capture(server, name)
    if not second:
        return 0
    lines, make, values = _script(first, second)
    whole = _pgbench_us(server, lines, values)
    return whole - (_pgbench_us(server, [make], values) if make else 0)
