"""A database of a core before 12.0, and `gatehouse migrate` on it."""
import os
import subprocess
import unittest

from integration import harness

# Email-password users as a core before 12.0 leaves them: nothing in the registry, and no time in app_id_to_user_id.
USERS = """
INSERT INTO app_id_to_user_id (app_id, user_id, recipe_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user)
  SELECT '{app}', 'user-' || i, 'emailpassword', 'user-' || i, false FROM generate_series({first}, {last}) i;
INSERT INTO emailpassword_users (app_id, user_id, email, password_hash, time_joined)
  SELECT '{app}', 'user-' || i, 'u' || i || '@example.com', 'x', 1700000000000 + i FROM generate_series({first}, {last}) i;
INSERT INTO all_auth_recipe_users (app_id, tenant_id, user_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user, recipe_id, time_joined,
    primary_or_recipe_user_time_joined)
  SELECT '{app}', '{tenant}', 'user-' || i, 'user-' || i, false, 'emailpassword', 1700000000000 + i, 1700000000000 + i FROM generate_series({first}, {last}) i;
"""
MANY = 20000


class Migrating(unittest.TestCase):
    def setUp(self):
        self.postgres = harness.Postgres.shared()
        self.database = self.postgres.create_database()
        self.assertEqual(self.run_program("migrate").returncode, 0)
        # As the first start creates them.
        self.sql("INSERT INTO apps (app_id, created_at_time) VALUES ('public', 1) ON CONFLICT DO NOTHING;"
                 "INSERT INTO tenants (app_id, tenant_id, created_at_time) VALUES ('public', 'public', 1) ON CONFLICT DO NOTHING")

    def sql(self, text, database=None):
        return self.postgres.sql(text, database or self.database)

    def environment(self):
        return {**os.environ, "POSTGRESQL_CONNECTION_URI": self.postgres.uri(self.database), "GATEHOUSE_ADMIN_PORT": "0"}

    def run_program(self, *arguments):
        return subprocess.run([os.path.join(harness.BIN, "gatehouse")] + list(arguments), capture_output=True, text=True, env=self.environment(), timeout=300)

    def begin(self):
        return subprocess.Popen([os.path.join(harness.BIN, "gatehouse"), "migrate"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment())

    def add_users(self, first, last, app="public", tenant="public", database=None):
        self.sql(USERS.format(app=app, tenant=tenant, first=first, last=last), database)

    def assert_complete(self, count, database=None):
        rows = self.sql("""SELECT (SELECT count(*) FROM app_id_to_user_id WHERE time_joined = 0), (SELECT count(*) FROM recipe_user_account_infos),
            (SELECT count(*) FROM recipe_user_tenants), (SELECT count(*) FROM app_id_to_user_id u JOIN emailpassword_users e USING (app_id, user_id)
              WHERE u.time_joined = e.time_joined AND u.primary_or_recipe_user_time_joined = e.time_joined)""", database)
        self.assertEqual(rows, [["0", str(count), str(count), str(count)]])

    def brought_over(self, output):
        return sum(int(line.split(": ")[1].split(";")[0]) for line in output.splitlines() if line.startswith("users brought over"))
