"""Codes of one address, used at once: one signs in, the others have to start again, and nobody waits for a deadlock to be detected."""
import threading
import unittest

from deadlocks import writers
from integration import harness



class CodesAtOnce(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.postgres = writers.Postgres()
        cls.addClassCleanup(cls.postgres.stop)
        cls.gatehouse = harness.Gatehouse(postgres=cls.postgres).start()
        cls.addClassCleanup(cls.gatehouse.kill)

    def use_at_once(self, contact, count):
        """The statuses of as many codes of one contact."""
        app = self.gatehouse.new_app()
        self.addCleanup(app.close)
        clients = [self.gatehouse.client(app=app.app) for _ in range(count)]
        codes = [client.post("/recipe/signinup/code", contact).json for client in clients]
        replies, barrier = [None] * count, threading.Barrier(count)

        def use(number):
            body = {name: codes[number][name] for name in ("preAuthSessionId", "deviceId", "userInputCode")}
            barrier.wait()
            replies[number] = clients[number].post("/recipe/signinup/code/consume", body)
            clients[number].close()
        threads = [threading.Thread(target=use, args=(number,)) for number in range(count)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for reply in replies:
            self.assertEqual(reply.status, 200, reply)
        winners = [reply.json for reply in replies if reply.json["status"] == "OK"]
        self.assertEqual([winner["createdNewUser"] for winner in winners], [True], replies)
        self.assertEqual(app.get("/users/count").json["count"], 1)
        return sorted(reply.json["status"] for reply in replies)

    def test_of_codes_of_one_address_one_is_used(self):
        for number in range(10):
            self.assertEqual(self.use_at_once({"email": "a%d@example.com" % number}, 3), ["OK"] + ["RESTART_FLOW_ERROR"] * 2)
            self.assertEqual(self.use_at_once({"phoneNumber": "+1415555%04d" % number}, 10), ["OK"] + ["RESTART_FLOW_ERROR"] * 9)
        self.assertNotIn("deadlock detected", self.postgres.logged())

    def test_resends_to_one_device_leave_ten_codes(self):
        app = self.gatehouse.new_app()
        self.addCleanup(app.close)
        first = app.post("/recipe/signinup/code", {"email": "a@example.com"}).json
        for _ in range(30):
            again = app.post("/recipe/signinup/code", {"deviceId": first["deviceId"]}).json
            self.assertEqual((again["status"], again["preAuthSessionId"]), ("OK", first["preAuthSessionId"]))
        devices = app.get("/recipe/signinup/codes", {"email": "a@example.com"}).json["devices"]
        self.assertEqual([len(device["codes"]) for device in devices], [10])
        body = {"preAuthSessionId": first["preAuthSessionId"], "linkCode": first["linkCode"]}
        self.assertEqual(app.post("/recipe/signinup/code/consume", body).json["status"], "RESTART_FLOW_ERROR")
        body["linkCode"] = again["linkCode"]
        self.assertEqual(app.post("/recipe/signinup/code/consume", body).json["status"], "OK")


if __name__ == "__main__":
    unittest.main()
