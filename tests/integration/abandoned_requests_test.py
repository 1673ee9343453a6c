"""Requests whose clients have reset the connection do not keep others from being served: they leave the queue, and those not begun never start."""
import re
import socket
import struct
import threading
import unittest

from integration import harness

PASSWORD = "correct horse 1"
REQUESTS = 700  # more than may wait for one service
RUNNING = 40  # more than there are workers in either mode


class AbandonedRequests(harness.GatehouseTest):
    def metric(self, pattern):
        found = re.search(r"^gatehouse_%s (\S+)$" % pattern, self.gatehouse.admin("/metrics").text, re.M)
        return float(found.group(1)) if found else 0

    def waiting(self):
        return self.metric(r'worker_queue_waiting\{queue="users/passwords"\}')

    def send_sign_up(self, number):
        body = '{"email": "gone%d@example.com", "password": "%s"}' % (number, PASSWORD)
        connection = socket.create_connection(("127.0.0.1", self.gatehouse.port))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # closing resets
        self.addCleanup(connection.close)
        connection.sendall(("POST /appid-%s/recipe/signup HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\ncdi-version: 5.4\r\nContent-Length: %d\r\n\r\n%s"
                            % (self.app.app, len(body), body)).encode())
        return connection

    def test_a_queue_of_clients_that_have_gone(self):
        with self.gatehouse.postgres.session(self.gatehouse.database) as blocker:
            blocker.run("BEGIN; LOCK TABLE emailpassword_users IN ACCESS EXCLUSIVE MODE;")
            connections = [self.send_sign_up(number) for number in range(REQUESTS)]
            refused = r'http_requests_total\{[^}]*status="429"[^}]*\}'
            harness.wait_until(lambda: self.metric(refused) > 0, 20, "a queue that is full")
            # One that is reset before it is accepted can still be read, after all of this.
            harness.wait_until(lambda: self.metric("http_connections") >= REQUESTS, 20, "all connections to be accepted")
            for connection in connections:
                connection.close()
            harness.wait_until(lambda: self.metric("http_connections") < 10, 20, "the connections to be gone")
            replies = []
            honest = threading.Thread(target=lambda: replies.append(self.sign_up("here@example.com")))
            before = self.waiting()
            self.assertGreater(before, 0)
            honest.start()
            harness.wait_until(lambda: replies or self.waiting() != before, 20, "the honest one to be queued")
            self.assertEqual(replies, [])
            blocker.run("ROLLBACK;")
        honest.join()
        self.expect(replies[0])
        count = int(self.gatehouse.sql("SELECT count(*) FROM emailpassword_users WHERE app_id = '%s'" % self.app.app)[0][0])
        self.assertLess(count, RUNNING)

    def sign_up(self, email):
        client = self.gatehouse.client(app=self.app.app)
        self.addCleanup(client.close)
        return client.post("/recipe/signup", {"email": email, "password": PASSWORD})


if __name__ == "__main__":
    unittest.main()
