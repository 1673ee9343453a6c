"""The walk again, each service with its own database role, which has rights on its own tables only."""
import unittest

from integration import harness, walk_test

PASSWORD = "role-password-%s"


class ServiceRoles(walk_test.Walk):
    @classmethod
    def setUpClass(cls):
        environment = {}
        for service in harness.SERVICES:
            environment["GATEHOUSE_%s_DATABASE_USER" % service.upper()] = "gatehouse_" + service
            environment["GATEHOUSE_%s_DATABASE_PASSWORD" % service.upper()] = PASSWORD % service
        cls.gatehouse = harness.Gatehouse(environment=environment)
        cls.gatehouse.migrate()
        cls.gatehouse.start()
        cls.addClassCleanup(cls.gatehouse.kill)

    def test_each_role_is_in_use(self):
        users = {row[0] for row in self.gatehouse.sql("SELECT DISTINCT usename FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")}
        self.assertIn("gatehouse_tenants", users)
        self.assertIn("gatehouse_users", users)
        self.assertNotIn("gatehouse", users)

    def test_no_role_reads_another_services_tables(self):
        for service in harness.SERVICES:
            for row in harness.SERVICE_ROWS:
                owner, table = row["name"], row["tables"][0]
                with self.subTest(service=service, table=table):
                    allowed = self.gatehouse.postgres.sql("SET ROLE gatehouse_%s; SELECT 1 FROM %s LIMIT 1" % (service, table), self.gatehouse.database, check=False)
                    self.assertEqual(allowed is not None, service == owner)

    def test_nothing_of_the_callers_runs_with_the_owners_rights(self):
        """A function with the owner's rights names all with its schema, or has a search path of its own: names of types are looked up among the caller's temporary ones first."""
        without_path = self.gatehouse.sql("SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace AND prosecdef AND NOT coalesce(proconfig::text LIKE '%search_path=%', false) ORDER BY 1")
        self.assertEqual([name for (name,) in without_path], ["gatehouse_primary_user_id", "gatehouse_resolve_user_id"])
        trap = "SET ROLE gatehouse_%s; CREATE FUNCTION pg_temp.trap(v text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'called as %%', current_user; END $$;" % harness.SERVICES[0]
        for name in ("bpchar", "varchar", "text", "bool", "boolean", "record", "character", "int4"):
            trap += 'CREATE DOMAIN pg_temp."%s" AS pg_catalog.text CHECK (pg_temp.trap(value));' % name
        # What is computed for each row needs one.
        user = self.expect(self.app.post("/recipe/signup", {"email": "trap@example.com", "password": "x1234567"}))["user"]["id"]
        for call in ("gatehouse_primary_user_id('%s', '%s')", "(gatehouse_resolve_user_id('%s', '%s')).primary_id"):
            with self.subTest(call):
                found = self.gatehouse.postgres.sql(trap + "SELECT " + call % (self.app.app, user), self.gatehouse.database, check=False)
                self.assertIsNotNone(found, "the trap was called")
                self.assertEqual(found, [[user]])

    def test_each_role_has_the_rights_to_its_rows_and_no_more(self):
        """On every table and view of the database, whichever service owns it."""
        owners = {table: row["name"] for row in harness.SERVICE_ROWS for table in row["tables"]}
        rights = self.gatehouse.sql("""
            SELECT replace(r.rolname, 'gatehouse_', ''), c.relname, string_agg(p, ' ' ORDER BY p) FROM pg_class c, pg_roles r,
              unnest(ARRAY['DELETE', 'INSERT', 'REFERENCES', 'SELECT', 'TRIGGER', 'TRUNCATE', 'UPDATE']) p
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND r.rolname LIKE 'gatehouse\\_%'
              AND has_table_privilege(r.oid, c.oid, p) GROUP BY 1, 2""")
        expected = {(owner, table): "DELETE INSERT SELECT UPDATE" for table, owner in owners.items()}
        expected.update({(service, "gatehouse_schema_migrations"): "SELECT" for service in harness.SERVICES})
        self.assertEqual({(service, table): text for service, table, text in rights}, expected)


if __name__ == "__main__":
    unittest.main()
