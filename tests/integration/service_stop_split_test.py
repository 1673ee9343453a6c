"""Services of a split suite stop at once, although all the others watch them, and requests that do not need them are unaffected."""
import threading
import time
import unittest

from integration import harness


class ServiceStop(harness.GatehouseTest):
    mode = "split"

    def test_tenants_stops_and_comes_back(self):
        user = self.expect(self.app.post("/recipe/signup", {"email": "a@example.com", "password": "correct horse 1"}))["user"]["id"]
        stop, replies = threading.Event(), []
        client = self.gatehouse.client(app=self.app.app)
        self.addCleanup(client.close)

        def ask():
            while not stop.is_set():
                replies.append(client.get("/user/id", {"userId": user}))
        thread = threading.Thread(target=ask)
        thread.start()
        harness.wait_until(lambda: replies, 30, "a reply")
        process = self.gatehouse.processes["tenants"]
        begun = time.monotonic()
        self.assertEqual(process.stop(), 0)
        took = time.monotonic() - begun
        process.start()
        harness.wait_until(self.tenants_ready, 30, "the tenants service")
        # The watchers have found it: a change reaches them.
        harness.wait_until(lambda: self.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": "late"}).status == 200, 10, "a change")
        self.assertEqual(self.app.get("/users/count", tenant="late").status, 200)
        stop.set()
        thread.join()
        self.assertLess(took, 5)
        self.assertEqual({reply.status for reply in replies}, {200})

    def tenants_ready(self):
        try:
            return self.gatehouse.admin("/readyz", "tenants").status == 200
        except OSError:
            return False


if __name__ == "__main__":
    unittest.main()
