#!/usr/bin/env python3
"""Rolling restarts lose nothing: two all-in-one instances on one database, behind a balancer that follows /readyz and never repeats a request.

Usage: rolling_restarts.py [--restarts N] [--requests N] [--clients N]

Clients keep working until the restarts are done and the requests are made. Exit status 1 when a request was not answered with 200; the last line is a JSON summary.
"""
import argparse
import asyncio
import collections
import json
import os
import sys
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from chaos.balancer import Balancer, Upstream, read_message  # noqa: E402
from integration import harness  # noqa: E402


class Run:
    def __init__(self, arguments, instances, app):
        self.arguments, self.instances, self.app = arguments, instances, app
        self.upstreams = [Upstream(instance.port, instance.admin_port) for instance in instances]
        self.balancer = Balancer(self.upstreams)
        self.answers = collections.Counter()
        self.wrong = []
        self.restarted = False
        self.restarts = 0

    async def run(self):
        await self.balancer.start()
        await self.until(lambda: all(upstream.ready for upstream in self.upstreams))
        await asyncio.gather(self.restart_all(), *(self.client() for _ in range(self.arguments.clients)))
        await self.balancer.stop()

    @staticmethod
    async def until(condition):
        async with asyncio.timeout(60):
            while not condition():
                await asyncio.sleep(0.02)

    async def restart_all(self):
        try:
            for number in range(self.arguments.restarts):
                index = number % len(self.instances)
                process = self.instances[index].processes["gatehouse"]
                process.process.terminate()
                status = await asyncio.to_thread(process.process.wait, 60)
                if status != 0:
                    self.wrong.append("exit status %d: %s" % (status, process.log()[-2000:]))
                process.start()
                await self.until(lambda: self.upstreams[index].ready)
                self.restarts += 1
        finally:
            self.restarted = True

    async def client(self):
        reader, writer = await asyncio.open_connection("127.0.0.1", self.balancer.port)
        while not self.restarted or sum(self.answers.values()) < self.arguments.requests:
            user = uuid.uuid4().hex
            signed_up = await self.call(reader, writer, "/recipe/signup", {"email": user + "@example.com", "password": "correct horse 1"})
            if signed_up is None:
                continue
            session = await self.call(reader, writer, "/recipe/session", {"userId": signed_up["user"]["id"], "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False})
            if session is None:
                continue
            for _ in range(3):
                await self.call(reader, writer, "/recipe/session/verify", {"accessToken": session["accessToken"]["token"], "enableAntiCsrf": False, "doAntiCsrfCheck": False,
                                                                           "checkDatabase": True})
        writer.close()

    async def call(self, reader, writer, path, body):
        data = json.dumps(body).encode()
        writer.write(b"POST /appid-%s%s HTTP/1.1\r\nHost: localhost\r\ncdi-version: 5.4\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                     % (self.app.encode(), path.encode(), len(data), data))
        head, text = await read_message(reader)
        status = int(head.split(b" ", 2)[1])
        self.answers[status] += 1
        if status == 200:
            return json.loads(text)
        self.wrong.append("%s: %d %s" % (path, status, text[:200]))
        return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--restarts", type=int, default=10)
    parser.add_argument("--requests", type=int, default=20000)
    parser.add_argument("--clients", type=int, default=16)
    arguments = parser.parse_args()
    # Longer than the balancer takes to notice.
    environment = {"GATEHOUSE_SHUTDOWN_DELAY_MS": "1000"}
    first = harness.Gatehouse(mode="all-in-one", environment=environment).start()
    second = harness.Gatehouse(mode="all-in-one", database=first.database, environment=environment).start()
    try:
        run = Run(arguments, [first, second], first.new_app().app)
        asyncio.run(run.run())
    finally:
        first.kill()
        second.kill()
    for text in (run.wrong + run.balancer.failures)[:20]:
        print(text)
    print(json.dumps({"restarts": run.restarts, "requests": sum(run.answers.values()), "answers": {str(s): n for s, n in sorted(run.answers.items())},
                      "lost": len(run.wrong), "balancer_failures": len(run.balancer.failures)}))
    return 1 if run.wrong or run.restarts < arguments.restarts else 0


if __name__ == "__main__":
    sys.exit(main())
