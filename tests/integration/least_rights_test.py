"""Roles with the least rights that docs/running.md names, on what an administrator has prepared: schemas, tables, roles, a search_path."""
import os
import subprocess
import unittest
import uuid

from integration import harness

PASSWORD = "correct horse 1"


def tables_of(service):
    return next(row["tables"] for row in harness.SERVICE_ROWS if row["name"] == service)


# The code in libs/db is the same in both modes.
once = unittest.skipIf(harness.MODE == "split", "seen in one process")


class LeastRights(unittest.TestCase):
    def setUp(self):
        self.postgres = harness.Postgres.shared()
        self.database = self.postgres.create_database()
        self.suffix = uuid.uuid4().hex[:8]

    def role(self, name, attributes=""):
        role = "%s_%s" % (name, self.suffix)
        self.postgres.sql("CREATE ROLE %s LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE %s" % (role, attributes), self.database)
        return role

    def uri(self, role):
        return "postgresql://%s:x@127.0.0.1:%d/%s" % (role, self.postgres.port, self.database)

    def gatehouse(self, role, environment=None):
        gatehouse = harness.Gatehouse(database=self.database, environment={"POSTGRESQL_CONNECTION_URI": self.uri(role), "BCRYPT_LOG_ROUNDS": "4", **(environment or {})})
        self.addCleanup(gatehouse.kill)
        return gatehouse

    def expect(self, reply, **fields):
        self.assertEqual(reply.status, 200, reply)
        for name, value in {"status": "OK", **fields}.items():
            self.assertEqual(reply.json.get(name), value, reply)
        return reply.json

    def use(self, gatehouse):
        """Uses every service."""
        app = gatehouse.new_app()
        self.addCleanup(app.close)
        user = self.expect(app.post("/recipe/signup", {"email": "a@example.com", "password": PASSWORD}))["user"]["id"]
        self.expect(app.post("/recipe/signin", {"email": "a@example.com", "password": PASSWORD}))
        self.expect(app.post("/recipe/signinup", {"thirdPartyId": "google", "thirdPartyUserId": "g", "email": {"id": "g@example.com", "isVerified": True}}))
        code = self.expect(app.post("/recipe/signinup/code", {"email": "code@example.com"}))
        self.expect(app.post("/recipe/signinup/code/consume", {"preAuthSessionId": code["preAuthSessionId"], "linkCode": code["linkCode"]}))
        self.expect(app.post("/recipe/session", {"userId": user, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False}))
        self.expect(app.put("/recipe/role", {"role": "editor", "permissions": ["write"]}))
        self.expect(app.put("/recipe/user/role", {"userId": user, "role": "editor"}))
        self.expect(app.put("/recipe/user/metadata", {"userId": user, "metadataUpdate": {"n": 1}}))
        self.expect(app.put("/recipe/multitenancy/tenant/v2", {"tenantId": "t"}))
        self.expect(app.post("/recipe/signup", {"email": "a@example.com", "password": PASSWORD}, tenant="t"))
        # From the rows that triggers maintain.
        self.expect(app.get("/users/count"), count=3)
        self.assertEqual(len(self.expect(app.get("/users"))["users"]), 3)
        self.expect(app.post("/user/remove", {"userId": user}))
        self.expect(app.get("/users/count"), count=2)

    def schemas(self):
        return {row[0] for row in self.postgres.sql("SELECT DISTINCT schemaname FROM pg_tables WHERE tablename IN ('apps', 'session_info', 'gatehouse_listed_users')", self.database)}

    def test_a_schema_made_beforehand(self):
        owner = self.role("owner")
        self.postgres.sql("CREATE SCHEMA auth AUTHORIZATION %s" % owner, self.database)
        gatehouse = self.gatehouse(owner, {"POSTGRESQL_TABLE_SCHEMA": "auth"}).start()
        self.use(gatehouse)
        self.assertEqual(self.schemas(), {"auth"})

    @once
    def test_rights_to_a_schema_of_somebody_else(self):
        owner = self.role("owner")
        self.postgres.sql("CREATE SCHEMA auth; GRANT USAGE, CREATE ON SCHEMA auth TO %s" % owner, self.database)
        self.use(self.gatehouse(owner, {"POSTGRESQL_TABLE_SCHEMA": "auth"}).start())

    @once
    def test_a_place_that_the_roles_settings_name(self):
        owner = self.role("owner")
        self.postgres.sql("CREATE SCHEMA placed AUTHORIZATION %s; ALTER ROLE %s SET search_path = placed" % (owner, owner), self.database)
        gatehouse = self.gatehouse(owner).start()
        self.use(gatehouse)
        self.assertEqual(self.schemas(), {"placed"})

    def test_roles_of_services_made_beforehand(self):
        """The grants of docs/running.md, and no more; `gatehouse migrate` runs as an owner who may not create roles."""
        owner = self.role("owner")
        self.postgres.sql("CREATE SCHEMA auth AUTHORIZATION %s" % owner, self.database)
        environment = {"POSTGRESQL_TABLE_SCHEMA": "auth"}
        grants = []
        for service in harness.SERVICES:
            role = self.role(service)
            environment["GATEHOUSE_%s_DATABASE_USER" % service.upper()] = role
            environment["GATEHOUSE_%s_DATABASE_PASSWORD" % service.upper()] = "x"
            grants.append("GRANT USAGE ON SCHEMA auth TO %s; GRANT SELECT ON auth.gatehouse_schema_migrations TO %s" % (role, role))
            grants.append("GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %s" % (", ".join("auth." + table for table in tables_of(service)), role))
        gatehouse = self.gatehouse(owner, environment)
        gatehouse.migrate()
        self.postgres.sql("; ".join(grants), self.database)
        gatehouse.start()
        self.use(gatehouse)

    def start_fails(self, role, environment=None):
        """A start's standard error."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("POSTGRESQL_", "SUPERTOKENS_", "GATEHOUSE_"))}
        done = subprocess.run([os.path.join(harness.BIN, "gatehouse"), "start", "--port", str(harness.free_port())], capture_output=True, text=True, timeout=30,
                              env={**inherited, "POSTGRESQL_CONNECTION_URI": self.uri(role), "GATEHOUSE_ADMIN_PORT": "0", **(environment or {})})
        self.assertEqual(done.returncode, 1, done.stderr)
        return done.stderr

    @once
    def test_rights_that_are_missing_are_named(self):
        owner = self.role("owner")
        self.postgres.sql("REVOKE CREATE ON SCHEMA public FROM PUBLIC", self.database)
        said = self.start_fails(owner)
        self.assertIn("The database role lacks a right that changing tables needs: run `gatehouse migrate` as the owner of the tables", said)
        self.assertIn("permission denied for schema public", said)
        self.assertIn("permission denied for database", self.start_fails(owner, {"POSTGRESQL_TABLE_SCHEMA": "auth"}))
        self.postgres.sql("ALTER ROLE %s SET search_path = nowhere" % owner, self.database)
        self.assertIn("No schema that the database role's search_path names is there", self.start_fails(owner))
        reader = self.role("reader")
        self.postgres.sql("CREATE SCHEMA mine AUTHORIZATION %s; ALTER ROLE %s SET default_transaction_read_only = on" % (reader, reader), self.database)
        self.assertIn("the database or its role is read-only", self.start_fails(reader, {"POSTGRESQL_TABLE_SCHEMA": "mine"}))

    @once
    def test_tables_that_somebody_else_has_made(self):
        """If everything is up to date a role only needs rights to rows."""
        owner, user = self.role("owner"), self.role("plain")
        self.postgres.sql("CREATE SCHEMA auth AUTHORIZATION %s" % owner, self.database)
        self.gatehouse(owner, {"POSTGRESQL_TABLE_SCHEMA": "auth"}).migrate()
        self.postgres.sql("GRANT USAGE ON SCHEMA auth TO %s; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA auth TO %s" % (user, user), self.database)
        self.use(self.gatehouse(user, {"POSTGRESQL_TABLE_SCHEMA": "auth"}).start())


if __name__ == "__main__":
    unittest.main()
