"""Requests that nobody waits for any more, under load: clients that disconnect, and deadlines that expire between services. What was begun is done completely or not at all, all that
they held is released, and nobody else notices."""
import contextlib
import random
import socket
import struct
import threading
import time
import unittest

from integration import harness, registry_invariants

CLIENTS = 40
TIMEOUT_S = 2.5
PASSWORD = "correct horse 1"


class GivenUp(harness.GatehouseTest):
    environment = {"BCRYPT_LOG_ROUNDS": "4", "GATEHOUSE_REQUEST_TIMEOUT_MS": str(int(TIMEOUT_S * 1000))}

    def client(self):
        client = self.gatehouse.client(app=self.app.app)
        self.addCleanup(client.close)
        return client

    def at_once(self, call):
        """Replies to call(client, number) of many clients."""
        replies, clients = [None] * CLIENTS, [self.client() for _ in range(CLIENTS)]

        def run(number):
            replies[number] = call(clients[number], number)
        threads = [threading.Thread(target=run, args=(number,)) for number in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return replies

    @contextlib.contextmanager
    def bystanders(self, *calls):
        """Others that keep working all the while: each call(client) is made repeatedly, and answered with 200. They use services that are not waited for, or, if all share
        one process and its connections to the database, for what is in memory."""
        if harness.MODE == "all-in-one":
            calls = [lambda client: client.get("/.well-known/jwks.json")]
        self.assertEqual(self.app.get("/.well-known/jwks.json").status, 200)
        stop, replies = threading.Event(), [[] for _ in calls]

        def run(number):
            client = self.client()
            while not stop.is_set():
                replies[number].append(calls[number](client))
        threads = [threading.Thread(target=run, args=(number,)) for number in range(len(calls))]
        for thread in threads:
            thread.start()
        try:
            harness.wait_until(lambda: all(replies), 20, "a reply to each bystander")
            before = [len(each) for each in replies]
            yield
            harness.wait_until(lambda: all(len(each) > count for each, count in zip(replies, before)), 20, "bystanders to be answered still")
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual({reply.status for each in replies for reply in each}, {200})

    @contextlib.contextmanager
    def locked(self, table):
        with self.gatehouse.postgres.session(self.gatehouse.database) as session:
            session.run("BEGIN; LOCK TABLE %s IN ACCESS EXCLUSIVE MODE;" % table)
            yield
            session.run("ROLLBACK;")

    def waiting(self):
        """Statements of requests that wait for a lock; jobs have their own limits."""
        return self.gatehouse.sql("SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
                                  " AND query !~ 'gatehouse_(settle|next_login)|user_last_active'")

    def wait_until_time_is_over(self, last_sent):
        """All requests sent until then are past their time, and their statements have ended in the server."""
        harness.wait_until(lambda: time.monotonic() > last_sent + TIMEOUT_S and not self.waiting(), TIMEOUT_S + 10, "statements of requests whose time is over to end")

    def send(self, method, path, body=""):
        """A connection with a request under way."""
        connection = socket.create_connection(("127.0.0.1", self.gatehouse.port))
        self.addCleanup(connection.close)
        connection.sendall(("%s /appid-%s%s HTTP/1.1\r\nHost: x\r\ncdi-version: 5.4\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
                            % (method, self.app.app, path, len(body), body)).encode())
        return connection

    @staticmethod
    def go_away(connection, hard):
        if hard:  # a reset, as of a process that was killed
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()

    def test_clients_that_go_away_while_they_wait(self):
        with self.bystanders(lambda client: client.get("/users/count"), lambda client: client.get("/recipe/signinup/codes", {"email": "a@b.co"})):
            with self.locked("user_roles"):
                for wave in range(3):
                    connections = [self.send("GET", "/recipe/user/roles?userId=u") for _ in range(CLIENTS)]
                    harness.wait_until(self.waiting, 20, "requests to wait for the lock")
                    last_sent = time.monotonic()
                    for number, connection in enumerate(connections):
                        self.go_away(connection, hard=number % 2 == wave % 2)
                # Their statements end at their deadline, although the lock stays.
                self.wait_until_time_is_over(last_sent)
        # Neither a worker nor a connection is lost: more requests than there are of them, all at once.
        self.assertEqual([reply.status for reply in self.at_once(lambda client, _: client.get("/recipe/user/roles", {"userId": "u"}))], [200] * CLIENTS)

    def test_clients_that_go_away_while_they_are_served(self):
        """At any moment between the first byte and the reply: whether or not they have signed up, they can."""
        emails = ["away%d@example.com" % number for number in range(3 * CLIENTS)]
        spread = random.Random(1)
        with self.bystanders(lambda client: client.get("/recipe/roles"), lambda client: client.get("/users/count")):
            for email in emails:
                connection = self.send("POST", "/recipe/signup", '{"email":"%s","password":"%s"}' % (email, PASSWORD))
                connection.settimeout(spread.uniform(0.0001, 0.02))
                with contextlib.suppress(socket.timeout):
                    connection.recv(1)
                self.go_away(connection, hard=spread.random() < 0.5)
        # What they left behind is processed in order: a request served now comes after all of it.
        last = {"email": "last@example.com", "password": PASSWORD}
        harness.wait_until(lambda: self.app.post("/recipe/signup", last).status == 200, 60, "the queue to be empty")
        signed_up = 0
        for email in emails:
            body = {"email": email, "password": PASSWORD}
            reply = self.app.post("/recipe/signup", body)
            self.assertEqual(reply.status, 200, reply)
            if reply.json["status"] != "OK":
                self.assertEqual(reply.json["status"], "EMAIL_ALREADY_EXISTS_ERROR")
                signed_up += 1
            self.expect(self.app.post("/recipe/signin", body))
        self.assertGreater(signed_up, 0)
        self.expect(self.app.get("/users/count"), count=len(emails) + 1)
        self.assertEqual(registry_invariants.broken_at_rest(self.gatehouse.sql), {})

    def run_out_of_time(self, table, call, *bystanders):
        """Every client's `call` waits for a lock of `table` until its time is over; afterwards it is answered at once."""
        with self.bystanders(*bystanders):
            with self.locked(table):
                begun = time.monotonic()
                replies = self.at_once(call)
                took_s = time.monotonic() - begun
                self.wait_until_time_is_over(begun)
        for reply in replies:
            self.assertEqual((reply.status, reply.headers.get("Retry-After")), (503, "1"), reply)
        self.assertGreaterEqual(took_s, TIMEOUT_S - 0.1)
        return replies

    def new_session(self, client, user):
        return client.post("/recipe/session", {"userId": user, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False})

    def test_a_deadline_that_runs_out_in_the_service_that_another_one_asks(self):
        user = self.expect(self.app.post("/recipe/signup", {"email": "a@example.com", "password": PASSWORD}))["user"]["id"]
        self.expect(self.new_session(self.app, user))
        create = lambda client, _: self.new_session(client, user)
        self.run_out_of_time("app_id_to_user_id", create, lambda client: client.get("/recipe/roles"))
        # The session service called others first and had written nothing yet.
        self.assertEqual(self.gatehouse.sql("SELECT count(*) FROM session_info WHERE app_id = '%s'" % self.app.app), [["1"]])
        self.assertEqual([reply.status for reply in self.at_once(create)], [200] * CLIENTS)

    def test_a_deadline_that_runs_out_after_the_first_of_two_steps(self):
        """A social sign-up is the registry's row and the recipe's: those whose time is over after the first complete it when they come back."""
        body = lambda number: {"thirdPartyId": "google", "thirdPartyUserId": "g%d" % number, "email": {"id": "g%d@example.com" % number, "isVerified": True}}
        call = lambda client, number: client.post("/recipe/signinup", body(number))
        self.run_out_of_time("thirdparty_users", call, lambda client: client.get("/recipe/roles"), lambda client: client.get("/users/count"))
        replies = self.at_once(call)
        self.assertEqual([reply.status for reply in replies], [200] * CLIENTS)
        self.assertEqual(len({reply.json["user"]["id"] for reply in replies}), CLIENTS)
        self.expect(self.app.get("/users/count"), count=CLIENTS)
        self.assertEqual(registry_invariants.broken_at_rest(self.gatehouse.sql), {})


if __name__ == "__main__":
    unittest.main()
