"""One database connection for everything, and 1,000 clients at once: each waits its turn, none is refused, nothing locks up."""
import asyncio
import json
import resource
import time
import unittest

from integration import harness

CLIENTS = 1000
# A debug build on a busy machine does some 500 a second; a deadlock or a lost wake-up would use up the request's 30 s and answer 503.
TIME_LIMIT_S = 25


class Connection:
    """A persistent HTTP/1.1 connection."""

    async def open(self, port):
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", port)
        return self

    async def post(self, path, body, cdi):
        data = json.dumps(body).encode()
        head = "POST %s HTTP/1.1\r\nHost: x\r\ncdi-version: %s\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: %d\r\n\r\n" % (path, cdi, len(data))
        self.writer.write(head.encode() + data)
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
        text = (await self.reader.readexactly(int(headers["content-length"]))).decode()
        return int(lines[0].split()[1]), text


class PoolOfOne(harness.GatehouseTest):
    # Operations with passwords are refused early if they would wait for more than a third of a request's time: here they may wait as long as the test does.
    environment = {"POSTGRESQL_CONNECTION_POOL_SIZE": "1", "BCRYPT_LOG_ROUNDS": "4", "GATEHOUSE_REQUEST_TIMEOUT_MS": str(3 * TIME_LIMIT_S * 1000)}

    @classmethod
    def setUpClass(cls):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if soft < 3 * CLIENTS:
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 3 * CLIENTS), hard))
        super().setUpClass()

    def at_once(self, connections, requests, cdi):
        """Sends a request on each connection at once; returns the replies' JSON, all of them 200 and OK, within the limit."""
        async def all_of_them():
            return await asyncio.gather(*(connection.post("/appid-" + self.app.app + path, body, cdi) for connection, (path, body) in zip(connections, requests)))
        start = time.monotonic()
        replies = self.loop.run_until_complete(asyncio.wait_for(all_of_them(), TIME_LIMIT_S))
        self.assertLess(time.monotonic() - start, TIME_LIMIT_S)
        wrong = [reply for reply in replies if reply[0] != 200 or json.loads(reply[1])["status"] != "OK"]
        self.assertEqual((len(wrong), wrong[:3]), (0, []))
        return [json.loads(text) for _, text in replies]

    def test_a_thousand_sessions_at_once(self):
        self.loop = asyncio.new_event_loop()
        self.addCleanup(self.loop.close)

        async def connect():
            return [await Connection().open(self.gatehouse.port) for _ in range(CLIENTS)]
        connections = self.loop.run_until_complete(connect())
        self.addCleanup(lambda: [connection.writer.close() for connection in connections])
        user = self.expect(self.app.post("/recipe/signup", {"email": "one@example.com", "password": "x1234567"}))["user"]["id"]
        # Creation asks users for the id, which needs the one connection too.
        create = {"userId": user, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False}
        sessions = self.at_once(connections, [("/recipe/session", create)] * CLIENTS, "5.6")
        for cdi in ("5.4", "5.6", "5.6"):
            refreshes = [("/recipe/session/refresh", {"refreshToken": session["refreshToken"]["token"], "enableAntiCsrf": False, "useDynamicSigningKey": True})
                         for session in sessions]
            sessions = self.at_once(connections, refreshes, cdi)
        self.assertEqual(len({session["session"]["handle"] for session in sessions}), CLIENTS)
        # A mixture: statements of every service in turns on one connection.
        mixture = [("/recipe/session", create), ("/recipe/signup", None), ("/recipe/signin", {"email": "one@example.com", "password": "x1234567"}),
                   ("/recipe/signinup", None), ("/recipe/session/verify", {"accessToken": sessions[0]["accessToken"]["token"], "enableAntiCsrf": False,
                                                                           "doAntiCsrfCheck": False, "checkDatabase": True})]
        requests = []
        for number in range(CLIENTS):
            path, body = mixture[number % len(mixture)]
            if path == "/recipe/signup":
                body = {"email": "e%d@example.com" % number, "password": "x1234567"}
            elif path == "/recipe/signinup":
                body = {"thirdPartyId": "google", "thirdPartyUserId": "g%d" % number, "email": {"id": "g%d@example.com" % number, "isVerified": True}}
            requests.append((path, body))
        self.at_once(connections, requests, "5.4")
        self.assertEqual(self.gatehouse.once("GET", "/hello").status, 200)


if __name__ == "__main__":
    unittest.main()
