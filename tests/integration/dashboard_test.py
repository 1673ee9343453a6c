"""The user dashboard's own users, their sessions and the configuration that it shows, over HTTP. What a real core answers is in the recordings (tests/conformance);
here is what they do not ask."""
import concurrent.futures
import unittest

from integration import harness

D = "/recipe/dashboard"
EMAIL, PASSWORD = "secret.admin@private-mail.example", "Sup3r-Secret-Pa55"


class Dashboard(harness.GatehouseTest):
    def create(self, email=EMAIL, password=PASSWORD):
        return self.expect(self.app.post(D + "/user", {"email": email, "password": password}))["user"]

    def sign_in(self, email=EMAIL, password=PASSWORD):
        return self.expect(self.app.post(D + "/signin", {"email": email, "password": password}))["sessionId"]

    def verify(self, session, status="OK", client=None):
        return self.expect((client or self.app).post(D + "/session/verify", {"sessionId": session}), status=status)

    def config(self, client, tenant=None, **k):
        return {field["key"]: field for field in self.expect(client.get(("/" + tenant if tenant else "") + D + "/tenant/core-config", **k))["config"]}

    def test_expired_session(self):
        user = self.create()
        session = self.sign_in()
        self.assertEqual(self.verify(session)["email"], EMAIL)
        self.gatehouse.sql("UPDATE dashboard_user_sessions SET expiry = 1 WHERE session_id = '%s'" % session)
        self.assertEqual(self.verify(session, "INVALID_SESSION_ERROR"), {"status": "INVALID_SESSION_ERROR"})
        self.assertEqual(self.expect(self.app.get(D + "/user/sessions", {"userId": user["userId"]}))["sessions"], [])

    def test_apps_are_apart(self):
        self.create()
        session = self.sign_in()
        other = self.gatehouse.new_app()
        self.addCleanup(other.close)
        self.verify(session, "INVALID_SESSION_ERROR", other)
        self.expect(other.post(D + "/signin", {"email": EMAIL, "password": PASSWORD}), status="INVALID_CREDENTIALS_ERROR")
        self.verify(session)

    def test_one_of_many_gets_an_email(self):
        def create(_):
            client = self.gatehouse.client(app=self.app.app)
            try:
                return client.post(D + "/user", {"email": EMAIL, "password": PASSWORD}).json["status"]
            finally:
                client.close()
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            self.assertEqual(sorted(pool.map(create, range(8))), ["EMAIL_ALREADY_EXISTS_ERROR"] * 7 + ["OK"])
        self.assertEqual(len(self.expect(self.app.get(D + "/users"))["users"]), 1)

    def test_order_of_checks(self):
        """A bad email is answered before the rest of the body is read, and a weak password before the app is looked for, as by the original."""
        nowhere = self.gatehouse.client(app="nosuchapp")
        self.addCleanup(nowhere.close)
        self.expect(self.app.post(D + "/user", {"email": "bad"}), status="INVALID_EMAIL_ERROR")
        self.text(self.app.post(D + "/user", {"email": "a@x.io"}), 400, "Field name 'password' is invalid in JSON input")
        self.text(self.app.post(D + "/user", {"email": "a@x.io", "password": "  "}), 400, "Field name 'password' cannot be an empty String")
        self.expect(nowhere.post(D + "/user", {"email": "a@x.io", "password": "weak"}), status="PASSWORD_WEAK_ERROR")
        self.assertEqual(nowhere.post(D + "/user", {"email": "a@x.io", "password": PASSWORD}).status, 400)
        self.expect(nowhere.put(D + "/user", {"newEmail": "bad"}), status="INVALID_EMAIL_ERROR")
        self.text(self.app.put(D + "/user", {"newEmail": "a@x.io"}), 400, "Either field 'email' or 'userId' must be present")
        self.text(self.app.put(D + "/user", {"userId": None}), 400, "Field name 'userId' is invalid in JSON input")
        self.expect(self.app.put(D + "/user", {"userId": "none"}), status="UNKNOWN_USER_ERROR")
        self.text(self.app.request("DELETE", D + "/user"), 400, "Either field 'email' or 'userId' must be present")
        self.text(self.app.get(D + "/user/sessions"), 400, "Field name 'userId' is missing in GET request")

    def test_core_config(self):
        self.expect(self.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": "t1", "coreConfig": {"passwordless_code_lifetime": 600000}}))
        app, tenant = self.config(self.app), self.config(self.app, "t1")
        self.assertEqual(app["passwordless_code_lifetime"], {
            "key": "passwordless_code_lifetime", "valueType": "number", "value": 900000, "description": app["passwordless_code_lifetime"]["description"],
            "isDifferentAcrossTenants": True, "possibleValues": None, "isNullable": False, "defaultValue": 900000, "isPluginProperty": False, "isPluginPropertyEditable": False})
        self.assertEqual((tenant["passwordless_code_lifetime"]["value"], tenant["passwordless_code_lifetime"]["defaultValue"]), (600000, 900000))
        algorithm = app["password_hashing_alg"]
        self.assertEqual((algorithm["valueType"], algorithm["possibleValues"], algorithm["isDifferentAcrossTenants"]), ("enum", ["ARGON2", "BCRYPT"], False))
        self.assertEqual((app["ip_allow_regex"]["isNullable"], app["ip_allow_regex"]["defaultValue"]), (True, None))
        self.assertTrue(app["postgresql_connection_pool_size"]["isPluginPropertyEditable"])
        self.assertFalse(app["postgresql_host"]["isPluginPropertyEditable"])
        self.assertIsNone(app["postgresql_connection_uri"]["value"])
        self.assertNotIn("port", app)
        self.assertTrue(all(field["description"] for field in app.values()))
        self.assertEqual(self.app.get("/nosuch" + D + "/tenant/core-config").status, 400)

    def test_no_secret_in_logs(self):
        self.create()
        session = self.sign_in()
        self.app.post(D + "/user", {"email": EMAIL, "password": PASSWORD})
        self.app.post(D + "/signin", {"email": EMAIL, "password": PASSWORD + "!"})
        self.app.put(D + "/user", {"email": EMAIL, "newPassword": PASSWORD + "2", "newEmail": "x" + EMAIL})
        self.app.post(D + "/session/verify", {"sessionId": session + "\0"})
        self.app.request("DELETE", D + "/user", query={"email": EMAIL})
        # The database fails during requests that carry secrets.
        self.gatehouse.sql("ALTER TABLE dashboard_users RENAME TO gone")
        try:
            for reply in (self.app.post(D + "/user", {"email": EMAIL, "password": PASSWORD}), self.app.post(D + "/signin", {"email": EMAIL, "password": PASSWORD}),
                          self.app.post(D + "/session/verify", {"sessionId": session})):
                self.assertEqual(reply.status, 500)
        finally:
            self.gatehouse.sql("ALTER TABLE gone RENAME TO dashboard_users")
        self.app.request("DELETE", D + "/session", query={"sessionId": session})
        logs = "".join(process.log() for process in self.gatehouse.processes.values())
        self.assertIn("database_error", logs)
        for secret in (EMAIL, "private-mail", PASSWORD, session):
            self.assertNotIn(secret, logs)
            self.assertNotIn(secret, self.gatehouse.admin("/metrics").text)


if __name__ == "__main__":
    unittest.main()
