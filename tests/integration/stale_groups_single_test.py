"""A request reads which groups its users are in, and waits for a row: meanwhile they change their groups. It waits for nothing more while it holds rows that are no longer theirs."""
import threading
import unittest

from integration import harness

RUNNING = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND pid <> pg_backend_pid() AND datname = current_database()"
WAITING = RUNNING + " AND wait_event_type = 'Lock'"
BLOCKED = RUNNING + " AND %s = ANY (pg_blocking_pids(pid))"
SETTLES = " AND query LIKE '%gatehouse_settle_user%'"
OTHERS = " AND query NOT LIKE '%gatehouse_settle_user%'"
ROW = "SELECT 1 FROM app_id_to_user_id WHERE user_id = '%s' FOR NO KEY UPDATE;"
LEAVE = "UPDATE app_id_to_user_id SET primary_or_recipe_user_id = user_id, is_linked_or_is_a_primary_user = false WHERE user_id = '%s';"
SOON = "SET LOCAL lock_timeout = '5s';"


class StaleGroups(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        # A deadlock should last, not be resolved.
        cls.postgres = harness.Postgres(settings=("deadlock_timeout=60s",))
        cls.addClassCleanup(cls.postgres.stop)
        cls.gatehouse = harness.Gatehouse(mode="all-in-one", postgres=cls.postgres, environment={"BCRYPT_LOG_ROUNDS": "4"}).start()
        cls.addClassCleanup(cls.gatehouse.stop)

    def setUp(self):
        self.app = self.gatehouse.new_app(cdi="5.4")
        self.addCleanup(self.app.close)
        self.first, self.second = sorted(self.sign_up(email) for email in ("a@example.com", "b@example.com"))

    def sign_up(self, email):
        return self.app.post("/recipe/signup", {"email": email, "password": "correct horse 1"}).json["user"]["id"]

    def link(self):
        self.assertEqual(self.app.post("/recipe/accountlinking/user/primary", {"recipeUserId": self.first}).json["status"], "OK")
        self.assertEqual(self.app.post("/recipe/accountlinking/user/link", {"recipeUserId": self.second, "primaryUserId": self.first}).json["status"], "OK")

    def count(self, which):
        return int(self.gatehouse.sql(which)[0][0])

    def wait(self, count, job=False):
        """Waits until `count` wait besides the background job, or for the job."""
        harness.wait_until(lambda: self.count(WAITING + (SETTLES if job else OTHERS)) == count, 20, "%d to wait" % count)

    def wait_for(self, session):
        """Waits until the request waits for what the session holds."""
        pid = session.run("SELECT pg_backend_pid();")[0].strip()
        harness.wait_until(lambda: self.count(BLOCKED % pid + OTHERS) == 1, 20, "the request to wait")

    def start(self, call):
        thread = threading.Thread(target=call)
        thread.start()
        self.addCleanup(thread.join)
        return thread

    def sessions(self):
        return [self.enterContext(self.postgres.session(self.gatehouse.database)) for _ in range(2)]

    def test_a_member_that_has_left(self):
        self.link()
        holder, other = self.sessions()
        holder.run("BEGIN;" + ROW % self.first)
        self.start(lambda: self.app.put("/recipe/user", {"recipeUserId": self.second, "email": "c@example.com"}))
        self.wait(1)
        other.run(LEAVE % self.second + "BEGIN;" + ROW % self.second)
        holder.run("COMMIT;")
        self.wait_for(other)
        other.run(SOON + ROW % self.first + "COMMIT;")

    def test_a_member_that_has_left_before_it_is_settled(self):
        self.link()
        holder, other = self.sessions()
        holder.run("BEGIN;" + ROW % self.first)
        self.gatehouse.sql("INSERT INTO gatehouse_unsettled_users (app_id, user_id) VALUES ('%s', '%s')" % (self.app.app, self.second))
        self.start(lambda: self.gatehouse.sql("SELECT gatehouse_settle_user()"))  # or the background job does it
        self.wait(1, job=True)
        other.run(LEAVE % self.second + "BEGIN;" + ROW % self.second)
        holder.run("COMMIT;")
        pid = other.run("SELECT pg_backend_pid();")[0].strip()
        harness.wait_until(lambda: self.count(RUNNING + SETTLES) == self.count(BLOCKED % pid + SETTLES), 20, "it to end, or to wait for what the other holds")
        other.run(SOON + ROW % self.first + "COMMIT;")

    def test_a_primary_user_that_has_become_a_member(self):
        self.assertEqual(self.app.post("/recipe/accountlinking/user/primary", {"recipeUserId": self.second}).json["status"], "OK")
        holder, other = self.sessions()
        holder.run("BEGIN;" + ROW % self.first)
        other.run("BEGIN;" + ROW % self.second)
        self.start(lambda: self.app.post("/recipe/accountlinking/user/link", {"recipeUserId": self.first, "primaryUserId": self.second}))
        self.wait(1)
        holder.run("UPDATE app_id_to_user_id SET primary_or_recipe_user_id = '%s', is_linked_or_is_a_primary_user = true WHERE user_id = '%s'; COMMIT;" % (self.second, self.first))
        self.wait_for(other)
        other.run(SOON + ROW % self.first + "COMMIT;")


if __name__ == "__main__":
    unittest.main()
