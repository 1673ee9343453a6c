"""The content of /metrics, and that it is true."""
import re
import unittest

from integration import harness


class Metrics(harness.GatehouseTest):
    def all(self):
        return "".join(self.gatehouse.admin("/metrics", service).text for service in [None] + list(self.gatehouse.admin_ports))

    def sum(self, name, **labels):
        total = 0
        for line in self.all().splitlines():
            if line.startswith(name + "{") and all('%s="%s"' % label in line for label in labels.items()):
                total += float(line.rsplit(" ", 1)[1])
        return total

    def test_what_only_grows_is_a_counter(self):
        types = dict(re.findall(r"^# TYPE (\S+) (\S+)$", self.all(), re.M))
        for name, kind in types.items():
            if name.startswith("gatehouse_"):
                self.assertEqual(kind == "counter", name.endswith("_total"), (name, kind))
        for name in ("gatehouse_db_events_total", "gatehouse_rpc_calls_total", "gatehouse_http_requests_total", "gatehouse_http_connections_refused_total"):
            self.assertEqual(types.get(name), "counter")

    def test_requests_are_counted_by_route(self):
        before = self.sum("gatehouse_http_requests_total", route="/users/count", status="200")
        unknown = self.sum("gatehouse_http_requests_total", route="unknown", status="404")
        timed = self.sum("gatehouse_http_request_duration_seconds_count", route="/users/count")
        for _ in range(3):
            self.assertEqual(self.app.get("/users/count").status, 200)
        self.app.get("/no/such/path")
        self.assertEqual(self.sum("gatehouse_http_requests_total", route="/users/count", status="200"), before + 3)
        self.assertEqual(self.sum("gatehouse_http_requests_total", route="unknown", status="404"), unknown + 1)
        self.assertEqual(self.sum("gatehouse_http_request_duration_seconds_count", route="/users/count"), timed + 3)

    def test_tenants_own_databases_are_counted(self):
        def own(event):
            return self.sum("gatehouse_db_events_total", databases="tenants", event=event)
        statements, connects = own("statement"), own("connect")
        database = self.gatehouse.postgres.create_database()
        app = self.gatehouse.new_app(config={"postgresql_connection_uri": self.gatehouse.postgres.uri(database)})
        self.addCleanup(app.close)
        self.expect(app.post("/recipe/signup", {"email": "a@b.co", "password": "x1234567"}))
        self.assertGreater(own("statement"), statements)
        self.assertGreater(own("connect"), connects)
        self.assertGreaterEqual(self.sum("gatehouse_db_pools", databases="tenants"), 1)
        text = self.all()
        self.assertNotIn(database, text)
        for event in ("connect_failure", "wait_timeout", "statement_timeout", "refused", "retry"):
            self.assertIn('event="%s"' % event, text)


if __name__ == "__main__":
    unittest.main()
