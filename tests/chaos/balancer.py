"""A small HTTP balancer for tests: passes each request once to an instance that is ready by /readyz, and never repeats one."""
import asyncio
import contextlib


async def read_message(reader):
    """(head, body) of an HTTP/1.1 message with a Content-Length, as bytes; None at the end of the stream."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as error:
        if error.partial:
            raise
        return None
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    return head, await reader.readexactly(length)


class Upstream:
    """One instance: its readiness, polled continually, and its persistent connections."""

    def __init__(self, port, admin_port):
        self.port, self.admin_port = port, admin_port
        self.ready = False
        self.kept = []

    async def probe_forever(self, interval_s):
        while True:
            self.ready = await self.probe()
            if not self.ready:
                self.drop_kept()
            await asyncio.sleep(interval_s)

    async def probe(self):
        try:
            async with asyncio.timeout(2):
                reader, writer = await asyncio.open_connection("127.0.0.1", self.admin_port)
                try:
                    writer.write(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                    return b" 200 " in await reader.readline()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False

    def drop_kept(self):
        for _, writer in self.kept:
            writer.close()
        self.kept = []

    async def call(self, head, body):
        """The reply's (head, body). Raises when the instance does not answer."""
        connection = None
        while self.kept and connection is None:
            reader, writer = self.kept.pop()
            if reader.at_eof():
                writer.close()
            else:
                connection = reader, writer
        reader, writer = connection or await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(head + body)
            await writer.drain()
            reply = await read_message(reader)
            if reply is None:
                raise ConnectionError("closed without an answer")
        except BaseException:
            writer.close()
            raise
        if b"\r\nconnection: close\r\n" in reply[0].lower():
            writer.close()
        else:
            self.kept.append((reader, writer))
        return reply


class Balancer:
    """Listens on `port`. `failures` says why requests got a 502."""

    def __init__(self, upstreams, probe_interval_s=0.1):
        self.upstreams, self.probe_interval_s = upstreams, probe_interval_s
        self.failures = []
        self.next = 0
        self.port = None

    async def start(self):
        self.probes = [asyncio.create_task(upstream.probe_forever(self.probe_interval_s)) for upstream in self.upstreams]
        self.server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def stop(self):
        self.server.close()
        for probe in self.probes:
            probe.cancel()
        await asyncio.gather(*self.probes, return_exceptions=True)
        for upstream in self.upstreams:
            upstream.drop_kept()

    async def serve(self, reader, writer):
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while (request := await read_message(reader)) is not None:
                writer.write(b"".join(await self.forward(*request)))
                await writer.drain()
        writer.close()

    async def forward(self, head, body):
        ready = [upstream for upstream in self.upstreams if upstream.ready]
        if not ready:
            self.failures.append("no instance is ready")
        else:
            self.next += 1
            upstream = ready[self.next % len(ready)]
            try:
                return await upstream.call(head, body)
            except (OSError, asyncio.IncompleteReadError) as error:
                self.failures.append("instance %d: %r" % (upstream.port, error))
        return b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", b""
