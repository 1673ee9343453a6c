"""`gatehouse migrate` on users of a core before 12.0: killed in the middle, run twice at once, with conflicts, and in the databases that tenants name."""
import os
import subprocess
import unittest

from integration import harness, migrating

MANY = migrating.MANY


class Migrate(migrating.Migrating):
    def test_killed_in_the_middle_and_run_again(self):
        self.add_users(1, MANY)
        running = self.begin()
        self.assertTrue(any("users brought over" in line for line in iter(running.stdout.readline, "")))  # after the first batch
        running.kill()
        running.communicate()
        pending = int(self.sql("SELECT count(*) FROM app_id_to_user_id WHERE time_joined = 0")[0][0])
        self.assertTrue(0 < pending < MANY, pending)
        # Meanwhile nothing serves: the remaining users would be invisible.
        refused = self.run_program("start", "--port", str(harness.free_port()))
        self.assertEqual(refused.returncode, 1, refused.stderr)
        self.assertIn("gatehouse migrate", refused.stderr)
        again = self.run_program("migrate")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assert_complete(MANY)

    def test_two_at_once(self):
        self.add_users(1, MANY)
        runs = [self.begin(), self.begin()]
        outputs = [run.communicate(timeout=300) for run in runs]
        self.assertEqual([run.returncode for run in runs], [0, 0], outputs)
        self.assertEqual(sum(self.brought_over(out) for out, _ in outputs), MANY)
        self.assert_complete(MANY)

    def test_conflicts_are_named_and_show_in_the_exit_status(self):
        self.add_users(1, 3)
        self.sql("UPDATE emailpassword_users SET email = 'u1@example.com' WHERE user_id = 'user-3'")
        done = self.run_program("migrate")
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertIn("conflict in app public, tenant public: the email of user user-3 belongs to user-1 already", done.stdout)
        self.assertIn("users brought over: 3; in no tenant: 1; ids without a login method: 0; conflicts: 1", done.stdout)
        self.assertNotIn("@", done.stdout + done.stderr)
        again = self.run_program("migrate")
        self.assertEqual(again.returncode, 0, again.stderr)

    def start(self):
        gatehouse = harness.Gatehouse(mode="all-in-one", database=self.database)
        self.addCleanup(gatehouse.kill)
        return gatehouse.start()

    def test_databases_that_tenants_name(self):
        own, away = self.postgres.create_database(), self.postgres.create_database()
        gatehouse = self.start()
        app = gatehouse.new_app({"postgresql_connection_uri": self.postgres.uri(own)})
        # Two tenants of one database, which is handled once; one in its own schema.
        self.assertEqual(app.put("/recipe/multitenancy/tenant/v2", {"tenantId": "t"}).status, 200)
        self.assertEqual(app.put("/recipe/multitenancy/tenant/v2", {"tenantId": "s", "coreConfig": {"postgresql_table_schema": "s"}}).status, 200)
        self.addCleanup(app.close)
        gone = gatehouse.new_app({"postgresql_connection_uri": self.postgres.uri(away)})
        gatehouse.stop()
        self.add_users(1, 10, app.app, "public", own)
        self.add_users(11, 20, app.app, "t", own)

        refused = self.run_program("start", "--port", str(harness.free_port()))
        self.assertEqual(refused.returncode, 1, refused.stderr)
        self.assertIn("of tenant (, %s, " % app.app, refused.stderr)
        self.assertIn("gatehouse migrate", refused.stderr)

        # One that can't be reached is named, and does not prevent the others.
        self.sql('ALTER DATABASE "%s" ALLOW_CONNECTIONS false' % away, "postgres")
        done = self.run_program("migrate")
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("the database of tenant (, %s, public) was left out" % gone.app, done.stderr)
        self.assertIn("users brought over: 20;", done.stdout)
        self.assert_complete(20, own)
        # Nor from being served.
        gatehouse.start()
        client = harness.Client(gatehouse.port, app=app.app)
        self.addCleanup(client.close)
        self.assertEqual(client.get("/users/count").json["count"], 10)
        self.assertEqual(client.get("/users/count", tenant="t").json["count"], 10)
        self.assertEqual(client.get("/recipe/user", {"email": "u7@example.com"}).json["user"]["id"], "user-7")
        self.assertEqual(gatehouse.once("GET", "/appid-%s/users/count" % gone.app).status, 503)
        gatehouse.stop()

        self.sql('ALTER DATABASE "%s" ALLOW_CONNECTIONS true' % away, "postgres")
        again = self.run_program("migrate")
        self.assertEqual(again.returncode, 0, again.stderr)
        self.assertEqual(again.stdout.count("the database of tenant"), 3, again.stdout)

    def test_services_with_roles_of_their_own_look_too(self):
        """They may not change tables, but refuse to serve what they can't read."""
        empty = self.postgres.create_database()
        roles = {"GATEHOUSE_USERS_DATABASE_USER": "gatehouse_users", "GATEHOUSE_USERS_DATABASE_PASSWORD": "p"}
        migrated = subprocess.run([os.path.join(harness.BIN, "gatehouse"), "migrate"], capture_output=True, text=True, env={**self.environment(), **roles}, timeout=120)
        self.assertEqual(migrated.returncode, 0, migrated.stderr)
        environment = {**self.environment(), **roles, "GATEHOUSE_USERS_ADDRESS": "unix:/tmp/none-%d.sock" % os.getpid()}
        if not os.path.exists(os.path.join(harness.BIN, "gatehouse-users")):
            self.skipTest("*** NOT CHECKED: roles of services; gatehouse-users is not built ***")
        environment["POSTGRESQL_CONNECTION_URI"] = self.postgres.uri(empty)
        users = subprocess.run([os.path.join(harness.BIN, "gatehouse-users")], capture_output=True, text=True, env=environment, timeout=60)
        self.assertEqual(users.returncode, 1, users.stderr)
        self.assertIn("gatehouse migrate", users.stderr)


if __name__ == "__main__":
    unittest.main()
