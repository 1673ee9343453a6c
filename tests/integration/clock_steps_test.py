"""The wall clock is set while requests run: forward, it ends none of them; back, it lets none outlive its deadline."""
import glob
import os
import tempfile
import threading
import time
import unittest

from integration import harness

LIBRARY = next(iter(glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")), None)
HOUR_S = 3600
LIMIT_MS = 6000


@unittest.skipUnless(LIBRARY, "*** NOT CHECKED: steps of the clock; libfaketime is not installed (scripts/install-deps.sh test) ***")
@unittest.skipIf(harness.PATIENCE > 1, "*** NOT CHECKED: steps of the clock; a sanitizer's allocator asks for the time before libfaketime is ready, which then hangs ***")
class ClockSteps(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        handle, cls.path = tempfile.mkstemp(prefix="gatehouse-time-")
        os.close(handle)
        cls.addClassCleanup(os.unlink, cls.path)
        cls.step(0)
        # Only the wall clock is faked.
        fake = {"LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": cls.path, "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1", "DONT_FAKE_MONOTONIC": "1"}
        cls.gatehouse = harness.Gatehouse(environment={**fake, "GATEHOUSE_REQUEST_TIMEOUT_MS": str(LIMIT_MS)}).start()
        cls.addClassCleanup(cls.gatehouse.kill)

    def setUp(self):
        self.step(0)
        self.app = self.gatehouse.new_app(cdi="5.4")
        self.addCleanup(self.app.close)
        self.user = self.sign_up("a@example.com")["id"]

    def sign_up(self, email):
        reply = self.app.post("/recipe/signup", {"email": email, "password": "correct horse 1"})
        self.assertEqual(reply.status, 200, reply)
        return reply.json["user"]

    @classmethod
    def step(cls, seconds):
        """The wall clock of Gatehouse's processes, from now on."""
        with open(cls.path + ".new", "w") as f:
            f.write("%+d\n" % seconds)
        os.replace(cls.path + ".new", cls.path)

    def change_email(self, email):
        return self.app.put("/recipe/user", {"recipeUserId": self.user, "email": email})

    def change_under_locks(self, during, release_all):
        """A change that waits for the lock of its first statement; `during` happens; it gets that lock, and with `release_all` the one that a later statement waits for. The reply, and how
        long it took."""
        result = {}

        def change():
            begin = time.monotonic()
            result["reply"] = self.change_email("b@example.com")
            result["took_s"] = time.monotonic() - begin
        postgres, database = self.gatehouse.postgres, self.gatehouse.database
        with postgres.session(database) as first, postgres.session(database) as later:
            first.run("BEGIN; SELECT 1 FROM app_id_to_user_id FOR UPDATE;")
            later.run("BEGIN; SELECT 1 FROM emailpassword_users FOR UPDATE;")
            thread = threading.Thread(target=change)
            thread.start()
            harness.wait_until(lambda: self.gatehouse.sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")[0][0] != "0",
                               20, "the change to wait")
            during()
            if release_all:
                later.run("COMMIT;")
            first.run("COMMIT;")
            thread.join()
        return result["reply"], result["took_s"]

    def test_the_clock_is_stepped_indeed(self):
        for seconds in (HOUR_S, -HOUR_S):
            self.step(seconds)
            made_s = self.sign_up("at%d@example.com" % seconds)["timeJoined"] / 1000
            self.assertAlmostEqual(made_s - time.time(), seconds, delta=60)

    def test_forth(self):
        reply, _ = self.change_under_locks(lambda: self.step(HOUR_S), release_all=True)
        self.assertEqual((reply.status, reply.json["status"]), (200, "OK"), reply)

    def test_back(self):
        reply, took_s = self.change_under_locks(lambda: self.step(-HOUR_S), release_all=False)
        self.assertEqual(reply.status, 503, reply)
        self.assertGreater(took_s, LIMIT_MS / 1000 - 0.5)
        self.assertLess(took_s, 3 * LIMIT_MS / 1000)

    def test_afterwards(self):
        for seconds in (HOUR_S, -HOUR_S):
            # More than the limit on hello allows at once: its bucket is empty when the clock goes back.
            for _ in range(20):
                self.app.get("/hello")
            self.step(seconds)
            for i in range(5):
                reply = self.change_email("c%d%d@example.com" % (seconds, i))
                self.assertEqual((reply.status, reply.json["status"]), (200, "OK"), reply)
            harness.wait_until(lambda: self.app.get("/hello").text == "Hello\n", 10, "hello")


if __name__ == "__main__":
    unittest.main()
