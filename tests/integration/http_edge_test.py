"""The edge against malicious or too many clients: requests that can be read in two ways, stalled uploads, endless connections; and its orderly shutdown."""
import contextlib
import json
import re
import socket
import time
import unittest

from integration import harness

KEY = "0123456789-abcdefghij"
HIDDEN = b"GET /hello HTTP/1.1\r\nHost: x\r\n\r\n"


def connect(port):
    return socket.create_connection(("127.0.0.1", port), timeout=5)


def read_to_end(s):
    answer = b""
    while chunk := s.recv(65536):
        answer += chunk
    return answer


def read_reply(s):
    """One reply with a Content-Length: (status, head, body)."""
    data = b""
    while b"\r\n\r\n" not in data:
        chunk = s.recv(65536)
        if not chunk:
            raise AssertionError("the connection ended: %r" % data)
        data += chunk
    head, body = data.split(b"\r\n\r\n", 1)
    while len(body) < int(re.search(rb"(?i)content-length: (\d+)", head).group(1)):
        body += s.recv(65536)
    return int(head.split()[1]), head.decode(), body.decode()


class Smuggling(harness.GatehouseTest):
    def test_a_request_is_read_in_one_way_or_not_at_all(self):
        chunks = b"5\r\nabcde\r\n0\r\n\r\n"
        for fields in (b"Transfer-Encoding: gzip", b"Transfer-Encoding: xchunked", b"Transfer-Encoding: chunked, identity", b"Transfer-Encoding: chunked, chunked",
                       b'Transfer-Encoding: "chunked"', b"Transfer-Encoding:", b"Transfer-Encoding: gzip\r\nContent-Length: 3",
                       b"Content-Length: 3\r\nTransfer-Encoding: identity", b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked",
                       b"Transfer-Encoding:\r\n chunked", b"X: y\r\n z", b"Content-Length: 3, 3", b"Content-Length: 3\r\nContent-Length: 3", b"Content-Length: +3",
                       b"Transfer-Encoding : chunked", b"X: y\nZ: z", b"X: y\0z", b"Host: y"):
            for body in (HIDDEN, chunks + HIDDEN):
                with self.subTest(fields=fields), connect(self.gatehouse.port) as s:
                    s.sendall(b"POST /recipe/signin HTTP/1.1\r\nHost: x\r\n" + fields + b"\r\n\r\n" + body)
                    answer = read_to_end(s)
                    self.assertRegex(answer, rb"^HTTP/1.1 (400|501) ")
                    self.assertIn(b"\r\nConnection: close\r\n", answer)
                    self.assertEqual(answer.count(b"HTTP/1.1"), 1, answer)
        with connect(self.gatehouse.port) as s:
            s.sendall(b"POST /recipe/signin HTTP/1.0\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + HIDDEN)
            self.assertRegex(read_to_end(s), rb"^HTTP/1.1 400 ")

    def test_replies_are_harmless_to_a_browser(self):
        for path in ("/users?limit=%3Cscript%3E", "/%3Cscript%3E", "/appid-%3Cscript%3E/users", "/<b>", "/%2e%2e/x", "/hello"):
            reply = self.gatehouse.once("GET", path, headers={"cdi-version": "<script>"})
            self.assertEqual(reply.headers.get("X-Content-Type-Options"), "nosniff", reply)
            if reply.headers["Content-Type"].startswith("text/"):
                self.assertEqual(reply.headers.get("Content-Security-Policy"), "default-src 'none'; sandbox", reply)
        reply = self.app.get("/users", {"limit": 10})
        self.assertEqual(reply.headers["Content-Type"], "application/json;charset=UTF-8")
        self.assertEqual(reply.headers.get("X-Content-Type-Options"), "nosniff")


class Uploads(harness.GatehouseTest):
    environment = {"API_KEYS": KEY}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gatehouse.client = lambda **k: cls.keyed(harness.Client(cls.gatehouse.port, **k))

    @staticmethod
    def keyed(client):
        client.headers["api-key"] = KEY
        return client

    def upload(self, path, length, key=None, fields=""):
        s = connect(self.gatehouse.port)
        self.addCleanup(s.close)
        s.sendall(("POST %s HTTP/1.1\r\nHost: x\r\ncdi-version: 5.4\r\n%sContent-Length: %d\r\n%s\r\n"
                   % (path, "api-key: %s\r\n" % key if key else "", length, fields)).encode())
        return s

    def test_the_key_is_asked_for_before_the_body(self):
        # Nothing of the body is sent: a server that waits for it does not answer.
        for fields in ("", "Expect: 100-continue\r\n"):
            for path in ("/recipe/signup", "/appid-nosuch/recipe/signup"):
                for key in (None, "wrong" + KEY):
                    if key is None or "nosuch" not in path:
                        with self.subTest(path=path, key=key, fields=fields):
                            s = self.upload(path, 9_000_000, key, fields)
                            status, head, _ = read_reply(s)
                            self.assertEqual(status, 400 if "nosuch" in path else 401)
                            self.assertIn("Connection: close", head)
        self.assertEqual(read_reply(self.upload("/no/such/path", 9_000_000, KEY))[0], 404)
        self.assertEqual(read_reply(self.upload("/recipe/signin/../signin", 9_000_000))[0], 401)

    def test_a_key_that_fits_is_told_to_go_on(self):
        body = json.dumps({"email": "a@b.co", "password": "x1234567"}).encode()
        s = self.upload("/recipe/signup", len(body), KEY, "Expect: 100-continue\r\n")
        self.assertEqual(s.recv(100), b"HTTP/1.1 100 Continue\r\n\r\n")
        s.sendall(body)
        status, _, text = read_reply(s)
        self.assertEqual((status, json.loads(text)["status"]), (200, "OK"))

    def test_a_small_refused_body_costs_no_connection(self):
        s = self.upload("/recipe/signup", len(HIDDEN))
        s.sendall(HIDDEN)
        self.assertEqual(read_reply(s)[0], 401)
        s.sendall(HIDDEN)
        self.assertEqual(read_reply(s)[0], 200)

    def test_stalled_uploads_of_one_app_leave_room_for_others(self):
        # 256 MiB in total: the whole allowance for bodies.
        for mib in [6] * 42 + [4]:
            s = self.upload("/appid-%s/recipe/signup" % self.app.app, 9_000_000, KEY)
            with contextlib.suppress(ConnectionError):  # what does not fit is refused
                s.sendall(b"x" * (mib * 1024 * 1024))
        other = self.gatehouse.new_app()
        # The server may still be reading them.
        end = time.monotonic() + 4
        while time.monotonic() < end:
            for client in (other, self.app):
                self.expect(client.put("/recipe/role", {"role": "r", "permissions": ["p"]}))


class Connections(unittest.TestCase):
    def start(self, open_files, **environment):
        gatehouse = harness.Gatehouse(environment=environment)
        front = gatehouse.processes["gatehouse" if gatehouse.mode == "all-in-one" else "gateway"]
        front.open_files = open_files
        self.addCleanup(gatehouse.kill)
        return gatehouse.start(), front

    def crowd(self, gatehouse, count):
        for _ in range(count):
            s = connect(gatehouse.port)
            self.addCleanup(s.close)

    def test_the_limit_on_open_files_is_raised(self):
        gatehouse, _ = self.start((256, 4096))
        self.crowd(gatehouse, 300)
        self.assertEqual(gatehouse.once("GET", "/hello").status, 200)

    def test_clients_beyond_what_can_be_raised_are_answered(self):
        gatehouse, front = self.start((256, 256))
        kept = gatehouse.client()
        self.assertEqual(kept.get("/hello").status, 200)
        self.crowd(gatehouse, 300)
        for _ in range(20):
            with connect(gatehouse.port) as s:
                s.sendall(HIDDEN)
                self.assertRegex(read_to_end(s), rb"^HTTP/1.1 503 ")
        # The database and existing clients are served, and nobody can fill the log.
        self.assertEqual(kept.get("/users/count").status, 200)
        kept.close()
        self.assertEqual(front.log().count("connections_refused"), 1)
        self.assertIn("connections_limited", front.log())


class Drain(unittest.TestCase):
    def test_not_ready_first_then_closed(self):
        gatehouse = harness.Gatehouse(environment={"GATEHOUSE_SHUTDOWN_DELAY_MS": "3000"})
        self.addCleanup(gatehouse.kill)
        gatehouse.start()
        front = gatehouse.processes["gatehouse" if gatehouse.mode == "all-in-one" else "gateway"]
        kept = [connect(gatehouse.port) for _ in range(5)]
        for s in kept:
            self.addCleanup(s.close)
            s.sendall(HIDDEN)
            self.assertEqual(read_reply(s)[0], 200)
        front.process.terminate()
        harness.wait_until(lambda: gatehouse.admin("/readyz").status == 503, 5, "not ready")
        # A client that has not noticed yet is served, with `Connection: close`.
        for s in kept:
            s.sendall(HIDDEN)
            status, head, body = read_reply(s)
            self.assertIn("Connection: close", head)
            self.assertEqual((status, body[-6:]), (200, "Hello\n"))
        self.assertEqual(gatehouse.once("GET", "/hello").status, 200)
        self.assertEqual(front.process.wait(15), 0)
        with self.assertRaises(OSError):
            connect(gatehouse.port).close()


if __name__ == "__main__":
    unittest.main()
