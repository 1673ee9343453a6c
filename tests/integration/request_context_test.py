"""What travels with a request: its id and trace, to the log of the process in which a fault happens, and its client's address past trusted proxies."""
import json
import unittest

from integration import harness

TRACE_ID = "0af7651916cd43dd8448eb211c80319c"
DENIED = {"ip_deny_regex": r"192\.0\.2\..*"}


class FaultsAndPeers(harness.GatehouseTest):
    def errors(self, request_id):
        lines = []
        for process in self.gatehouse.processes.values():
            for line in process.log().splitlines():
                if line.startswith("{") and '"level":"error"' in line and request_id in line:
                    lines.append(json.loads(line))
        return lines

    def send_while_broken(self, statement, undo, request_id, send):
        self.gatehouse.sql(statement)
        try:
            reply = send({"X-Request-Id": request_id, "traceparent": "00-%s-b7ad6b7169203331-01" % TRACE_ID})
        finally:
            self.gatehouse.sql(undo)
        self.assertEqual((reply.status, reply.text, reply.headers["X-Request-Id"]), (500, "Internal Error\n", request_id))

    def test_a_fault_of_the_database_is_logged_once_with_its_request(self):
        for request_id, send in (
                ("one-hop", lambda headers: self.app.get("/recipe/userid/map", {"userId": "u"}, headers=headers)),
                ("two-hops", lambda headers: self.app.post("/recipe/userid/map", {"superTokensUserId": "u", "externalUserId": "x"}, headers=headers))):
            self.send_while_broken("ALTER TABLE userid_mapping RENAME TO gone", "ALTER TABLE gone RENAME TO userid_mapping", request_id, send)
            lines = self.errors(request_id)
            self.assertEqual([line["event"] for line in lines], ["database_error"], lines)
            self.assertEqual((lines[0]["request_id"], lines[0]["trace_id"]), (request_id, TRACE_ID))
            self.assertIn("userid_mapping", lines[0]["cause"])
            self.assertNotEqual(lines[0]["statement"], "transaction")

    def test_nobody_is_believed_who_is_no_proxy(self):
        app = self.gatehouse.new_app(DENIED)
        self.assertEqual(app.get("/recipe/roles", headers={"X-Forwarded-For": "192.0.2.1"}).status, 200)
        self.assertEqual(app.get("/recipe/roles", headers={"Forwarded": 'for="'}).status, 200)


class BehindProxies(harness.GatehouseTest):
    environment = {"GATEHOUSE_TRUSTED_PROXIES": "127.0.0.1, 10.0.0.0/8"}

    def test_ip_rules_judge_the_client(self):
        app = self.gatehouse.new_app(DENIED)
        for status, headers in (
                (200, {}), (200, {"X-Forwarded-For": "198.51.100.1"}), (403, {"X-Forwarded-For": "192.0.2.1"}),
                (403, {"X-Forwarded-For": "198.51.100.1, 192.0.2.1, 10.0.0.7"}), (200, {"X-Forwarded-For": "192.0.2.1, 198.51.100.1"}),
                (403, {"Forwarded": "for=192.0.2.1;proto=https"}), (403, {"X-Forwarded-For": "unknown"}), (400, {"Forwarded": 'for="'}),
                (400, {"X-Forwarded-For": "192.0.2.1", "Forwarded": "for=198.51.100.1"})):
            self.assertEqual(app.get("/recipe/roles", headers=headers).status, status, headers)


if __name__ == "__main__":
    unittest.main()
