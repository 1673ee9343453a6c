"""The checker finds what it looks for: each loss, half state, crash and improper answer is caused deliberately, behind the clients' backs."""
import contextlib
import http.server
import os
import random
import signal
import sys
import threading
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from chaos.faults import Suite  # noqa: E402
from chaos.faults_under_load import Round, Row  # noqa: E402
from chaos.history import Caller, History, Register, Unknown  # noqa: E402
from chaos.honest_client import HonestClient, User  # noqa: E402


class Answers(http.server.BaseHTTPRequestHandler):
    """Gives the server's `answer`: (status, text, seconds)."""

    def do_GET(self):
        status, text, seconds = self.server.answer
        time.sleep(seconds)
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


class ImproperAnswers(unittest.TestCase):
    def setUp(self):
        self.server = http.server.HTTPServer(("127.0.0.1", 0), Answers)
        self.addCleanup(self.server.server_close)
        thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.server.shutdown)

    def violations_of(self, status, text, seconds=0.0, limit_s=0.3):
        self.server.answer = status, text, seconds
        self.history = History(self.server.server_address[1], "app")
        caller = Caller(self.history, limit_s=limit_s)
        self.addCleanup(caller.close)
        with contextlib.suppress(Unknown):
            caller.call("GET", "/hello")
        return self.history.violations

    def test_refusals_are_proper_and_trouble(self):
        for status in (429, 503):
            self.assertEqual(self.violations_of(status, "Too many requests, try again"), [])
            self.assertGreater(self.history.last_trouble, 0)
        self.assertEqual(self.violations_of(200, "{}"), [])
        self.assertEqual(self.history.last_trouble, 0)

    def test_other_statuses_and_words_of_the_inside_and_long_waits_are_not(self):
        self.assertIn("500", self.violations_of(500, "Internal error")[0])
        self.assertIn("400", self.violations_of(400, "no")[0])
        self.assertIn("tells too much", self.violations_of(503, "FATAL:  terminating connection due to administrator command")[0])
        self.assertIn("tells too much", self.violations_of(503, "ERROR: could not extend file: No space left on device")[0])
        self.assertIn("took", self.violations_of(200, "{}", seconds=0.2, limit_s=0.1)[0])

    def test_a_connection_that_breaks_is_no_answer(self):
        self.server.answer = None  # the handler fails
        self.server.handle_error = lambda *_: None
        history = History(self.server.server_address[1], "app")
        with self.assertRaises(Unknown):
            Caller(history).call("GET", "/hello")
        self.assertGreater(history.last_trouble, 0)


class WhatMayBe(unittest.TestCase):
    def test_an_unanswered_write_may_happen_at_any_time_once(self):
        register = Register("a")
        register.write("b", lambda: None)
        self.assertFalse(register.saw("a"))
        with self.assertRaises(Unknown):
            register.write("c", self.unknown)
        register.write("d", lambda: None)
        self.assertTrue(register.saw("d"))
        self.assertTrue(register.saw("c"))
        self.assertFalse(register.saw("d"))

    @staticmethod
    def unknown():
        raise Unknown


class Losses(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.suite = Suite("all-in-one")
        cls.addClassCleanup(cls.suite.stop)

    def setUp(self):
        self.round = Round(self.suite, 0, 0)
        self.history = self.round.history
        self.client = HonestClient(self.history, "client", random.Random(0))
        self.addCleanup(self.client.caller.close)

    def new_user(self, kind="emailpassword", cdi="5.6"):
        self.client.caller.cdi = cdi
        user = User(kind, "%s@%s.example" % (self.id().rpartition(".")[2].replace("_", "")[:40], kind))
        if kind == "emailpassword":
            self.client.came_in(user, self.client.call("POST", "/recipe/signup", {"email": user.contact, "password": "first password 1"}))
        else:
            self.client.sign_in(user)
        self.client.users.append(user)
        self.client.settle()
        self.assertEqual(self.history.violations, [])
        return user

    def finds(self, text):
        self.client.settle()
        self.assertTrue(any(text in violation for violation in self.history.violations), self.history.violations)

    def sql(self, text, user=None):
        return self.suite.gatehouse.sql(text.replace("APP", "'%s'" % self.history.app).replace("USER", "'%s'" % (user.id if user else "")))

    def test_a_lost_user(self):
        user = self.new_user()
        self.sql("DELETE FROM recipe_user_tenants WHERE app_id = APP AND recipe_user_id = USER", user)
        self.finds("0 of the passwords")

    def test_a_lost_passwordless_user(self):
        user = self.new_user("passwordless")
        self.sql("DELETE FROM recipe_user_tenants WHERE app_id = APP AND recipe_user_id = USER; DELETE FROM gatehouse_listed_users WHERE app_id = APP", user)
        self.finds("passwordless user is not there")

    def test_a_third_party_user_that_became_another(self):
        user = self.new_user("thirdparty")
        self.client.call("POST", "/user/remove", {"userId": user.id})
        self.finds("came back as another")

    def test_a_lost_password(self):
        user = self.new_user()
        before = self.sql("SELECT password_hash FROM emailpassword_users WHERE app_id = APP AND user_id = USER", user)[0][0]
        self.client.change_password(user)
        self.sql("UPDATE emailpassword_users SET password_hash = '%s' WHERE app_id = APP AND user_id = USER" % before, user)
        self.finds("0 of the passwords")
        self.finds("a former password signs in")

    def test_lost_metadata_and_a_lost_role(self):
        user = self.new_user()
        self.client.write_metadata(user)
        self.client.change_role(user)
        self.client.settle()
        self.assertEqual(self.history.violations, [])
        self.sql("DELETE FROM user_metadata WHERE app_id = APP; DELETE FROM user_roles WHERE app_id = APP")
        self.finds("metadata went back")
        self.finds("a role went back")

    def test_a_lost_tenant(self):
        self.client.tenants.append("nobodys")
        self.finds("a tenant is not there")

    def test_a_lost_link(self):
        first, second = self.new_user(), self.new_user("thirdparty")
        first.linked_to, first.link_sure, second.linked_to, second.link_sure = first, True, first, True
        self.finds("not in its group")

    def test_a_removed_user_that_is_back(self):
        user = self.new_user()
        self.client.remove(user)
        self.client.settle()
        self.assertEqual(self.history.violations, [])
        self.client.call("POST", "/recipe/signup", {"email": user.contact, "password": "first password 1"})
        self.finds("a removed user is there")

    def test_sessions(self):
        for cdi in ("5.4", "5.6"):
            user = self.new_user(cdi=cdi) if not self.client.users else self.client.users[0]
            self.client.caller.cdi = cdi
            user.session = None
            self.client.refresh(user)
            self.client.refresh(user)
            self.assertEqual(self.history.violations, [])
            stale = dict(user.session)
            # Somebody else refreshes with it twice, so that the owner's token is no longer valid.
            for _ in range(2):
                reply = self.client.call("POST", "/recipe/session/refresh", {"refreshToken": user.session["refresh"], "enableAntiCsrf": False, "useDynamicSigningKey": True})
                user.session = dict(user.session, refresh=reply["refreshToken"]["token"], access=reply["accessToken"]["token"])
                self.client.verify(user)
            self.sql("UPDATE session_info SET refresh_token_rotated_at = 0 WHERE app_id = APP")
            user.session = stale
            self.client.refresh(user)
            self.assertIn("an honest refresh was taken for TOKEN_THEFT_DETECTED", self.history.violations.pop())
        self.client.refresh(user)
        self.sql("DELETE FROM session_info WHERE app_id = APP")
        self.finds("a session is not there")

    def test_a_removed_session_that_lives(self):
        user = self.new_user()
        self.client.refresh(user)
        user.ended_sessions.append(user.session["refresh"])
        user.session = None
        self.finds("a removed session lives")

    def test_a_half_state_and_a_row_of_it(self):
        self.new_user()
        self.sql("UPDATE gatehouse_user_counts SET users = users + 1 WHERE app_id = APP")
        self.round.check_tables(0)
        self.assertEqual(list(self.round.half_states), ["users are counted as they are listed"])
        row = Row("fault")
        row.add(self.round)
        self.assertFalse(row.clean(2))
        self.sql("UPDATE gatehouse_user_counts SET users = users - 1 WHERE app_id = APP")
        self.round.check_tables(0)
        self.assertEqual(self.round.half_states, {})

    def test_late_recovery(self):
        row = Row("fault")
        self.round.recovery_s = 2.1
        row.add(self.round)
        self.assertFalse(row.clean(2))
        self.assertTrue(row.clean(3))

    def test_what_crashes_is_noted_and_started_by_nobody(self):
        process = self.suite.gatehouse.processes["gatehouse"]
        self.round.check_processes()
        self.assertEqual(self.round.crashes, [])
        process.process.send_signal(signal.SIGSEGV)
        process.process.wait()
        self.round.check_processes()
        self.assertIn("ended with -11", self.round.crashes[0])
        process.start()
        self.suite.gatehouse.wait_ready()


if __name__ == "__main__":
    unittest.main()
