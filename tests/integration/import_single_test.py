"""`gatehouse import` as a client: what it writes down, that it loses and doubles nobody when requests fail or it is killed, and what it shows. Its server is one of ours in
Python, which can fail at every step; porting_test imports into a real one."""
import http.server
import json
import os
import pty
import select
import signal
import ssl
import stat
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

from integration import harness

GATEHOUSE = os.path.join(harness.BIN, "gatehouse")
NOBODY = "nobody reads the reply"
KEY = "a key that nobody may see"


class Server(http.server.ThreadingHTTPServer):
    """The queue of bulk import. Users whose email says so are invalid, or fail; the others are imported when `work` is called."""
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = "http://127.0.0.1:%d" % self.server_address[1]
        self.queue, self.imported, self.keys, self.posts = [], [], set(), 0
        self.on_post = None  # called with (server, users); returns a status to answer instead, or None
        self.works = True
        self.clock = 1000
        self.lock = threading.Lock()

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], ssl.SSLError):  # a client that refuses the certificate
            super().handle_error(request, client_address)

    def add(self, users):
        with self.lock:
            self.clock += 1
            for number, user in enumerate(users):
                self.queue.append({**user, "id": "row-%d-%d" % (self.clock, number), "status": "NEW", "createdAt": self.clock, "updatedAt": self.clock})

    def work(self):
        with self.lock:
            for row in [row for row in self.queue if row["status"] == "NEW"]:
                if "fails" in row["loginMethods"][0]["email"]:
                    row.update(status="FAILED", errorMessage="E003: A user with email %s exists" % row["loginMethods"][0]["email"])
                else:
                    self.queue.remove(row)
                    self.imported.append(row["loginMethods"][0]["email"])


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, value):
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        server, url = self.server, urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        server.keys.add(self.headers.get("api-key"))
        if url.path.endswith("/users/by-accountinfo"):
            found = [email for email in server.imported if email == query["email"] and query["doUnionOfAccountInfo"] == "false"]
            method = {"recipeId": "emailpassword", "tenantIds": [url.path.split("/")[-3]]}
            return self.answer(200, {"status": "OK", "users": [{"id": "x", "isPrimaryUser": False, "loginMethods": [method]} for _ in found]})
        if url.path.endswith("/userid/map"):
            return self.answer(200, {"status": "UNKNOWN_MAPPING_ERROR"})
        if server.works:
            server.work()
        rows = [row for row in reversed(server.queue) if row["status"] == query.get("status", row["status"])]
        if url.path.endswith("/count"):
            return self.answer(200, {"status": "OK", "count": len(rows)})
        self.answer(200, {"status": "OK", "users": rows[:int(query["limit"])]})

    def do_POST(self):
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server.keys.add(self.headers.get("api-key"))
        if self.path.endswith("/remove"):
            server.queue = [row for row in server.queue if row["id"] not in body["ids"]]
            return self.answer(200, {"deletedIds": body["ids"], "invalidIds": []})
        invalid = [{"index": i, "errors": ["email %s is bad" % user["loginMethods"][0]["email"]]} for i, user in enumerate(body["users"])
                   if "invalid" in user["loginMethods"][0]["email"]]
        if invalid:
            return self.answer(400, {"error": "Data has missing or invalid fields.", "users": invalid})
        if self.path.endswith("/check"):
            return self.answer(200, {"status": "OK"})
        server.posts += 1
        status = server.on_post(server, body["users"]) if server.on_post else None
        if status is NOBODY:
            self.close_connection = True
            return
        if status is None:
            server.add(body["users"])
        self.answer(status or 200, {"status": "OK"})


def user(name, size=0):
    return {"userMetadata": {"x": "x" * size}, "loginMethods": [{"recipeId": "emailpassword", "email": name + "@secret.io", "passwordHash": "$2a$secret", "hashingAlgorithm": "bcrypt"}]}


def emails(*names):
    return [name + "@secret.io" for name in names]


class Import(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        self.server = Server()
        thread = threading.Thread(target=self.server.serve_forever)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.server.server_close)
        self.addCleanup(self.server.shutdown)

    def path(self, name="users.jsonl"):
        return os.path.join(self.directory, name)

    def write(self, lines):
        with open(self.path(), "w", encoding="utf-8") as f:
            f.writelines((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)

    def command(self, *arguments):
        url = [] if "--url" in arguments else ["--url", self.server.url]
        return [GATEHOUSE, "import", self.path(), *url, *arguments]

    def run_import(self, *arguments, **environment):
        done = subprocess.run(self.command(*arguments), env={**os.environ, **environment}, capture_output=True, text=True, timeout=120)
        self.assertNotIn("secret", done.stdout + done.stderr)
        return done

    def state(self):
        with open(self.path("users.jsonl.gatehouse-import"), encoding="utf-8") as f:
            return json.load(f)

    def failures(self):
        path = self.path("users.jsonl.failed.jsonl")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o600)
        with open(path, encoding="utf-8") as f:
            return [json.loads(line) for line in f]

    def test_failures_are_written_down_and_leave_the_queue(self):
        self.server.add([user("older fails")])  # of somebody else, before
        self.server.work()
        self.write([user("a"), "{no json", user("invalid"), "", user("fails"), user("b")])
        with open(self.path("key"), "w", encoding="utf-8") as f:
            f.write(KEY + "\n")
        done = self.run_import("--api-key-file", self.path("key"))
        self.assertEqual((done.returncode, self.server.imported, self.server.keys), (3, emails("a", "b"), {KEY}), done)
        self.assertIn("2 users imported, 3 failed: %s has them" % self.path("users.jsonl.failed.jsonl"), done.stderr)
        failures = self.failures()
        self.assertEqual([f["importLine"] for f in failures], [2, 3, 5])
        self.assertIn("no JSON: ", failures[0]["importErrors"][0])
        self.assertEqual([f["importErrors"] for f in failures[1:]], [["email invalid@secret.io is bad"], ["E003: A user with email fails@secret.io exists"]])
        self.assertEqual([f["loginMethods"] for f in failures[1:]], [user("invalid")["loginMethods"], user("fails")["loginMethods"]])
        self.assertFalse({"id", "status", "errorMessage", "createdAt"} & set(failures[2]))
        self.assertEqual([row["loginMethods"][0]["email"] for row in self.server.queue], emails("older fails"))
        with open(self.path("users.jsonl.gatehouse-import"), encoding="utf-8") as f:
            self.assertNotIn("secret", f.read())
        # Only once, unless the file is another one.
        again = self.run_import(GATEHOUSE_API_KEY=KEY)
        self.assertEqual((again.returncode, "imported already" in again.stderr, len(self.server.imported)), (0, True, 2), again)
        self.write([user("c")])
        changed = self.run_import(GATEHOUSE_API_KEY=KEY)
        self.assertEqual((changed.returncode, "remove it to begin" in changed.stderr), (1, True), changed)
        # What failed, mended, is a file to import.
        os.rename(self.path("users.jsonl.failed.jsonl"), self.path())
        os.remove(self.path("users.jsonl.gatehouse-import"))
        with open(self.path(), encoding="utf-8") as f:
            mended = f.read().replace("fails", "mended").replace("invalid", "valid").splitlines()[1:]
        self.write(mended)
        self.assertEqual(self.run_import(GATEHOUSE_API_KEY=KEY).returncode, 0)
        self.assertEqual(self.server.imported, emails("a", "b", "valid", "mended"))
        self.assertFalse(os.path.exists(self.path("users.jsonl.failed.jsonl")))
        self.assertEqual(self.server.keys, {KEY})

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=self.directory)

    def authority(self, name):
        """A private one; the file of its certificate."""
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=" + name,
                     "-keyout", name + ".key", "-out", name + ".pem", "-addext", "basicConstraints=critical,CA:true")
        return self.path(name + ".pem")

    def serve_encrypted(self, authority, name):
        """The server's certificate is for `name`."""
        with open(self.path("names"), "w", encoding="utf-8") as f:
            f.write("subjectAltName=DNS:" + name)
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" + name, "-keyout", "server.key", "-out", "server.csr")
        self.openssl("x509", "-req", "-in", "server.csr", "-CA", authority + ".pem", "-CAkey", authority + ".key", "-CAcreateserial", "-days", "2", "-extfile", "names",
                     "-out", "server.pem")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.path("server.pem"), self.path("server.key"))
        # The handshake is for the connection's own thread.
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True, do_handshake_on_connect=False)
        return "https://localhost:%d" % self.server.server_address[1]

    def test_encryption(self):
        """The server proves its name by a certificate of an authority that the client trusts, before anything is sent to it."""
        ours, other = self.authority("ours"), self.authority("other")
        self.write([user("a")])
        url = self.serve_encrypted("ours", "localhost")
        for trusted, url_of in ((other, url), (None, url), (ours, url.replace("localhost", "127.0.0.1"))):
            environment = {"SSL_CERT_FILE": trusted} if trusted else {}
            refused = self.run_import("--url", url_of, GATEHOUSE_API_KEY=KEY, **environment)
            self.assertEqual((refused.returncode, "certificate verify failed" in refused.stderr, self.server.keys, self.server.posts), (1, True, set(), 0), refused)
        done = self.run_import("--url", url, GATEHOUSE_API_KEY=KEY, SSL_CERT_FILE=ours)
        self.assertEqual((done.returncode, self.server.imported, self.server.keys), (0, emails("a"), {KEY}), done)

    def test_a_request_that_failed_or_seems_to_have(self):
        # The second is added although its reply says otherwise, the third is not.
        def on_post(server, users):
            if server.posts == 2:
                server.add(users)
            server.works = server.posts > 3
            return 503 if server.posts in (2, 3) else None
        self.server.on_post = on_post
        self.server.works = False
        names = ["u%d" % i for i in range(27)]
        self.write([user(name, 500_000) for name in names])  # some nine a request
        done = self.run_import()
        self.assertEqual((done.returncode, sorted(self.server.imported), self.server.posts), (0, sorted(emails(*names)), 4), done)
        self.assertIn("answers 503; trying again", done.stderr)

    def killed_in_the_second_request(self, added):
        """Kills the client while the second request runs, whose users are added or not, and runs it again."""
        arrived, go_on = threading.Event(), threading.Event()

        def on_post(server, users):
            if server.posts != 2:
                return None
            if added:
                server.add(users)
            arrived.set()
            go_on.wait(60)
            return NOBODY
        self.server.on_post = on_post
        names = ["u%d" % i for i in range(27)] + ["invalid"]
        self.write(["{"] + [user(name, 500_000) for name in names])
        running = subprocess.Popen(self.command(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.assertTrue(arrived.wait(60))
        busy = self.run_import()
        self.assertEqual((busy.returncode, "being imported already" in busy.stderr), (1, True), busy)
        running.send_signal(signal.SIGKILL)
        running.wait()
        go_on.set()
        state = self.state()
        self.assertGreater(state["sending"], 0)
        # What a killed run had written last, and not counted yet.
        with open(self.path("users.jsonl.failed.jsonl"), "a", encoding="utf-8") as f:
            f.write("{half a li")
        # As if the server's time for the request was over.
        with open(self.path("users.jsonl.gatehouse-import"), "w", encoding="utf-8") as f:
            json.dump({**state, "sending_since_ms": state["sending_since_ms"] - 60_000}, f)
        done = self.run_import()
        self.assertEqual((done.returncode, sorted(self.server.imported)), (3, sorted(emails(*names[:-1]))), done)
        self.assertEqual([f["importLine"] for f in self.failures()], [1, 29])

    def test_killed_before_the_users_are_added(self):
        self.killed_in_the_second_request(added=False)

    def test_killed_after_the_users_are_added(self):
        self.killed_in_the_second_request(added=True)

    def test_a_dry_run_changes_nothing(self):
        self.server.imported = emails("there")
        self.write([user("a"), user("there"), "[]", user("invalid"), user("A")])
        done = self.run_import("--dry-run")
        self.assertEqual((done.returncode, done.stdout.splitlines()),
                         (3, ["line 2: this email is an existing user's (emailpassword, tenant public)", "line 3: no JSON object", "line 4: email … is bad",
                              "line 5: the same emailpassword email as line 1"]), done)
        self.assertIn("5 users: 4 would fail. Nothing was changed.", done.stderr)
        self.assertEqual((self.server.queue, self.server.posts, os.listdir(self.directory)), ([], 0, ["users.jsonl"]))

    def test_progress_on_a_terminal(self):
        self.write([user("a")])
        pid, terminal = pty.fork()
        if pid == 0:
            os.execv(GATEHOUSE, self.command())
        text, end = b"", time.monotonic() + 60
        while time.monotonic() < end and select.select([terminal], [], [], 60)[0]:
            try:
                text += os.read(terminal, 4096)
            except OSError:  # its end has closed
                break
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)
        self.assertRegex(text.decode(), r"\r\x1b\[K\S.* \[#{30}\] 100% 1 user")
        self.assertIn("1 user imported, 0 failed", text.decode())

    def test_what_it_is_given(self):
        self.write([user("a")])
        for arguments, text in ((["--from", "okta"], "--from must be"), (["--url", "ftp://x"], "a URL must be"), (["--api-key-file", self.path("none")], "has no API key"),
                                (["--url", "http://127.0.0.1:%d" % harness.free_port()], "Connection refused"), (["--from", "firebase"], "no array"),
                                (["--from", "auth0", "--hashes", self.path("none")], "is not a file")):
            done = self.run_import(*arguments)
            self.assertEqual((done.returncode, text in done.stderr), (1, True), done)
        self.assertEqual(self.server.imported, [])


if __name__ == "__main__":
    unittest.main()
