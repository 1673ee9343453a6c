"""What a core of 12.2 or newer finds when it takes this database over, and what we find in one of 12.3: its start-up compares tables and columns, and its activity log is a ledger.

schema_12_2.json lists the tables and columns that such a core has, whose own texts of CREATE TABLE its check reads."""
import json
import os
import subprocess
import time
import unittest

from integration import harness, older_cores

with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "schema_12_2.json"), encoding="utf-8") as f:
    SCHEMA = json.load(f)
CUSTOM = ("key_value", "session_info", "emailpassword_users", "emailpassword_pswd_reset_tokens", "emailverification_tokens", "emailverification_verified_emails", "thirdparty_users")


class NewestSchema(unittest.TestCase):
    def setUp(self):
        self.postgres = harness.Postgres.shared()
        self.database = self.postgres.create_database()

    def sql(self, text):
        return self.postgres.sql(text, self.database)

    def migrate(self, **environment):
        done = subprocess.run([os.path.join(harness.BIN, "gatehouse"), "migrate"], capture_output=True, text=True, timeout=120,
                              env={**os.environ, "POSTGRESQL_CONNECTION_URI": self.postgres.uri(self.database), "GATEHOUSE_ADMIN_PORT": "0", **environment})
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def missing(self, schema="public", name_of=lambda table: table):
        """The check: what the information schema lacks, by names in lower case."""
        found = {}
        for table, column in self.sql("SELECT lower(table_name), lower(column_name) FROM information_schema.columns WHERE table_schema = '%s'" % schema):
            found.setdefault(table, set()).add(column)
        return {table: sorted(set(columns) - found.get(name_of(table).lower(), set())) for table, columns in SCHEMA.items()
                if set(columns) - found.get(name_of(table).lower(), set())}

    def test_fresh(self):
        self.migrate()
        self.assertEqual(self.missing(), {})

    def test_with_names_of_its_own(self):
        names = {"POSTGRESQL_%s_TABLE_NAME" % table.upper(): "My_" + table for table in CUSTOM}
        self.migrate(POSTGRESQL_TABLE_SCHEMA="auth", POSTGRESQL_TABLE_NAMES_PREFIX="pre", **names)
        self.assertEqual(self.missing("auth", lambda table: "My_" + table if table in CUSTOM else "pre_" + table), {})

    def test_migrated(self):
        """What 12.0 and 12.1 added is missing in a database of 11."""
        self.sql(older_cores.tables("11.3"))
        self.assertNotEqual(self.missing(), {})
        self.migrate()
        self.assertEqual(self.missing(), {})

    def test_what_a_newer_core_keeps_for_longer(self):
        """Its log is kept as long as activity_log_retention_days says, which migrations do not know: taking the database over drops nothing."""
        self.migrate()
        self.sql("DO $$ DECLARE month timestamp := date_trunc('month', now() AT TIME ZONE 'UTC') - interval '3 months'; BEGIN"
                 " EXECUTE format('CREATE TABLE activity_log_p%s PARTITION OF activity_log FOR VALUES FROM (%s) TO (%s)', to_char(month, 'YYYYMM'),"
                 " extract(epoch FROM month)::bigint * 1000, extract(epoch FROM month + interval '1 month')::bigint * 1000); END $$;"
                 "INSERT INTO activity_log (app_id, tenant_id, event_type, status, created_at) SELECT 'public', 'public', 'sign_in', 'success',"
                 " extract(epoch FROM date_trunc('month', now() AT TIME ZONE 'UTC') - interval '3 months')::bigint * 1000;"
                 "DELETE FROM gatehouse_schema_migrations WHERE service = 'tenants' AND version > 1; DROP FUNCTION gatehouse_maintain_activity_log(integer)")
        self.migrate()
        self.assertEqual(self.sql("SELECT count(*) FROM activity_log"), [["1"]])

    def test_what_a_newer_core_had_not_copied(self):
        """user_last_active is brought up to date once when the database is taken over."""
        self.migrate()
        now = int(time.time() * 1000)
        day = 86400000
        users = ["%s-%s" % (name, "0" * (35 - len(name))) for name in ("active", "older", "newer", "linked", "primary", "stranger", "past")]
        active, older, newer, linked, primary, stranger, past = users
        self.sql("INSERT INTO apps (app_id, created_at_time) VALUES ('public', 1); ALTER TABLE activity_log ALTER COLUMN payload TYPE JSONB USING payload::jsonb;"
                 "INSERT INTO app_id_to_user_id (app_id, user_id, recipe_id, primary_or_recipe_user_id, time_joined, primary_or_recipe_user_time_joined) SELECT 'public', id, 'emailpassword', id, 1, 1"
                 " FROM unnest(ARRAY[%s]) AS id;" % ", ".join("'%s'" % user for user in users if user != stranger) +
                 "INSERT INTO user_last_active (app_id, user_id, last_active_time) VALUES ('public', '%s', 5), ('public', '%s', %d), ('public', '%s', %d);" % (older, newer, now, linked, now - 3 * day))
        rows = [(active, active, "sign_in", now - 1000), (active, active, "token_refresh", now - 2000), (older, older, "session_create", now - 3000), (newer, newer, "sign_in", now - 4000),
                (linked, primary, "account_linking", now - 5000), (stranger, stranger, "sign_in", now - 6000), (past, past, "sign_in", now - 40 * day),
                (past, past, "session_created", now - 1)]  # the last is none of that core's
        self.sql("INSERT INTO activity_log (app_id, tenant_id, recipe_user_id, primary_or_recipe_user_id, event_type, status, created_at) VALUES " +
                 ", ".join("('public', 'public', '%s', '%s', '%s', 'success', %d)" % row for row in rows))
        expected = sorted([[active, str(now - 1000)], [older, str(now - 3000)], [newer, str(now)], [primary, str(now - 5000)]])
        kept = "SELECT user_id, last_active_time FROM user_last_active ORDER BY 1"
        # As a database that never was ours, to a start: of the later migrations too, since the last one counts.
        self.sql("DELETE FROM gatehouse_schema_migrations kept USING gatehouse_schema_migrations fold WHERE fold.name LIKE '%fold_activity%'"
                 " AND kept.service = fold.service AND kept.version >= fold.version")
        gatehouse = harness.Gatehouse(mode="all-in-one", database=self.database)
        self.addCleanup(gatehouse.kill)
        gatehouse.start()
        self.assertEqual(sorted(self.sql(kept)), expected)
        client = gatehouse.client()
        self.addCleanup(client.close)
        self.assertEqual(client.get("/users/count/active", {"since": str(now - day)}).json["count"], 4)
        gatehouse.stop()
        # One that went back to the other core in between, to `migrate`.
        self.sql("UPDATE user_last_active SET last_active_time = 5 WHERE user_id = '%s'" % active)
        self.assertIn("last active times brought over from the activity log: 1", self.migrate())
        self.assertEqual(sorted(self.sql(kept)), expected)
        self.assertNotIn("last active times", self.migrate())


if __name__ == "__main__":
    unittest.main()
