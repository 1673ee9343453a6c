"""What an attempt that was interrupted between two services leaves behind: settled in the background, and listed and repaired by `gatehouse check-users`."""
import contextlib
import os
import subprocess
import unittest

from integration import harness, registry_invariants

# The effect of a failing disk, a lost connection or a killed process on the step after the
# registry's.
REFUSE = """CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT OR UPDATE OR DELETE ON %s FOR EACH ROW EXECUTE PROCEDURE refuse();"""
ALLOW = "DROP TRIGGER IF EXISTS refuse ON %s; DROP FUNCTION IF EXISTS refuse() CASCADE"


class HalfStates(harness.GatehouseTest):
    def sql(self, text):
        return self.gatehouse.sql(text)

    def broken(self):
        return registry_invariants.broken(self.gatehouse.sql)

    def social(self, name):
        body = {"thirdPartyId": "google", "thirdPartyUserId": name, "email": {"id": name + "@example.com", "isVerified": True}}
        return self.app.post("/recipe/signinup", body)

    def code(self, phone):
        created = self.app.post("/recipe/signinup/code", {"phoneNumber": phone}).json
        return {name: created[name] for name in ("preAuthSessionId", "deviceId", "userInputCode")}

    def consume(self, code):
        return self.app.post("/recipe/signinup/code/consume", code)

    def check_users(self, *arguments):
        environment = {**next(iter(self.gatehouse.processes.values())).environment}
        environment.pop("GATEHOUSE_TEST_MODE", None)
        own = {name: value for name, value in os.environ.items() if not name.startswith(("POSTGRESQL_", "SUPERTOKENS_", "GATEHOUSE_"))}
        done = subprocess.run([os.path.join(harness.BIN, "gatehouse"), "check-users", *arguments], env={**own, **environment}, capture_output=True, text=True)
        self.assertEqual(done.stderr, "")
        return done.returncode, done.stdout.splitlines()

    @contextlib.contextmanager
    def no_settling(self):
        """The job settles nothing meanwhile: another instance seems to be working on it."""
        with self.gatehouse.postgres.session(self.gatehouse.database) as session:
            for recipe in ("", "thirdparty", "passwordless"):
                session.run("SELECT pg_advisory_lock(hashtext('gatehouse-job-settle_logins:%s'));" % recipe)
            yield

    def test_the_command_lists_and_mends(self):
        with self.no_settling():
            self.lists_and_mends()

    def lists_and_mends(self):
        social = [self.expect(self.social("s%d" % number))["user"]["id"] for number in range(4)]
        phone = [self.expect(self.consume(self.code("+1415555010%d" % number)))["user"]["id"] for number in range(3)]
        leader = social[3]
        self.expect(self.app.post("/recipe/accountlinking/user/primary", {"recipeUserId": leader}))
        self.expect(self.app.post("/recipe/accountlinking/user/link", {"recipeUserId": social[0], "primaryUserId": leader}))
        self.assertEqual(self.broken(), {})
        self.assertEqual(self.check_users(), (0, ["0 login methods were at fault."]))

        rows = {table: self.sql("SELECT * FROM %s ORDER BY user_id" % table) for table in ("thirdparty_users", "passwordless_users")}
        left = self.sql("SELECT app_id, user_id, third_party_id, third_party_user_id, email, time_joined FROM thirdparty_users WHERE user_id = '%s'" % leader)[0]
        self.sql("DELETE FROM thirdparty_users WHERE user_id = '%s'; UPDATE thirdparty_users SET email = 'old@example.com' WHERE user_id = '%s';"
                 "DELETE FROM passwordless_users WHERE user_id = '%s'; UPDATE passwordless_users SET phone_number = '+1' WHERE user_id = '%s'"
                 % (social[0], social[1], phone[0], phone[1]))
        expected = sorted("app %s, user %s (%s): %s" % (self.app.app, user, recipe, fault) for user, recipe, fault in (
            (social[0], "thirdparty", "missing"), (social[1], "thirdparty", "differs"), (phone[0], "passwordless", "missing"), (phone[1], "passwordless", "differs")))
        status, lines = self.check_users()
        self.assertEqual((status, sorted(lines[:-1]), lines[-1]), (3, expected, "4 login methods were at fault."))
        status, lines = self.check_users("--mend")
        self.assertEqual((status, sorted(lines[:-1]), lines[-1]), (0, expected, "4 login methods were mended."))
        for table, before in rows.items():
            self.assertEqual(self.sql("SELECT * FROM %s ORDER BY user_id" % table), before)

        # The leader's own login method is removed, and its credentials stay.
        self.expect(self.app.post("/recipe/accountlinking/user/unlink", {"recipeUserId": leader}), wasRecipeUserDeleted=True)
        self.sql("INSERT INTO thirdparty_users (app_id, user_id, third_party_id, third_party_user_id, email, time_joined) VALUES (%s)"
                 % ", ".join("'%s'" % left[place] for place in (0, 1, 2, 3, 4, 5)))
        self.assertNotEqual(self.broken(), {})
        self.assertEqual(self.check_users("--mend"), (0, ["app %s, user %s (thirdparty): left over" % (self.app.app, leader), "1 login method was mended."]))
        self.assertEqual(self.broken(), {})
        self.assertEqual(self.check_users(), (0, ["0 login methods were at fault."]))

    def test_settled_in_the_background(self):
        code = self.code("+14155550199")
        member = self.expect(self.social("member"))["user"]["id"]
        leader = self.expect(self.social("leader"))["user"]["id"]
        self.expect(self.app.post("/recipe/accountlinking/user/primary", {"recipeUserId": leader}))
        self.expect(self.app.post("/recipe/accountlinking/user/link", {"recipeUserId": member, "primaryUserId": leader}))
        try:
            for table in ("thirdparty_users", "passwordless_users"):
                self.sql(REFUSE.replace("refuse()", "refuse_%s()" % table) % table)
            self.assertEqual(self.social("cut off").status, 500)
            self.assertEqual(self.consume(code).status, 500)
            self.assertEqual(self.app.post("/recipe/accountlinking/user/unlink", {"recipeUserId": leader}).status, 500)
        finally:
            for table in ("thirdparty_users", "passwordless_users"):
                self.sql(ALLOW.replace("refuse()", "refuse_%s()" % table) % table)
        self.assertEqual(len(self.broken()), 3, self.broken())
        # Nobody signs in again, and still:
        harness.wait_until(lambda: self.broken() == {}, 60, "users to be settled")
        # The failed attempt did not use the code up, and the user is new at the next attempt.
        self.expect(self.consume(code), createdNewUser=True)
        self.assertEqual(self.broken(), {})


if __name__ == "__main__":
    unittest.main()
