"""The edge answers bad input of every kind with the original's status and text, and never with a 5xx."""
import socket
import unittest

from integration import harness


class BadInput(harness.GatehouseTest):
    def raw(self, data):
        with socket.create_connection(("127.0.0.1", self.gatehouse.port), timeout=15) as s:
            s.sendall(data)
            answer = b""
            while chunk := s.recv(65536):
                answer += chunk
            return answer

    def test_json(self):
        for body in (b"", b"{", b"[]", b"1", b'"x"', b"null", b"{]", b"\xff\xfe\xfd", b'{"email":', b"{" * 10000, b"[" * 100000):
            with self.subTest(body=body[:20]):
                reply = self.app.request("POST", "/recipe/signup", raw=body, headers={"Content-Type": "application/json; charset=utf-8"})
                self.assertEqual(reply.status, 400, reply)
        self.text(self.app.request("POST", "/recipe/signup", raw=b"[]"), 400, "Invalid Json Input")

    def test_more_permissions_than_a_role_can_mean(self):
        many = ["p%d" % i for i in range(800000)]
        for method, path in (("PUT", "/recipe/role"), ("POST", "/recipe/role/permissions/remove")):
            self.text(self.app.request(method, path, {"role": "r", "permissions": many}), 400, "permissions cannot have more than 10000 elements")
        self.assertEqual(self.expect(self.app.get("/recipe/roles"))["roles"], [])
        self.expect(self.app.put("/recipe/role", {"role": "r", "permissions": many[:10000]}), createdNewRole=True)
        self.assertEqual(len(self.expect(self.app.get("/recipe/role/permissions", {"role": "r"}))["permissions"]), 10000)
        self.expect(self.app.post("/recipe/role/permissions/remove", {"role": "r", "permissions": many[:10000]}))
        self.expect(self.app.get("/recipe/role/permissions", {"role": "r"}), permissions=[])

    def test_fields(self):
        self.text(self.app.post("/recipe/signup", {"password": "x1234567"}), 400, "Field name 'email' is invalid in JSON input")
        for email in (None, 1, True, {}, [], ["a", "b"]):
            self.text(self.app.post("/recipe/signup", {"email": email, "password": "x1234567"}), 400, "Field name 'email' is invalid in JSON input")
        self.text(self.app.get("/user/id"), 400, "Field name 'userId' is missing in GET request")
        self.text(self.app.get("/users", {"limit": "x"}), 400, "Field name 'limit' must be an int in the GET request")
        self.text(self.app.get("/users", {"limit": 0}), 400, "limit must a positive integer with min value 1")
        self.text(self.app.get("/users", {"limit": 501}), 400, "max limit allowed is 500")
        self.text(self.app.get("/users", {"paginationToken": "???"}), 400, "invalid pagination token")

    def test_paths_and_methods(self):
        self.text(self.app.get("/no/such/path"), 404, "Not found")
        self.text(self.app.request("DELETE", "/recipe/signup"), 405, "Method not supported")
        self.text(self.app.request("PATCH", "/recipe/signup"), 405, "Method not supported")
        self.assertEqual(self.app.request("GET", "/%2e%2e/etc/passwd").status, 404)
        # An unknown path passes the same checks as others.
        self.text(self.app.request("PATCH", "/no/such/path"), 405, "Method not supported")
        self.text(self.app.get("/no/such/path", cdi="2.6"), 400, "cdi-version 2.6 not supported")

    def test_unknown_tenant_and_app(self):
        reply = self.app.post("/recipe/signin", {"email": "a@b.co", "password": "x1234567"}, tenant="nosuch")
        self.assertEqual(reply.status, 400)
        self.assertIn("AppId or tenantId not found => Tenant with the following connectionURIDomain, appId and tenantId combination not found: (, %s, nosuch)"
                      % self.app.app, reply.text)
        other = self.gatehouse.client(app="nosuchapp")
        self.assertEqual(other.get("/users/count").status, 400)
        # Operations on a whole app that look the app up first.
        verify = {"accessToken": "x", "doAntiCsrfCheck": False, "enableAntiCsrf": False, "checkDatabase": False}
        for reply in (other.get("/recipe/roles", tenant="t1"), other.get("/ee/featureflag", tenant="t1"), other.put("/ee/license", {}, tenant="t1"),
                      other.post("/recipe/session/verify", verify, tenant="t1", cdi="5.6")):
            self.assertEqual(reply.status, 400, reply)
            self.assertIn("AppId or tenantId not found => Tenant with", reply.text)

    def test_versions(self):
        for version, text in (("9.9", "cdi-version 9.9 not supported"), ("5", "cdi-version 5 not supported"), ("5.4.1", "cdi-version 5.4.1 not supported")):
            self.text(self.app.get("/users/count", cdi=version), 400, text)
        for version in ("abc", "-1", "5.x", "é".encode()):
            self.assertEqual(self.app.get("/users/count", cdi=version).status, 400)
        self.expect(self.app.get("/users/count", cdi=" 5.4 "))
        self.text(self.app.get("/users/count", cdi="2.21", tenant="t1"), 404, "Not found")
        self.text(self.app.get("/users/count", cdi="2.6", tenant="t1"), 404, "Not found")
        self.text(self.app.get("/hello", cdi="6"), 400, "cdi-version 6 not supported")

    def test_api_key(self):
        key = "a-very-long-api-key-0123456789"
        app = self.gatehouse.new_app({"api_keys": key})
        self.text(app.get("/users/count"), 401, "Invalid API key")
        self.text(app.get("/users/count", headers={"api-key": "wrong"}), 401, "Invalid API key")
        self.expect(app.get("/users/count", headers={"api-key": key}))
        self.expect(app.get("/users/count", headers={"Authorization": "Bearer " + key}))
        self.assertEqual(app.get("/.well-known/jwks.json").status, 200)
        self.text(app.get("/hello"), 200, "Hello")

    def test_sizes(self):
        large = b'{"email":"' + b"a" * (11 << 20) + b'"}'
        head = "POST /recipe/signup HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(large)
        # Answered on its length alone: nothing of the body has to be sent.
        self.assertTrue(self.raw(head.encode()).startswith(b"HTTP/1.1 413 "))
        long_text = self.app.put("/recipe/role", {"role": "r" * 300})
        self.assertEqual(long_text.status, 400, long_text)
        self.assertIn(b" 431 ", self.raw(b"GET /hello HTTP/1.1\r\nHost: x\r\nA: " + b"a" * 100000 + b"\r\n\r\n").split(b"\r\n")[0] + b" ")

    def test_text_that_postgresql_refuses(self):
        reply = self.app.post("/recipe/signin", {"email": "nul\u0000@example.com", "password": "x1234567"})
        self.text(reply, 400, "A value in the input holds a NUL character")
        reply = self.app.put("/recipe/role", {"role": "n\u0000ul"})
        self.assertEqual(reply.status, 400, reply)

    def test_garbage_is_no_http(self):
        for data, status in ((b"\x16\x03\x01\x02\x00\x01\x00", 400), (b"GET\r\n\r\n", 400), (b"GET / HTTP/9.9\r\n\r\n", 505),
                             (b"POST /hello HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400)):
            self.assertTrue(self.raw(data).startswith(b"HTTP/1.1 %d " % status), data)
        self.text(self.app.get("/hello"), 200, "Hello")

    def test_tokens(self):
        verify = {"enableAntiCsrf": False, "doAntiCsrfCheck": False, "checkDatabase": False}
        for token in ("", "a.b.c", "x", "." * 100, "é", "a" * 100000):
            reply = self.app.post("/recipe/session/verify", {"accessToken": token, **verify})
            if token == "a.b.c":  # has the shape of a JWT, and is parsed further
                self.text(reply, 400, "The access token is not a JWT")
            else:
                self.expect(reply, status="TRY_REFRESH_TOKEN", message="Invalid JWT")
            reply = self.app.post("/recipe/session/refresh", {"refreshToken": token, "enableAntiCsrf": False, "useDynamicSigningKey": True})
            self.expect(reply, status="UNAUTHORISED", message="version of refresh token not recognised")
            self.text(self.app.post("/recipe/session/regenerate", {"accessToken": token}), 400, "The access token is not a JWT")


if __name__ == "__main__":
    unittest.main()
