"""Nobody gets access to an app by requesting it while it is being created, removed, or created again: a request finds what its key was checked against."""
import json
import socket
import threading
import time
import unittest
import uuid

from integration import harness

KEY = "a-very-long-api-key-0123456789"
OTHER_KEY = "another-long-api-key-9876543210"
CLIENTS = 6
TIME_S = 2.5
SESSION = {"userId": "someone", "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False, "useDynamicSigningKey": True}


class AdmissionRace(harness.GatehouseTest):
    environment = {"BCRYPT_LOG_ROUNDS": "4"}

    def put_app(self, app, **settings):
        self.expect(self.gatehouse.once("PUT", "/recipe/multitenancy/app/v2", body={"appId": app, "coreConfig": settings}))

    def remove_app(self, app):
        self.expect(self.gatehouse.once("POST", "/recipe/multitenancy/app/remove", body={"appId": app}))

    def rush(self, requests, change):
        """Sends `requests` from six clients, repeatedly, while `change` runs; returns the replies."""
        go, stop, replies, answered = threading.Event(), threading.Event(), [], set()

        def run(number):
            client = self.gatehouse.client()
            method, path, body = requests[number % len(requests)]
            go.wait()
            while not stop.is_set():
                replies.append(client.request(method, path, body=body))
                answered.add(number)
            client.close()
        threads = [threading.Thread(target=run, args=(i,)) for i in range(CLIENTS)]
        for thread in threads:
            thread.start()
        go.set()
        try:
            change()
            harness.wait_until(lambda: len(answered) == CLIENTS, 30, "a reply to each client")
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        return replies

    def test_a_key_is_needed_while_an_app_is_made(self):
        end, rounds = time.monotonic() + TIME_S, 0
        while time.monotonic() < end:
            app, rounds = uuid.uuid4().hex, rounds + 1
            replies = self.rush([("POST", "/appid-%s/recipe/session" % app, SESSION),
                                 ("GET", "/appid-%s/recipe/multitenancy/tenant/v2" % app, None),
                                 ("PUT", "/appid-%s/recipe/multitenancy/app/v2" % app, {"appId": app, "coreConfig": {"api_keys": OTHER_KEY}}),
                                 ("PUT", "/appid-%s/recipe/role" % app, {"role": "intruder", "permissions": []})],
                                lambda: self.put_app(app, api_keys=KEY))
            self.assertEqual([r for r in replies if r.status not in (400, 401) and "TENANT_NOT_FOUND" not in r.text], [], "in round %d" % rounds)
            client = self.gatehouse.client(app=app)
            self.assertEqual(self.expect(client.get("/recipe/roles", headers={"api-key": KEY}))["roles"], [])
            self.text(client.get("/recipe/roles", headers={"api-key": OTHER_KEY}), 401, "Invalid API key")
            client.close()
        self.assertGreater(rounds, 1)

    def test_the_addresses_of_a_tenant_count_while_it_is_made(self):
        app = self.app.app
        end, rounds = time.monotonic() + TIME_S / 2, 0
        while time.monotonic() < end:
            rounds += 1
            tenant = "t" + uuid.uuid4().hex
            replies = self.rush([("POST", "/appid-%s/%s/recipe/session" % (app, tenant), SESSION)],
                                lambda: self.expect(self.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": tenant, "coreConfig": {"ip_deny_regex": ".*"}})))
            self.assertEqual([r for r in replies if r.status not in (400, 403)], [])
        self.assertGreater(rounds, 1)

    def late_body(self, app, body):
        """A request whose head, with the key, arrives before its last byte; calling this completes it and returns the status."""
        data = json.dumps(body).encode()
        connection = socket.create_connection(("127.0.0.1", self.gatehouse.port))
        self.addCleanup(connection.close)
        connection.sendall(("POST /appid-%s/recipe/session HTTP/1.1\r\nHost: localhost\r\napi-key: %s\r\ncdi-version: 5.4\r\nContent-Type: application/json\r\n"
                            "Content-Length: %d\r\nConnection: close\r\n\r\n" % (app, KEY, len(data))).encode() + data[:-1])

        def end():
            connection.sendall(data[-1:])
            reply = b""
            while chunk := connection.recv(65536):
                reply += chunk
            return int(reply.split()[1])
        return end

    def test_a_key_that_counted_before_counts_no_more(self):
        for change in (lambda app: self.put_app(app, api_keys=OTHER_KEY),
                       lambda app: (self.remove_app(app), self.put_app(app, api_keys=OTHER_KEY))):
            app = uuid.uuid4().hex
            self.put_app(app, api_keys=KEY)
            late = [self.late_body(app, SESSION) for _ in range(4)]
            self.expect(self.gatehouse.once("POST", "/appid-%s/recipe/session" % app, body=SESSION, headers={"api-key": KEY}))
            change(app)
            self.assertEqual({end() for end in late} - {400, 401}, set())

    def test_an_app_that_is_made_again_is_another_one(self):
        app = uuid.uuid4().hex
        self.put_app(app, api_keys=KEY)
        end, key, judged = time.monotonic() + TIME_S, KEY, 0
        while time.monotonic() < end:
            old, key = key, OTHER_KEY if key == KEY else KEY
            stop, late_replies, made = threading.Event(), [], threading.Event()

            def run():
                client = self.gatehouse.client(app=app)
                while not stop.is_set():
                    late = made.is_set()
                    reply = client.post("/recipe/session", SESSION, headers={"api-key": old})
                    if late:
                        late_replies.append(reply)
                client.close()
            threads = [threading.Thread(target=run) for _ in range(CLIENTS)]
            for thread in threads:
                thread.start()
            try:
                self.remove_app(app)
                self.put_app(app, api_keys=key)
                made.set()
                harness.wait_until(lambda: late_replies, 30, "a reply after the change")
            finally:
                stop.set()
                for thread in threads:
                    thread.join()
            self.assertEqual({reply.status for reply in late_replies}, {401})
            judged += len(late_replies)
        self.assertGreater(judged, 5)


if __name__ == "__main__":
    unittest.main()
