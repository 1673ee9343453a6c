"""PostgreSQL servers that fall silent: requests get no answer, connections are accepted and nothing is sent. Others are unaffected, and the return is noticed within 2 s."""
import http.client
import threading
import time
import unittest

from integration import harness, pg_proxy

REQUEST_TIMEOUT_S = 1.5
ENVIRONMENT = {"GATEHOUSE_REQUEST_TIMEOUT_MS": str(int(REQUEST_TIMEOUT_S * 1000))}


class SilentTenantDatabase(harness.GatehouseTest):
    # Long enough to make the tables in a tenant's own database on a slow machine.
    environment = {"GATEHOUSE_REQUEST_TIMEOUT_MS": "4000"}

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
        proxy = pg_proxy.PgProxy(postgres.port)
        self.addCleanup(proxy.stop)
        away = self.gatehouse.new_app({"postgresql_connection_uri": proxy.uri(own)})
        self.addCleanup(away.close)
        self.expect(away.get("/recipe/roles"))
        proxy.mode = "silence"
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


class SilentBaseDatabase(pg_proxy.BehindProxy):
    environment = ENVIRONMENT

    def ready(self):
        try:
            return all(self.gatehouse.admin("/readyz", service).status == 200 for service in list(self.gatehouse.admin_ports) or [None])
        except (OSError, http.client.HTTPException):
            return False

    def test_its_return_is_noticed(self):
        users = self.app.get("/users/count")
        self.assertEqual(users.status, 200, users)
        self.proxy.mode = "silence"
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
            # Open connections are gone, as after a failover; those that were being made stay silent.
            self.proxy.drop_all()
            self.proxy.mode = "pass"
            # 2 s, and a second for slow machines: an attempt that got no answer, a pause, and another.
            harness.wait_until(lambda: self.app.get("/users/count").status == 200 and self.ready(), 3, "requests to be served again")
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertLess(max(slowest), REQUEST_TIMEOUT_S + 2)


if __name__ == "__main__":
    unittest.main()
