"""A new database fills up before PostgreSQL gathers its first statistics, which autovacuum does within a minute: what a sign-up reads must not grow with the square of the users' number."""
import json
import os
import re
import tempfile
import unittest

from integration import harness

USERS = 2000
# By a plan that was made for empty tables an index of the app's rows may be read from end to end.
PAGES_A_USER = 3
ROWS = """
SET auto_explain.log_min_duration = -1; SET session_replication_role = replica;
CREATE TEMP TABLE made AS SELECT i, md5('user' || i)::uuid::text AS id, 'user' || i || '@example.com' AS email FROM generate_series(1, %(users)d) i;
INSERT INTO app_id_to_user_id (app_id, user_id, recipe_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user, time_joined, primary_or_recipe_user_time_joined)
SELECT '%(app)s', id, 'emailpassword', id, false, i, i FROM made;
INSERT INTO recipe_user_account_infos (app_id, recipe_user_id, recipe_id, account_info_type, account_info_value, third_party_id, third_party_user_id)
SELECT '%(app)s', id, 'emailpassword', 'email', email, '', '' FROM made;
INSERT INTO recipe_user_tenants (app_id, recipe_user_id, tenant_id, recipe_id, account_info_type, account_info_value, third_party_id, third_party_user_id)
SELECT '%(app)s', id, 'public', 'emailpassword', 'email', email, '', '' FROM made;
SELECT gatehouse_recount_users();
"""


class FirstMinute(unittest.TestCase):
    def setUp(self):
        self.log = tempfile.NamedTemporaryFile(prefix="gatehouse-plans-")
        self.addCleanup(self.log.close)
        os.chmod(self.log.name, 0o666)  # the server does not run as root
        postgres = harness.Postgres(log=self.log, settings=(
            "autovacuum=off", "session_preload_libraries=auto_explain", "auto_explain.log_min_duration=0", "auto_explain.log_analyze=on", "auto_explain.log_buffers=on",
            "auto_explain.log_timing=off", "auto_explain.log_nested_statements=on", "auto_explain.log_format=json"))
        self.addCleanup(postgres.stop)
        # Of two connections one listens: the other keeps the plans of all requests.
        self.gatehouse = harness.Gatehouse(mode="all-in-one", postgres=postgres, environment={"POSTGRESQL_CONNECTION_POOL_SIZE": "2"}).start()
        self.addCleanup(self.gatehouse.kill)

    def test_pages(self):
        app = self.gatehouse.new_app()
        self.addCleanup(app.close)

        def sign_up(name):
            body = {"thirdPartyId": "google", "thirdPartyUserId": name, "email": {"id": name + "@example.com", "isVerified": True}}
            reply = app.post("/recipe/signinup", body)
            self.assertEqual((reply.status, reply.json["createdNewUser"]), (200, True), reply)
        for number in range(9):  # a connection keeps a plan from the sixth time on
            sign_up("before%d" % number)
        self.gatehouse.sql(ROWS % {"users": USERS, "app": app.app})
        begin = os.path.getsize(self.log.name)
        for number in range(3):
            sign_up("after%d" % number)
        with open(self.log.name, encoding="utf-8", errors="replace") as f:
            f.seek(begin)
            parts = re.split(r"LOG:  duration: [0-9.]+ ms  plan:\n", f.read())[1:]
        listed = []
        for part in parts:
            statement = json.loads(part[:part.index("\n\t}") + 3])
            if statement["Query Text"].strip().startswith("SELECT public.gatehouse_list_groups("):
                listed.append(statement["Plan"]["Shared Hit Blocks"] + statement["Plan"]["Shared Read Blocks"])
        self.assertEqual(len(listed), 3)
        self.assertLess(max(listed), PAGES_A_USER * USERS)


if __name__ == "__main__":
    unittest.main()
