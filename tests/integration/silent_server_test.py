"""PostgreSQL servers that fall silent: requests get no answer, connections are accepted and nothing is sent. Others are unaffected, and the return is noticed within 2 s."""
import http.client
import socket
import threading
import time
import unittest

from integration import harness

REQUEST_TIMEOUT_S = 1.5


class Door:
    """A port that leads to PostgreSQL. Shut, it accepts connections and passes nothing on; opened again, those that were open are gone, as after a failover, and those that were
    being made stay silent, as their packets were lost."""

    def __init__(self, target_port):
        self.target_port = target_port
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.open, self.pairs, self.lock = True, [], threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                far = socket.create_connection(("127.0.0.1", self.target_port)) if self.open else None
                self.pairs.append((near, far))
                if far is None:
                    continue
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    def _copy(self, source, sink):
        try:
            while data := source.recv(65536):
                if not self.open:
                    return  # received, and never answered
                sink.sendall(data)
        except OSError:
            pass
        if self.open:
            for end in (source, sink):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def shut(self):
        self.open = False

    def reopen(self):
        with self.lock:
            self._close([pair for pair in self.pairs if pair[1]])
            self.open = True

    @staticmethod
    def _close(pairs):
        for pair in pairs:
            for end in filter(None, pair):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                end.close()

    def close(self):
        self.listener.close()
        with self.lock:
            self._close(self.pairs)


class SilentTenantDatabase(harness.GatehouseTest):
    environment = {"GATEHOUSE_REQUEST_TIMEOUT_MS": str(int(REQUEST_TIMEOUT_S * 1000))}

    def at_once(self, app, path, count):
        """The statuses of `count` requests sent at the same time."""
        statuses = []

        def ask():
            client = self.gatehouse.client(app=app.app)
            statuses.append(client.get(path).status)
            client.close()
        threads = [threading.Thread(target=ask) for _ in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return statuses

    def test_statements_of_others_are_still_cancelled(self):
        postgres = self.gatehouse.postgres
        own = postgres.create_database()
        door = Door(postgres.port)
        self.addCleanup(door.close)
        away = self.gatehouse.new_app({"postgresql_connection_uri": "postgresql://gatehouse:x@127.0.0.1:%d/%s" % (door.port, own)})
        self.addCleanup(away.close)
        self.expect(away.get("/recipe/roles"))
        door.shut()
        self.assertEqual(set(self.at_once(away, "/recipe/roles", 3)), {503})
        # Now that cancel requests to the silent server are under way, statements of the other wait for a lock past their time.
        self.expect(self.app.get("/recipe/roles"))
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = '%s' AND wait_event_type = 'Lock'" % self.gatehouse.database
        with postgres.session(self.gatehouse.database) as session:
            session.run("BEGIN; LOCK TABLE roles IN ACCESS EXCLUSIVE MODE;")
            self.assertEqual(set(self.at_once(self.app, "/recipe/roles", 5)), {503})
            harness.wait_until(lambda: postgres.sql(waiting, "postgres") == [["0"]], 5, "the cancelled statements to end in the server")
            session.run("ROLLBACK;")
        self.expect(self.app.get("/recipe/roles"))


class SilentBaseDatabase(harness.GatehouseTest):
    @classmethod
    def setUpClass(cls):
        postgres = harness.Postgres.shared()
        database = postgres.create_database()
        cls.door = Door(postgres.port)
        cls.addClassCleanup(cls.door.close)
        uri = "postgresql://gatehouse:x@127.0.0.1:%d/%s" % (cls.door.port, database)
        cls.gatehouse = harness.Gatehouse(database=database, environment={"POSTGRESQL_CONNECTION_URI": uri, "GATEHOUSE_REQUEST_TIMEOUT_MS": str(int(REQUEST_TIMEOUT_S * 1000))}).start()
        cls.addClassCleanup(cls.gatehouse.kill)

    def ready(self):
        try:
            return all(self.gatehouse.admin("/readyz", service).status == 200 for service in list(self.gatehouse.admin_ports) or [None])
        except (OSError, http.client.HTTPException):
            return False

    def test_its_return_is_noticed(self):
        users = self.app.get("/users/count")
        self.assertEqual(users.status, 200, users)
        self.door.shut()
        stop, slowest = threading.Event(), []

        def ask():
            client = self.gatehouse.client(app=self.app.app)
            while not stop.is_set():
                start = time.monotonic()
                client.get("/users/count")
                slowest.append(time.monotonic() - start)
            client.close()
        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        try:
            harness.wait_until(lambda: not self.ready(), 10, "the readiness to end")
            # Long enough for an attempt to connect, and its follow-up, to be under way.
            hushed = time.monotonic()
            harness.wait_until(lambda: time.monotonic() - hushed > 3, 10, "the silence to last")
            start = time.monotonic()
            self.ready()
            self.assertLess(time.monotonic() - start, 2 * len(self.gatehouse.admin_ports or [1]))
            self.door.reopen()
            # 2 s, and a second for slow machines: an attempt that got no answer, a pause, and another.
            harness.wait_until(lambda: self.app.get("/users/count").status == 200 and self.ready(), 3, "requests to be served again")
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertLess(max(slowest), REQUEST_TIMEOUT_S + 2)


if __name__ == "__main__":
    unittest.main()
