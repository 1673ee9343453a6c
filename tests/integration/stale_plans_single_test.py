"""A plan that was made for few users must not cost much once there are many: statistics are older than the rows while users are moved in, or where autovacuum has too much to do."""
import unittest

from integration import harness

FEW, MANY = 2000, 20000
TIMES = 8  # a connection keeps a plan from the sixth time on
PAGES = 400
ROWS = """
SET session_replication_role = replica;
CREATE TEMP TABLE made AS SELECT i, md5('user' || i)::uuid::text AS id, 'user' || i || '@example.com' AS email FROM generate_series(%(first)d, %(last)d) i;
INSERT INTO app_id_to_user_id (app_id, user_id, recipe_id, primary_or_recipe_user_id, is_linked_or_is_a_primary_user, time_joined, primary_or_recipe_user_time_joined)
SELECT '%(app)s', id, 'emailpassword', id, false, i, i FROM made;
INSERT INTO recipe_user_account_infos (app_id, recipe_user_id, recipe_id, account_info_type, account_info_value, third_party_id, third_party_user_id)
SELECT '%(app)s', id, 'emailpassword', 'email', email, '', '' FROM made;
INSERT INTO recipe_user_tenants (app_id, recipe_user_id, tenant_id, recipe_id, account_info_type, account_info_value, third_party_id, third_party_user_id)
SELECT '%(app)s', id, 'public', 'emailpassword', 'email', email, '', '' FROM made;
SELECT gatehouse_recount_users();
"""
COUNTS = """SELECT left(regexp_replace(query, '\\s+', ' ', 'g'), 120), (sum(shared_blks_hit + shared_blks_read) / sum(calls))::bigint FROM pg_stat_statements
WHERE query ~ '^\\s*(SELECT|WITH|INSERT|UPDATE|DELETE)' AND query !~ 'pg_stat_statements|gatehouse_(recount|next_login|mend|settle|maintain)|FROM made' GROUP BY 1"""


class StalePlans(unittest.TestCase):
    def test_users(self):
        postgres = harness.Postgres(settings=["autovacuum=off", "shared_preload_libraries=pg_stat_statements"])
        self.addCleanup(postgres.stop)
        database = postgres.create_database()
        postgres.sql("CREATE EXTENSION pg_stat_statements", database)
        # Of two connections one listens: the other keeps the plans of all requests.
        environment = {"POSTGRESQL_CONNECTION_POOL_SIZE": "2", "POSTGRESQL_IDLE_CONNECTION_TIMEOUT": "3600000", "BCRYPT_LOG_ROUNDS": "4"}
        gatehouse = harness.Gatehouse(mode="all-in-one", postgres=postgres, database=database, environment=environment).start()
        self.addCleanup(gatehouse.kill)
        app = gatehouse.new_app()
        self.addCleanup(app.close)

        def use(prefix):
            for number in range(TIMES):
                body = {"email": "%s%d@example.com" % (prefix, number), "password": "correct horse 1"}
                user = app.post("/recipe/signup", body).json["recipeUserId"]
                for path, change in (("/recipe/user", {"recipeUserId": user, "email": "new" + body["email"]}), ("/user/remove", {"userId": user})):
                    reply = (app.put if path == "/recipe/user" else app.post)(path, change)
                    self.assertEqual((reply.status, reply.json["status"]), (200, "OK"), reply)
        with postgres.session(database) as session:
            # Nobody gathers statistics meanwhile.
            session.run("SELECT pg_advisory_lock(hashtext('gatehouse_gather_statistics'));")
            use("empty")
            gatehouse.sql(ROWS % {"first": 1, "last": FEW, "app": app.app} + "ANALYZE")
            use("few")
            gatehouse.sql(ROWS % {"first": FEW + 1, "last": MANY, "app": app.app})
            gatehouse.sql("SELECT pg_stat_statements_reset()")
            use("many")
            self.assertEqual({query: pages for query, pages in gatehouse.sql(COUNTS) if int(pages) > PAGES}, {})

    def test_gathering_waits_for_no_lock(self):
        gatehouse = harness.Gatehouse(mode="all-in-one").start()
        self.addCleanup(gatehouse.kill)
        with gatehouse.postgres.session(gatehouse.database) as session:
            session.run("BEGIN; LOCK TABLE roles IN ACCESS EXCLUSIVE MODE;")
            # While the process itself gathers some it is NULL, too; its own wait would end the statement.
            self.assertEqual(gatehouse.sql("SET statement_timeout = '2s'; SELECT gatehouse_gather_statistics('{roles}') IS NULL"), [["t"]])
            waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            harness.wait_until(lambda: gatehouse.sql(waiting) == [["0"]], 5, "nobody to wait for the table")
            session.run("ROLLBACK;")


if __name__ == "__main__":
    unittest.main()
