"""The walk again, each service with a database role of its own that has rights on its own tables only."""
import unittest

from integration import harness, walk_test

SERVICES = ("tenants", "jwks", "users", "thirdparty", "passwordless", "session", "roles", "accounts")
PASSWORD = "role-password-%s"
# A table of each service, for looking over the fence.
TABLES = {"tenants": "tenant_configs", "jwks": "jwt_signing_keys", "users": "emailpassword_users", "thirdparty": "thirdparty_users", "passwordless": "passwordless_users",
          "session": "session_info", "roles": "roles", "accounts": "bulk_import_users"}


class ServiceRoles(walk_test.Walk):
    @classmethod
    def setUpClass(cls):
        environment = {}
        for service in SERVICES:
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
        for service in SERVICES:
            for owner, table in TABLES.items():
                with self.subTest(service=service, table=table):
                    allowed = self.gatehouse.postgres.sql("SET ROLE gatehouse_%s; SELECT 1 FROM %s LIMIT 1" % (service, table), self.gatehouse.database, check=False)
                    self.assertEqual(allowed is not None, service == owner)


if __name__ == "__main__":
    unittest.main()
