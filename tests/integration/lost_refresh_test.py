"""From CDI 5.6 a refresh rotates the token at once. When the database's answer is lost, the client soon gets an error, and does not lose its session by trying again."""
import re
import time
import unittest

from integration import harness, pg_proxy

# A Bind message of the protocol, for the rotating statement.
ROTATES = re.compile(rb"B.{4}\x00session_rotate\x00", re.DOTALL)


class AnswerLoser(pg_proxy.PgProxy):
    """While `losing`, a connection that carried a rotation delivers no more answers."""
    losing, lost = False, 0

    def fate(self, data):
        if not self.losing or not ROTATES.search(data):
            return "pass"
        self.lost += 1
        return "mute"


class LostRefresh(unittest.TestCase):
    def setUp(self):
        postgres = harness.Postgres.shared()
        self.proxy = AnswerLoser(postgres.port)
        self.addCleanup(self.proxy.stop)
        database = postgres.create_database()
        # A third of the grace period is a refresh's time: here a second.
        self.gatehouse = harness.Gatehouse(database=database, environment={"POSTGRESQL_CONNECTION_URI": self.proxy.uri(database), "REFRESH_TOKEN_ROTATION_GRACE_PERIOD": "3"}).start()
        self.addCleanup(self.gatehouse.kill)
        self.client = self.gatehouse.client(cdi="5.6")
        self.addCleanup(self.client.close)

    def refresh(self, token):
        return self.client.post("/recipe/session/refresh", {"refreshToken": token, "enableAntiCsrf": False, "useDynamicSigningKey": True})

    def current(self):
        return self.gatehouse.sql("SELECT refresh_token_hash_2 FROM session_info")[0][0]

    def test_a_lost_answer_costs_no_session(self):
        session = self.client.post("/recipe/session", {"userId": "u", "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False}).json
        token = session["refreshToken"]["token"]
        before = self.current()
        self.proxy.losing = True
        begin = time.monotonic()
        reply = self.refresh(token)
        took_s = time.monotonic() - begin
        self.assertEqual(reply.status, 503, reply)
        self.assertGreaterEqual(self.proxy.lost, 1)
        # Long before the grace period's end, even on a busy machine.
        self.assertLess(took_s, 15)
        self.proxy.losing = False
        # The rotation did happen, and is undone, for whichever instance the client reaches.
        harness.wait_until(lambda: self.current() == before, 30, "the rotation to be taken back")
        harness.wait_until(lambda: time.monotonic() > begin + 4, 10, "the grace period's end")
        again = self.refresh(token).json
        self.assertEqual(again["status"], "OK", again)
        self.assertEqual(self.refresh(again["refreshToken"]["token"]).json["status"], "OK")

    def test_one_lost_connection_is_not_noticed(self):
        session = self.client.post("/recipe/session", {"userId": "u", "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False}).json
        refreshed = self.refresh(session["refreshToken"]["token"]).json
        self.gatehouse.sql("CREATE FUNCTION break() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF nextval('breaks') = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;"
                           " RETURN NEW; END $$; CREATE SEQUENCE breaks; CREATE TRIGGER break BEFORE UPDATE ON session_info FOR EACH ROW EXECUTE FUNCTION break()")
        again = self.refresh(refreshed["refreshToken"]["token"])
        self.assertEqual(again.status, 200, again)
        self.assertEqual(again.json["status"], "OK", again)
        self.assertEqual(self.refresh(again.json["refreshToken"]["token"]).json["status"], "OK")


if __name__ == "__main__":
    unittest.main()
