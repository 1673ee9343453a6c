"""A TCP proxy in front of PostgreSQL that can cut, stall, delay, and lose what passes: the network's faults, on loopback."""
import contextlib
import socket
import threading
import time

from integration import harness


class PgProxy:
    """Passes connections on to `target`, a port. `mode` says what happens to bytes; both may change at any time.

    pass     both ways, at once
    delay    each piece waits `delay_s`
    stall    nothing moves and nothing is closed, as when a cable is pulled; new connections are accepted and get nothing while it lasts
    silence  as stall, but what is sent meanwhile is lost, and connections made meanwhile stay without an answer for good
    mute     the server's answers are discarded, so that it executes requests but nobody learns of it
    refuse   new connections are closed at once (cut() also closes those that are open)
    """

    def __init__(self, target):
        self.target, self.delay_s = target, 0.2
        self.open, self.unanswered = set(), []
        self.lock = threading.Lock()
        self.port, self.listener = harness.free_port(), None
        self.listen()

    def uri(self, database):
        return "postgresql://gatehouse:x@127.0.0.1:%d/%s" % (self.port, database)

    def fate(self, data):
        """What becomes of a connection whose client sends `data`, for subclasses to decide; called by several threads.

        pass     nothing special
        close    it is closed, and the server does not get the data
        mute     the server gets it, and the client no more answers
        hold     the server gets neither it nor anything else, and its side stays open whatever the client does
        """
        del data
        return "pass"

    def listen(self, mode="pass"):
        self.mode = mode
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=512)
        threading.Thread(target=self.accept, args=(self.listener,), daemon=True).start()

    def accept(self, listener):
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            if self.mode == "refuse":
                client.close()
            elif self.mode == "silence":
                self.unanswered.append(client)
            else:
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
        muted = threading.Event()
        threading.Thread(target=self.forth, args=(pair, muted), daemon=True).start()
        threading.Thread(target=self.back, args=(pair, muted), daemon=True).start()

    def forth(self, pair, muted):
        with contextlib.suppress(OSError):
            for data in self.pieces(pair[0]):
                fate = self.fate(data)
                if fate == "hold":
                    return
                if fate == "close":
                    break
                if fate == "mute":
                    muted.set()
                pair[1].sendall(data)
        self.end(pair)

    def back(self, pair, muted):
        with contextlib.suppress(OSError):
            for data in self.pieces(pair[1]):
                if self.mode != "mute" and not muted.is_set():
                    pair[0].sendall(data)
        self.end(pair)

    def pieces(self, source):
        while data := source.recv(65536):
            self.wait_while_stalled()
            if self.mode == "delay":
                time.sleep(self.delay_s)
            if self.mode != "silence":
                yield data

    def wait_while_stalled(self):
        while self.mode == "stall":
            time.sleep(0.01)

    def end(self, pair):
        if self.mode != "silence":  # the other side does not hear of it either
            self.close(pair)

    def close(self, pair):
        with self.lock:
            self.open.discard(pair)
        for end in pair:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def drop_all(self):
        """Closes all connections to the server."""
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
        """Closes everything: nobody listens on the port, until listen()."""
        if self.listener:
            with contextlib.suppress(OSError):
                self.listener.shutdown(socket.SHUT_RDWR)  # close() alone would leave it open until accept() returns
            self.listener.close()
            self.listener = None
        self.cut()
        while self.unanswered:
            self.unanswered.pop().close()


class BehindProxy(harness.GatehouseTest):
    """Tests on a Gatehouse whose base database is reached through a proxy of the class `proxy_class`."""
    proxy_class = PgProxy

    @classmethod
    def setUpClass(cls):
        postgres = harness.Postgres.shared()
        database = postgres.create_database()
        cls.proxy = cls.proxy_class(postgres.port)
        cls.addClassCleanup(cls.proxy.stop)
        environment = {"POSTGRESQL_CONNECTION_URI": cls.proxy.uri(database), **cls.environment}
        cls.gatehouse = harness.Gatehouse(mode=cls.mode, database=database, environment=environment).start()
        cls.addClassCleanup(cls.gatehouse.kill)
