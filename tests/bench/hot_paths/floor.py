"""What PostgreSQL spends on an operation at least: pgbench runs the statements of one request again, prepared and with the same commits, on the same tables, by as many connections as the server had and
as often. Meanwhile the server answers /hello, so that the processors are as busy with other things, and their caches as full of them, as they are under the operation's own load.

For each connection, which is a user of its own, two requests are made while PostgreSQL logs statements with their parameters. What differs between the two is new in each: pgbench gets a variable for it,
of random text of the same length, and one whose value was new in the request before, such as the hash of a refresh token, gets the value that the variable had. Numbers that differ are times, and stay.
Making the random texts is left out: it is what a second time costs."""
import glob
import http.client
import itertools
import json
import os
import re
import subprocess
import tempfile
import time
import urllib.parse

from integration import harness
from processes import cpu_s_of_server

# For harness.Postgres: nothing is logged until log_min_duration_statement is set.
SETTINGS = ("logging_collector=on", "log_destination=jsonlog", "log_directory=log", "log_rotation_size=0", "log_rotation_age=0", "log_statement=none", "log_duration=off")
IDLE_S = 2.5
WARM = 3
TRIES = 8
OF_NEW_USERS = ("third party, new", "sign-up", "new tenant")
TRANSACTIONS = 6000  # of all connections together
UNTIL_PLANNED = 10  # PostgreSQL decides for a plan after five
EXECUTED = re.compile(r"duration: [\d.]+ ms  (?:execute [^:]*|statement): (.*)", re.S)
PARAMETER = re.compile(r"\$(\d+) = (NULL|'(?:[^']|'')*')")
NUMBER = re.compile(r"'-?\d*'$")


def _executed(postgres, database, start):
    """[(SQL, {number: quoted parameter})] that the log has from byte `start` on, and its end. What happened before the call is in it: a statement of its own comes after that."""
    path = max(glob.glob(os.path.join(postgres.dir, "data", "log", "*.json")), key=os.path.getmtime)
    marker = "the log as far as " + os.urandom(8).hex()
    postgres.sql("SET log_min_duration_statement = 0; SELECT '%s'" % marker, "postgres")

    def read():
        with open(path, "rb") as f:
            f.seek(start)
            text = f.read()
        return text if marker.encode() in text and text.endswith(b"\n") else None
    text = harness.wait_until(read, 30, "PostgreSQL's log")
    found = []
    for entry in map(json.loads, text.decode().splitlines()):
        match = EXECUTED.match(entry.get("message", ""))
        if match and entry.get("dbname") == database:
            found.append((match.group(1), {int(number): value for number, value in PARAMETER.findall(entry.get("detail", ""))}))
    return found, start + len(text)


class Requests:
    """Makes single requests of an operation's lines (operations.py)."""

    def __init__(self, server, lines):
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(server.url).netloc)
        self.lines = itertools.cycle(lines)
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


def _capture(server, name, clients):
    """For each client the statements of two requests, one after the other: two lists of the same SQL."""
    postgres, database = server.postgres, server.database

    def log(least_ms):
        postgres.sql("ALTER SYSTEM SET log_min_duration_statement = %d" % least_ms, "postgres")
        postgres.sql("SELECT pg_reload_conf()", "postgres")
        time.sleep(0.3)  # what PostgreSQL needs to reload: nothing says that it has

    lines = list(server.operations.lines(name, (WARM + 2 * TRIES) * clients))
    all_requests = [Requests(server, lines[number::clients]) for number in range(clients)]
    for requests in all_requests:
        for _ in range(WARM):
            requests.send()
    log(0)
    try:
        _, start = _executed(postgres, database, 0)
        time.sleep(IDLE_S)  # what jobs do by themselves in this time is not a request's
        idle, start = _executed(postgres, database, start)
        jobs = {sql for sql, _ in idle if sql not in ("BEGIN", "COMMIT")}
        captured = []
        for requests in all_requests:
            for _ in range(TRIES):
                found = []
                for _ in range(2):
                    requests.send(again=name not in OF_NEW_USERS)
                    executed, start = _executed(postgres, database, start)
                    found.append([one for one in executed if one[0] not in jobs])
                # Otherwise a job has come between.
                if [sql for sql, _ in found[0]] == [sql for sql, _ in found[1]]:
                    captured.append(found)
                    break
            else:
                raise RuntimeError("%s: no two requests with the same statements: %s" % (name, [[sql[:80] for sql, _ in one] for one in found]))
        return captured
    finally:
        log(-1)
        for requests in all_requests:
            requests.connection.close()


def _text(quoted):
    return quoted[1:-1].replace("''", "'")


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
    fresh, earlier, makes, values, used, fixed = {}, {}, [], {}, {}, {}  # the first two: variables, by value in the second request and in the first
    for (_, before), (_, now) in zip(first, second):
        for number, value in now.items():
            if value in known or value in fresh or value == "NULL" or NUMBER.match(value):
                continue
            variable = fresh[value] = earlier[before.get(number)] = "new%d" % len(fresh)
            makes.append("%s AS %s" % (_new_like(value, before.get(number)), variable))
            values[variable] = _text(value)
    lines = []
    for sql, parameters in second:
        def replaced(match):
            value = parameters[int(match.group(1))]
            if value in fresh:
                return ":" + fresh[value]
            if value in earlier:
                used[earlier[value]] = "old_" + earlier[value]
                return ":" + used[earlier[value]]
            if value in ("NULL", "''"):
                return value
            # A parameter too, so that the plan is made without its value, as ours are.
            same = fixed.setdefault(value, "fixed%d" % len(fixed))
            values[same] = _text(value)
            return ":" + same
        lines.append(" ".join(re.sub(r"\$(\d+)", replaced, sql).split()) + ";")
    makes = [":%s AS %s" % pair for pair in used.items()] + makes
    make = "SELECT %s \\gset" % ", ".join(makes) if makes else None
    return ([make] if make else []) + lines, make, values


def _pgbench_s(server, scripts, transactions, rate):
    """PostgreSQL's processor time while each of the scripts (lines, variables) is run so often by a connection of its own, at a rate of all together."""
    with tempfile.TemporaryDirectory() as directory:
        commands = []
        for number, (lines, values) in enumerate(scripts):
            path = os.path.join(directory, "%d.sql" % number)
            with open(path, "w", encoding="utf-8") as f:
                f.write("\n".join(lines) + "\n")
            commands.append([server.postgres.bin + "/pgbench", "-n", "-M", "prepared", "-t", str(transactions), "-R", "%.1f" % (rate / len(scripts)), "-h", "127.0.0.1", "-p", str(server.postgres.port), "-U", "gatehouse", "-f", path]
                            + ["--define=%s=%s" % pair for pair in values.items()] + [server.database])
        before = cpu_s_of_server(server.postgres.process.pid)
        # As in Gatehouse's sessions (libs/db/connection.cc).
        environment = {**os.environ, "PGOPTIONS": "-c jit=off -c random_page_cost=1.1 -c enable_memoize=off"}
        running = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) for command in commands]
        for one in running:
            output, errors = one.communicate()
            if one.returncode != 0 or "number of failed transactions: 0 " not in output:
                raise RuntimeError("pgbench: " + (errors or output)[-1500:])
        return cpu_s_of_server(server.postgres.process.pid) - before


def _pgbench_us(server, scripts, rate):
    """PostgreSQL's processor time for a transaction, without connecting and planning."""
    transactions = TRANSACTIONS // len(scripts)
    beginning = _pgbench_s(server, scripts, UNTIL_PLANNED, rate)
    return (_pgbench_s(server, scripts, UNTIL_PLANNED + transactions, rate) - beginning) * 1e6 / (transactions * len(scripts))


def measure(server, name, clients, rate):
    """Microseconds of PostgreSQL's processor time for one request's statements, `rate` times a second, and the number of connections that ran them; 0 without any statement."""
    connections = int(server.postgres.sql("SELECT count(*) FROM pg_stat_activity WHERE datname = '%s' AND state_change > now() - interval '5 seconds' AND query NOT LIKE '%%LISTEN%%'" % server.database, "postgres")[0][0])
    connections = max(1, min(connections, clients))
    captured = _capture(server, name, connections)
    if not captured[0][1]:
        return 0, 0
    scripts, making_twice = [], []
    for first, second in captured:
        lines, make, values = _script(first, second)
        scripts.append((lines, values))
        making_twice.append(([make + " unused_"] + lines if make else lines, values))
    hello = subprocess.Popen(["wrk", "-t", str(clients), "-c", str(clients), "-d", "1h", server.url + "/hello"], stdout=subprocess.DEVNULL)
    try:
        us = _pgbench_us(server, scripts, rate)
        if making_twice != scripts:
            us -= _pgbench_us(server, making_twice, rate) - us
        return us, connections
    finally:
        hello.kill()
        hello.wait()
