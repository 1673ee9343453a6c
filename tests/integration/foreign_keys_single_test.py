"""Whoever removes a row that others refer to makes PostgreSQL look for those: without an index it reads their whole table."""
import unittest

from integration import harness

# Foreign keys whose columns no index begins with.
WITHOUT = """
SELECT c.conrelid::regclass, (SELECT string_agg(a.attname, ', ' ORDER BY k.place) FROM unnest(c.conkey) WITH ORDINALITY k(number, place)
  JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.number)
FROM pg_constraint c WHERE c.contype = 'f' AND c.connamespace = 'public'::regnamespace AND NOT EXISTS (
  SELECT FROM pg_index i WHERE i.indrelid = c.conrelid AND i.indisvalid AND i.indpred IS NULL AND (i.indkey::int2[])[0:cardinality(c.conkey) - 1] @> c.conkey)
ORDER BY 1, 2"""
# The original's schema, and why it is enough.
ENOUGH = [
    ["webauthn_credentials", "app_id, user_id"],  # has an index on the user's id, which is random: one user's rows
    ["oauth_logout_challenges", "app_id, client_id"],  # a client is seldom removed, and rows live for minutes
]
TOKENS = """SET session_replication_role = replica;
INSERT INTO webauthn_account_recovery_tokens (app_id, tenant_id, user_id, email, token, expires_at)
SELECT '%(app)s', 'public', md5(i::text)::uuid::text, 'a@example.com', md5(i::text), 4000000000000 FROM generate_series(1, %(rows)d) i; ANALYZE webauthn_account_recovery_tokens"""
PAGES = """SELECT coalesce(sum(shared_blks_hit + shared_blks_read), 0) FROM pg_stat_statements
WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND query LIKE 'DELETE FROM ONLY%webauthn_account_recovery_tokens%'"""


class ForeignKeys(harness.GatehouseTest):
    @classmethod
    def setUpClass(cls):
        cls.postgres = harness.Postgres(settings=["shared_preload_libraries=pg_stat_statements", "pg_stat_statements.track=all"])
        cls.addClassCleanup(cls.postgres.stop)
        database = cls.postgres.create_database()
        cls.postgres.sql("CREATE EXTENSION pg_stat_statements", database)
        cls.gatehouse = harness.Gatehouse(environment={"BCRYPT_LOG_ROUNDS": "4"}, postgres=cls.postgres, database=database).start()
        cls.addClassCleanup(cls.gatehouse.kill)

    def test_indexes(self):
        self.assertCountEqual(self.gatehouse.sql(WITHOUT), ENOUGH)

    def test_removal_of_a_user(self):
        """Of any recipe, among many recovery tokens of others."""
        self.gatehouse.sql(TOKENS % {"app": self.app.app, "rows": 20000})
        user = self.expect(self.app.post("/recipe/signup", {"email": "a@example.com", "password": "correct horse 1"}))["recipeUserId"]
        before = int(self.gatehouse.sql(PAGES)[0][0])
        self.expect(self.app.post("/user/remove", {"userId": user}))
        pages = int(self.gatehouse.sql(PAGES)[0][0]) - before
        self.assertGreater(pages, 0)
        self.assertLess(pages, 20)


if __name__ == "__main__":
    unittest.main()
