"""The base of the integration tests: a private PostgreSQL server, fresh databases, Gatehouse all-in-one and split, an HTTP client.

Environment: GATEHOUSE_BIN (directory of the programs), GATEHOUSE_MODE (all-in-one | split). Standard library only.
"""
import atexit
import contextlib
import glob
import http.client
import json
import os
import pwd
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
import uuid

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "..", ".."))
BIN = os.environ.get("GATEHOUSE_BIN", os.path.join(ROOT, "build", "release", "bin"))
MODE = os.environ.get("GATEHOUSE_MODE", "all-in-one")
with open(os.path.join(ROOT, "services", "services.json"), encoding="utf-8") as service_table:
    SERVICE_ROWS = [row for row in json.load(service_table) if not row.get("planned")]
SERVICES = [row["name"] for row in SERVICE_ROWS]
# Every process logs to files below this directory; the last test of a run reads them all.
LOG_DIR = os.environ.get("GATEHOUSE_TEST_LOGS") or tempfile.mkdtemp(prefix="gatehouse-logs-")
# See quick_keys.cc.
_LIBRARY = os.path.join(os.path.dirname(os.path.abspath(BIN)), "lib", "libquick_keys.so")
QUICK_KEYS = {"LD_PRELOAD": _LIBRARY} if os.path.exists(_LIBRARY) else {}
START_TIMEOUT_S = 60
# Programs with a sanitizer's checks take several times as long for everything.
PATIENCE = int(os.environ.get("GATEHOUSE_TIMEOUT_FACTOR", "1"))


def free_port():
    """A port below the range that the kernel gives to outgoing connections: one of those could take it before our server binds it. No test that runs at the same time
    gets the same: a name in the system's list of Unix sockets reserves it until this process ends."""
    while True:
        port = random.randrange(15000, 32000)
        holder = socket.socket(socket.AF_UNIX)
        try:
            holder.bind("\0gatehouse-test-port-%d" % port)
            with socket.socket() as s:
                s.bind(("127.0.0.1", port))
        except OSError:
            holder.close()
            continue
        holder.detach()
        return port


def wait_until(condition, timeout_s, what):
    """Polls a condition of another process: the only kind of waiting in these tests."""
    timeout_s *= PATIENCE
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        result = condition()
        if result:
            return result
        time.sleep(0.02)
    raise AssertionError("waited %s s for %s" % (timeout_s, what))


def _fail_on_dead_threads():
    """Makes the run fail when a thread of a test ended with an exception: its requests would be missing from the results."""
    show, died = threading.excepthook, []

    def note(arguments):
        died.append(arguments.thread)
        show(arguments)

    def end():
        if died:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(1)
    threading.excepthook = note
    # What is registered first runs last: servers have been stopped by then.
    atexit.register(end)


_fail_on_dead_threads()


class Postgres:
    """A private server on a Unix socket; one per test process, or one with its own `settings` that writes its log to the open file `log`."""
    _shared = None

    @classmethod
    def shared(cls):
        if cls._shared is None:
            cls._shared = Postgres()
            atexit.register(cls._shared.stop)
        return cls._shared

    def __init__(self, settings=(), log=subprocess.DEVNULL):
        bins = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
        self.bin = bins[-1] if bins else os.path.dirname(shutil.which("initdb") or "")
        # In memory, where scripts/test.sh found room for that, unless the disk is part of what is measured.
        self.dir = tempfile.mkdtemp(prefix="gatehouse-pg-", dir=None if "fsync=on" in settings else os.environ.get("GATEHOUSE_TEST_DATA"))
        self.port = free_port()
        # PostgreSQL refuses to run as root.
        self.as_user = {}
        if os.getuid() == 0:
            user = pwd.getpwnam("postgres")
            os.chown(self.dir, user.pw_uid, user.pw_gid)
            self.as_user = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}
        data = os.path.join(self.dir, "data")
        self._make_files(data)
        extra = [word for setting in settings for word in ("-c", setting)]
        self.process = subprocess.Popen(
            [self.bin + "/postgres", "-D", data, "-p", str(self.port), "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=" + self.dir,
             "-c", "fsync=off", "-c", "synchronous_commit=off", "-c", "full_page_writes=off", "-c", "max_connections=300", "-c", "shared_buffers=64MB"] + extra,
            cwd=self.dir, stdout=subprocess.DEVNULL, stderr=log, **self.as_user)
        wait_until(lambda: self.sql("SELECT 1", "postgres", check=False) == [["1"]], 30, "PostgreSQL")

    def _make_files(self, data):
        """initdb takes a second: its result is kept in the build tree, and copied from then on."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        build = os.path.dirname(os.path.abspath(BIN))
        kept = os.path.join(build, "initdb-" + os.path.basename(os.path.dirname(self.bin)))
        if subprocess.run(["cp", "-a", kept, data], **quiet).returncode == 0:
            return
        shutil.rmtree(data, ignore_errors=True)
        subprocess.run([self.bin + "/initdb", "-D", data, "-U", "gatehouse", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"],
                       check=True, cwd=self.dir, **self.as_user, **quiet)
        if not os.path.exists(os.path.join(build, "CMakeCache.txt")):
            return
        # Another test may do the same at this moment; the first to rename wins.
        mine = "%s-%d" % (kept, os.getpid())
        with contextlib.suppress(OSError):
            if subprocess.run(["cp", "-a", data, mine], **quiet).returncode == 0:
                os.rename(mine, kept)
        shutil.rmtree(mine, ignore_errors=True)

    def sql(self, text, database, check=True):
        """Runs SQL text; the rows of the last statement as lists of strings."""
        done = subprocess.run([self.bin + "/psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "gatehouse", "-d", database, "-X", "-q", "-A", "-t", "-F", "\x1f",
                               "-v", "ON_ERROR_STOP=1"], input=text, capture_output=True, text=True)
        if done.returncode != 0:
            if check:
                raise AssertionError(done.stderr)
            return None
        return [line.split("\x1f") for line in done.stdout.splitlines()]

    @contextlib.contextmanager
    def session(self, database):
        """A separate session, for transactions that stay open: `run` waits for its statements to end."""
        process = subprocess.Popen([self.bin + "/psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "gatehouse", "-d", database, "-X", "-q", "-A", "-t",
                                    "-v", "ON_ERROR_STOP=1"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

        def run(text):
            process.stdin.write(text + "\n\\echo the end\n")
            process.stdin.flush()
            lines = []
            for line in process.stdout:
                if line == "the end\n":
                    return lines
                lines.append(line)
            raise AssertionError("".join(lines))
        process.run = run
        try:
            yield process
        finally:
            process.stdin.close()
            process.stdout.close()
            process.wait()

    def create_database(self):
        name = "t_" + uuid.uuid4().hex[:12]
        self.sql('CREATE DATABASE "%s"' % name, "postgres")
        return name

    def uri(self, database):
        return "postgresql://gatehouse:x@127.0.0.1:%d/%s" % (self.port, database)

    def processes(self):
        found = subprocess.run(["pgrep", "-P", str(self.process.pid)], capture_output=True, text=True).stdout.split()
        return [self.process.pid] + [int(pid) for pid in found]

    def signal_all(self, number):
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def stop(self):
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


class Reply:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.text = status, headers, body.decode("utf-8", "replace")

    @property
    def json(self):
        return json.loads(self.text)

    def __repr__(self):
        return "%d %s" % (self.status, self.text[:300])


class Client:
    """Calls one app of a server; keeps one connection."""

    def __init__(self, port, cdi="5.4", app=None):
        self.port, self.cdi, self.app, self.headers = port, cdi, app, {}
        self.connection = None

    def request(self, method, path, body=None, query=None, cdi=..., headers=None, raw=None, tenant=None):
        url = ("/appid-" + self.app if self.app else "") + ("/" + tenant if tenant else "") + path
        if query:
            url += "?" + urllib.parse.urlencode(query)
        all_headers = dict(self.headers)
        version = self.cdi if cdi is ... else cdi
        if version:
            all_headers["cdi-version"] = version
        data = raw
        if body is not None:
            data = json.dumps(body).encode()
            all_headers["Content-Type"] = "application/json; charset=utf-8"
        all_headers.update(headers or {})
        # Sent only once: a lost request must be noticed, and repeating it would hide it.
        if self.connection is not None and self.closed_by_server():
            self.close()
        if self.connection is None:
            self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30 * PATIENCE)
        try:
            self.connection.request(method, url, body=data, headers=all_headers)
            answer = self.connection.getresponse()
            return Reply(answer.status, dict(answer.getheaders()), answer.read())
        except (http.client.HTTPException, OSError):
            self.close()
            raise

    def closed_by_server(self):
        """Whether the idle connection has ended meanwhile, for example by a restart: nothing else makes it readable."""
        sock = self.connection.sock
        return sock is not None and bool(select.select([sock], [], [], 0)[0])

    def get(self, path, query=None, **k):
        return self.request("GET", path, query=query, **k)

    def post(self, path, body=None, **k):
        return self.request("POST", path, body=body, **k)

    def put(self, path, body=None, **k):
        return self.request("PUT", path, body=body, **k)

    def close(self):
        if self.connection:
            self.connection.close()
        self.connection = None


class Process:
    """One program of Gatehouse."""

    def __init__(self, program, arguments, environment, log_name):
        self.program, self.arguments, self.environment = program, arguments, environment
        self.open_files = None  # (soft, hard) limit; None: as this process has it
        self.wrapper = []  # a command that runs the program
        self.log_path = os.path.join(LOG_DIR, "%s-%s.log" % (log_name, uuid.uuid4().hex[:8]))
        self.process = None

    def start(self):
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("POSTGRESQL_", "SUPERTOKENS_", "GATEHOUSE_"))}
        environment.update(self.environment)
        with open(self.log_path, "ab") as log:
            limits = ["prlimit", "--nofile=%d:%d" % self.open_files] if self.open_files else []
            self.process = subprocess.Popen(limits + self.wrapper + [os.path.join(BIN, self.program)] + self.arguments, stdout=log, stderr=log, env=environment)
        return self

    def log(self):
        with open(self.log_path, errors="replace") as f:
            return f.read()

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()

    def stop(self, timeout_s=30):
        """SIGTERM; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                self.kill()
                raise AssertionError("%s did not stop: %s" % (self.program, self.log()[-2000:]))
        return self.process.returncode


class Gatehouse:
    """A running Gatehouse on its own database, all-in-one or split."""

    def __init__(self, mode=None, database=None, environment=None, test_mode=True, service_environment=None, postgres=None):
        self.mode = mode or MODE
        self.postgres = postgres or Postgres.shared()
        self.database = database or self.postgres.create_database()
        self.port = free_port()
        self.admin_port = free_port()
        self.admin_ports = {}
        self.processes = {}
        base = {"POSTGRESQL_CONNECTION_URI": self.postgres.uri(self.database), "LOG_LEVEL": "DEBUG",
                # There is no balancer that would need the time.
                "GATEHOUSE_SHUTDOWN_DELAY_MS": "0"}
        if test_mode:
            base["GATEHOUSE_TEST_MODE"] = "true"
            base.update(QUICK_KEYS)
        base.update(environment or {})
        if self.mode == "all-in-one":
            self.processes["gatehouse"] = Process("gatehouse", ["start", "--port", str(self.port)], {**base, "GATEHOUSE_ADMIN_PORT": str(self.admin_port)}, "gatehouse")
        else:
            self.socket_dir = tempfile.mkdtemp(prefix="gatehouse-sockets-")
            for service in SERVICES:
                base.setdefault("GATEHOUSE_%s_ADDRESS" % service.upper(), "unix:%s/%s.sock" % (self.socket_dir, service))
            for service in SERVICES:
                self.admin_ports[service] = free_port()
                own = {**base, **((service_environment or {}).get(service, {})), "GATEHOUSE_ADMIN_PORT": str(self.admin_ports[service])}
                self.processes[service] = Process("gatehouse-" + service, [], own, service)
            self.processes["gateway"] = Process("gatehouse-gateway", ["--port", str(self.port)], {**base, "GATEHOUSE_ADMIN_PORT": str(self.admin_port)}, "gateway")

    def migrate(self):
        """`gatehouse migrate` on the database: before the start, if services have their own roles."""
        environment = {**next(iter(self.processes.values())).environment}
        for name in ("GATEHOUSE_ADMIN_PORT", "GATEHOUSE_TEST_MODE"):
            environment.pop(name, None)
        done = subprocess.run([os.path.join(BIN, "gatehouse"), "migrate"], env={**os.environ, **environment}, capture_output=True, text=True)
        if done.returncode != 0:
            raise AssertionError(done.stderr)

    def start(self):
        try:
            for process in self.processes.values():
                process.start()
            self.wait_ready()
        except BaseException:
            # Its owner has nothing yet to end them by: they would outlive the test.
            self.kill()
            raise
        return self

    def wait_ready(self):
        def ready():
            for name, process in self.processes.items():
                if process.process.poll() is not None:
                    raise AssertionError("%s ended at start: %s" % (name, process.log()[-3000:]))
            with contextlib.suppress(OSError, http.client.HTTPException):
                return (self.once("GET", "/hello").text == "Hello\n" and self.admin("/readyz").status == 200
                        and all(self.admin("/readyz", service).status == 200 for service in self.admin_ports))
        wait_until(ready, START_TIMEOUT_S, "readiness")

    def admin(self, path, service=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.admin_ports[service] if service else self.admin_port, timeout=10)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return Reply(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def client(self, **k):
        return Client(self.port, **k)

    def once(self, method, path, **k):
        """One request on its own connection."""
        client = self.client()
        try:
            return client.request(method, path, **k)
        finally:
            client.close()

    def new_app(self, config=None, **k):
        """A client of a new app."""
        app = uuid.uuid4().hex
        reply = self.once("PUT", "/recipe/multitenancy/app/v2", body={"appId": app, "coreConfig": config or {}})
        if reply.status != 200 or reply.json.get("status") != "OK":
            raise AssertionError("no app: %r" % reply)
        return self.client(app=app, **k)

    def sql(self, text):
        return self.postgres.sql(text, self.database)

    def stop(self):
        for name in reversed(list(self.processes)):
            self.processes[name].kill() if self.processes[name].process is None else self.processes[name].stop()

    def kill(self):
        for process in self.processes.values():
            process.kill()


class GatehouseTest(unittest.TestCase):
    """Tests on one Gatehouse for the class; each test has its own app in self.app."""
    environment = {}
    mode = None

    @classmethod
    def setUpClass(cls):
        cls.gatehouse = Gatehouse(mode=cls.mode, environment=cls.environment).start()
        cls.addClassCleanup(cls.gatehouse.kill)

    def setUp(self):
        self.app = self.gatehouse.new_app()
        self.addCleanup(self.app.close)

    def expect(self, reply, **fields):
        """200, status OK and the given members; the reply's JSON."""
        self.assertEqual(reply.status, 200, reply)
        fields.setdefault("status", "OK")
        for name, value in fields.items():
            self.assertEqual(reply.json.get(name), value, reply)
        return reply.json

    def text(self, reply, status, text):
        self.assertEqual((reply.status, reply.text), (status, text + "\n"))
