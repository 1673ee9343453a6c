"""Strangers who name apps that are not there keep nobody from one that another instance has just made."""
import threading
import unittest
import uuid

from integration import harness

KEY = "a-very-long-api-key-0123456789"
STRANGERS = 8
ROUNDS = 10


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


if __name__ == "__main__":
    unittest.main()
