"""A storm of sign-ins: hashing has its own workers, so that other requests hardly wait."""
import statistics
import threading
import time
import unittest

from integration import harness

PASSWORD = "correct horse 1"
CLIENTS = 32


class SignInStorm(harness.GatehouseTest):
    @classmethod
    def setUpClass(cls):
        # Test mode would hash at the least cost.
        cls.gatehouse = harness.Gatehouse(mode=cls.mode, test_mode=False).start()
        cls.addClassCleanup(cls.gatehouse.kill)

    def measure(self, seconds):
        """Medians and maxima of operations that hash nothing, in ms."""
        times = {"get user": [], "find user": [], "create session": [], "verify": [], "refresh": []}
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for name, call in (("get user", lambda: self.app.get("/user/id", {"userId": self.user})),
                               ("find user", lambda: self.app.get("/recipe/user", {"email": "a@example.com"}, headers={"rid": "emailpassword"})),
                               ("create session", self.new_session),
                               ("verify", lambda: self.app.post("/recipe/session/verify", {"accessToken": self.session["accessToken"]["token"], "enableAntiCsrf": False,
                                                                                          "doAntiCsrfCheck": False, "checkDatabase": True})),
                               ("refresh", self.refresh)):
                begin = time.perf_counter()
                self.expect(call())
                times[name].append(1000 * (time.perf_counter() - begin))
        return {name: (statistics.median(values), max(values)) for name, values in times.items()}

    def new_session(self):
        reply = self.app.post("/recipe/session", {"userId": self.user, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False})
        self.session = reply.json
        return reply

    def refresh(self):
        return self.app.post("/recipe/session/refresh", {"refreshToken": self.session["refreshToken"]["token"], "enableAntiCsrf": False, "useDynamicSigningKey": True})

    def test_others_hardly_wait(self):
        self.user = self.expect(self.app.post("/recipe/signup", {"email": "a@example.com", "password": PASSWORD}))["user"]["id"]
        self.new_session()
        calm = self.measure(2)
        stop, replies, broken = threading.Event(), [], []

        def sign_in(client):
            try:
                while not stop.is_set():
                    replies.append(client.post("/recipe/signin", {"email": "a@example.com", "password": PASSWORD}))
            except Exception as error:  # seen by the assertion below
                broken.append(error)
        clients = [self.gatehouse.client(app=self.app.app) for _ in range(CLIENTS)]
        threads = [threading.Thread(target=sign_in, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        # All of them were queued when the first answer came.
        harness.wait_until(lambda: replies, 30, "a sign-in")
        storm = self.measure(8)
        stop.set()
        for thread, client in zip(threads, clients):
            thread.join()
            client.close()
        self.assertEqual(broken, [])
        for name in calm:
            print("%-16s calm: median %7.1f ms, most %7.1f ms   storm: median %7.1f ms, most %7.1f ms" % (name, *calm[name], *storm[name]))
        self.assertLessEqual({reply.status for reply in replies}, {200, 429})
        self.assertIn(200, {reply.status for reply in replies})
        # A sign-in waits behind some thirty others, for seconds. Operations that hash nothing must not wait with it.
        for name, (median, _) in storm.items():
            self.assertLess(median, 250, (name, storm))


if __name__ == "__main__":
    unittest.main()
