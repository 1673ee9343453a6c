"""A TCP proxy in front of PostgreSQL that can cut, stall, delay, and lose replies: the network's faults, on loopback."""
import contextlib
import socket
import threading
import time


class PgProxy:
    """Passes connections on to `target`, a port. `mode` says what happens to bytes; both may change at any time.

    pass     both ways, at once
    delay    each piece waits `delay_s`
    stall    nothing moves and nothing is closed, as when a cable is pulled; new connections are accepted and get nothing
    mute     the server's answers are discarded, so that it executes requests but nobody learns of it
    refuse   new connections are closed at once (cut() also closes those that are open)
    """

    def __init__(self, port):
        self.target, self.mode, self.delay_s = port, "pass", 0.2
        self.open = set()
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=256)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if self.mode == "refuse":
                client.close()
                continue
            threading.Thread(target=self.connect, args=(client,), daemon=True).start()

    def connect(self, client):
        self.wait_while_stalled()
        try:
            server = socket.create_connection(("127.0.0.1", self.target), timeout=5)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        pair = (client, server)
        with self.lock:
            self.open.add(pair)
        for source, sink, replies in ((client, server, False), (server, client, True)):
            threading.Thread(target=self.pump, args=(source, sink, replies, pair), daemon=True).start()

    def wait_while_stalled(self):
        while self.mode == "stall":
            time.sleep(0.01)

    def pump(self, source, sink, replies, pair):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self.wait_while_stalled()
                if self.mode == "delay":
                    time.sleep(self.delay_s)
                if not (replies and self.mode == "mute"):
                    sink.sendall(data)
        self.close(pair)

    def close(self, pair):
        with self.lock:
            self.open.discard(pair)
        for end in pair:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def drop_all(self):
        """Closes all connections."""
        with self.lock:
            pairs = list(self.open)
        for pair in pairs:
            self.close(pair)

    def cut(self):
        """Closes all connections, and refuses new ones until the mode changes."""
        self.mode = "refuse"
        self.drop_all()

    def peers(self):
        """The clients' ports."""
        with self.lock:
            pairs = list(self.open)
        found = []
        for client, _ in pairs:
            with contextlib.suppress(OSError):
                found.append(client.getpeername()[1])
        return found

    def stop(self):
        self.listener.close()
        self.cut()
