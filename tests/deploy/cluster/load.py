#!/usr/bin/env python3
"""Clients of the REST interface, which use every service and send each request once.

    load.py URL API_KEY [--clients N] [--rate REQUESTS_A_SECOND]

Lines on standard input name what happens from now on; the end of the input ends the load. Then every session that was made and acknowledged is verified in the database and refreshed, and a JSON
summary is written: for each name the requests, those that were refused (no connection came about, so that no server ever had the request) and those that failed (anything else but 200 with the status
that the operation has), and latencies; and the sessions that are lost.
"""
import argparse
import asyncio
import json
import sys
import time
import urllib.parse
import uuid
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import every_service  # noqa: E402

TIMEOUT_S = 35
DETAILS = 60


class Failed(Exception):
    pass


class NotConnected(Exception):
    pass


class Connection:
    """HTTP/1.1. Closed when a reply says so, as an HTTP client does."""

    def __init__(self, host, port, api_key):
        self.host, self.port, self.api_key = host, port, api_key
        self.reader = self.writer = None

    def close(self):
        if self.writer:
            self.writer.close()
        self.reader = self.writer = None

    async def send(self, method, path, body):
        if self.writer is None:
            try:
                self.reader, self.writer = await asyncio.open_connection(self.host, self.port)
            except OSError as error:
                raise NotConnected(error) from error
        data = b"" if body is None else json.dumps(body).encode()
        head = "%s %s HTTP/1.1\r\nHost: %s\r\napi-key: %s\r\ncdi-version: 5.4\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (method, path, self.host, self.api_key, len(data))
        self.writer.write(head.encode() + data)
        await self.writer.drain()
        lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:] if line)}
        text = await self.reader.readexactly(int(headers.get("content-length", "0")))
        if headers.get("connection", "").lower() == "close":
            self.close()
        return int(lines[0].split()[1]), text, headers


class Load:
    def __init__(self, arguments):
        url = urllib.parse.urlsplit(arguments.url)
        self.where = (url.hostname, url.port, arguments.api_key)
        self.arguments = arguments
        self.phase, self.stopped = "start", False
        self.latencies, self.failed, self.refused, self.details = {}, {}, {}, []
        self.sessions = {}  # handle -> the newest tokens that were acknowledged

    async def call(self, connection, method, path, body=None, status="OK"):
        begin = time.monotonic()
        problem, text, headers, counted = "", b"", {}, self.failed
        try:
            async with asyncio.timeout(TIMEOUT_S):
                code, text, headers = await connection.send(method, path, body)
            if code != 200:
                problem = "%d %s" % (code, text[:200].decode(errors="replace"))
            elif status is not None and json.loads(text)["status"] != status:
                problem = "status " + json.loads(text)["status"]
        except NotConnected as error:
            problem, counted = "not connected: %s" % error, self.refused
        except (OSError, EOFError, asyncio.TimeoutError, asyncio.LimitOverrunError) as error:
            problem = "%s: %s" % (type(error).__name__, error)
            connection.close()
        took = time.monotonic() - begin
        # What happened when it ended is why it failed, not what happened when it was sent.
        phase = self.phase
        self.latencies.setdefault(phase, []).append(took)
        if problem:
            counted[phase] = counted.get(phase, 0) + 1
            if len(self.details) < DETAILS:
                self.details.append("%s %s: %s %s: %s (%s, after %.3f s)" % (time.strftime("%H:%M:%S"), phase, method, path.split("?")[0], problem, headers.get("x-request-id", "-"), took))
            raise Failed
        return json.loads(text) if status is not None else None

    async def client(self, number):
        connection = Connection(*self.where)
        pause = self.arguments.clients / self.arguments.rate
        next_at = time.monotonic() + pause * number / self.arguments.clients
        work = self.work()
        operation = None
        while not self.stopped:
            await asyncio.sleep(max(0.0, next_at - time.monotonic()))
            next_at = max(next_at + pause, time.monotonic() - 5 * pause)
            if number % 4 == 0:
                connection.close()  # every fourth client connects for each request
            try:
                operation = work.send(None if operation is None else await self.call(connection, *operation))
            except Failed:
                work, operation = self.work(), None  # the rest of the round needed that answer
        connection.close()

    def work(self):
        """Operations, each sent the answer of the one before it; without end."""
        while True:
            name = uuid.uuid4().hex
            user = (yield "POST", "/recipe/signup", {"email": name + "@load.example", "password": "correct horse 1"})["user"]["id"]
            yield "PUT", "/recipe/role", {"role": "reader", "permissions": ["read"]}
            yield "PUT", "/recipe/user/role", {"userId": user, "role": "reader"}
            yield "PUT", "/recipe/user/metadata", {"userId": user, "metadataUpdate": {"n": 1}}
            yield "POST", "/recipe/signinup", {"thirdPartyId": "google", "thirdPartyUserId": name, "email": {"id": name + "@google.example", "isVerified": True}}
            yield "POST", "/recipe/signinup/code", {"email": name + "@code.example"}
            yield from every_service.operations(user, name)
            for _ in range(4):
                made = yield "POST", "/recipe/session", {"userId": user, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False}
                handle = made["session"]["handle"]
                for turn in range(5):
                    # From here until it is answered a refresh may or may not have happened; both tokens are its client's to use.
                    self.sessions[handle] = (made["accessToken"]["token"], made["refreshToken"]["token"])
                    for database in (True, False):
                        yield "POST", "/recipe/session/verify", {"accessToken": made["accessToken"]["token"], "enableAntiCsrf": False, "doAntiCsrfCheck": False, "checkDatabase": database}
                    yield "GET", "/recipe/user/roles?userId=" + user
                    yield "GET", "/recipe/user/metadata?userId=" + user
                    yield "GET", "/.well-known/jwks.json", None, None
                    if turn < 4:
                        made = yield "POST", "/recipe/session/refresh", {"refreshToken": made["refreshToken"]["token"], "enableAntiCsrf": False, "useDynamicSigningKey": True}
            yield "POST", "/recipe/signin", {"email": name + "@load.example", "password": "correct horse 1"}
            yield "GET", "/user/id?userId=" + user

    async def lost_sessions(self):
        """Sessions that were acknowledged and are no more. An honest client asks again after a failure; there should be none by now."""
        self.phase = "sessions verified"
        lost = []
        connection = Connection(*self.where)
        for handle, (access, refresh) in self.sessions.items():
            try:
                await self.call(connection, "POST", "/recipe/session/verify", {"accessToken": access, "enableAntiCsrf": False, "doAntiCsrfCheck": False, "checkDatabase": True})
                await self.call(connection, "POST", "/recipe/session/refresh", {"refreshToken": refresh, "enableAntiCsrf": False, "useDynamicSigningKey": True})
            except Failed:
                lost.append(handle)
        connection.close()
        return lost

    async def phases(self):
        reader = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        while line := await reader.readline():
            self.phase = line.decode().strip()
        self.stopped = True

    async def run(self):
        await asyncio.gather(self.phases(), *(self.client(number) for number in range(self.arguments.clients)))
        lost = await self.lost_sessions()
        summary = {}
        for phase, times in self.latencies.items():
            times.sort()
            summary[phase] = {"requests": len(times), "failed": self.failed.get(phase, 0), "refused": self.refused.get(phase, 0)}
            summary[phase].update({"p%d_ms" % part: round(1000 * times[min(len(times) - 1, len(times) * part // 100)], 1) for part in (50, 99)}, max_ms=round(1000 * times[-1], 1))
        json.dump({"phases": summary, "sessions": len(self.sessions), "sessions_lost": len(lost), "details": self.details}, sys.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("url")
    parser.add_argument("api_key")
    parser.add_argument("--clients", type=int, default=12)
    parser.add_argument("--rate", type=float, default=100)
    asyncio.run(Load(parser.parse_args()).run())


if __name__ == "__main__":
    main()
