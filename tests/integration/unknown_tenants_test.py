"""Requests for apps that do not exist do not block those for an app that another instance has just created."""
import selectors
import socket
import threading
import unittest
import uuid

from integration import harness

KEY = "a-very-long-api-key-0123456789"
STRANGERS = 8
ROUNDS = 10
# More requests at once than fit into a queue.
CONNECTIONS = 400
PIPELINED = 4


class UnknownTenants(harness.GatehouseTest):
    environment = {"LOG_LEVEL": "WARN"}

    def test_a_new_app_is_found_whatever_names_strangers_send(self):
        other = harness.Gatehouse(database=self.gatehouse.database, environment=self.environment).start()
        self.addCleanup(other.kill)
        stop, asked, odd = threading.Event(), [], []

        def stranger():
            client, count = other.client(), 0
            while not stop.is_set():
                reply = client.request("GET", "/appid-%s/users/count" % uuid.uuid4().hex)
                count += 1
                if reply.status != 400:
                    odd.append(reply)
            asked.append(count)
            client.close()
        threads = [threading.Thread(target=stranger) for _ in range(STRANGERS)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(ROUNDS):
                made = self.gatehouse.new_app({"api_keys": KEY})
                app = other.client(app=made.app)
                self.text(app.get("/users/count"), 401, "Invalid API key")
                self.expect(app.get("/users/count", headers={"api-key": KEY}))
                self.assertEqual(app.get("/users/count", headers={"api-key": KEY}, tenant="nosuchtenant").status, 400)
                made.close()
                app.close()
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(odd, [])
        self.assertGreater(sum(asked), 100)

    def flood(self, stop, statuses):
        """Keeps PIPELINED requests for apps that do not exist under way on each of CONNECTIONS connections."""
        def send(connection):
            name = uuid.uuid4().hex
            connection.sendall(b"".join(b"GET /appid-%s%d/users/count HTTP/1.1\r\nHost: x\r\n\r\n" % (name.encode(), i) for i in range(PIPELINED)))
        with selectors.DefaultSelector() as selector:
            for _ in range(CONNECTIONS):
                connection = socket.create_connection(("127.0.0.1", self.gatehouse.port))
                self.addCleanup(connection.close)
                selector.register(connection, selectors.EVENT_READ, [0])
                send(connection)
            while not stop.is_set():
                for key, _ in selector.select(0.1):
                    reply = key.fileobj.recv(65536)
                    for status in (400, 429, 503):
                        statuses[status] = statuses.get(status, 0) + reply.count(b"HTTP/1.1 %d " % status)
                    key.data[0] += reply.count(b"HTTP/1.1 ")
                    if key.data[0] >= PIPELINED:
                        key.data[0] -= PIPELINED
                        send(key.fileobj)

    def test_a_flood_of_unknown_names_takes_no_place_from_apps_that_are_there(self):
        client = self.gatehouse.new_app({"api_keys": KEY})
        self.addCleanup(client.close)
        stop, statuses, replies = threading.Event(), {}, []
        flood = threading.Thread(target=self.flood, args=(stop, statuses))
        flood.start()
        try:
            harness.wait_until(lambda: sum(statuses.values()) > CONNECTIONS, 30, "the flood")
            for _ in range(10):
                replies.append(client.get("/users/count", headers={"api-key": KEY}))
            new = self.gatehouse.new_app({"api_keys": KEY})
            self.addCleanup(new.close)
            replies.append(new.get("/users/count", headers={"api-key": KEY}))
        finally:
            stop.set()
            flood.join()
        self.assertEqual([r for r in replies if r.status != 200], [])
        self.assertGreater(statuses[400], 0)


if __name__ == "__main__":
    unittest.main()
