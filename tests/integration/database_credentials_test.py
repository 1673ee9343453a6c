"""A database's credentials go to the server that they were configured with, and to no other."""
import json
import os
import socket
import struct
import subprocess
import threading
import unittest
import urllib.parse

from integration import harness

PASSWORD = "the-password-of-the-base-database"


class Trap:
    """Poses as PostgreSQL, asks for the password in clear text, and records what it gets."""

    def __init__(self):
        self.received, self.connections = b"", 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._talk, args=(peer,), daemon=True).start()

    def _talk(self, peer):
        with peer:
            peer.settimeout(10)
            try:
                while True:
                    length, code = struct.unpack("!II", self._read(peer, 8))
                    rest = self._read(peer, length - 8)
                    if code != 80877103:  # no request for TLS
                        self.received += rest
                        break
                    peer.sendall(b"N")
                peer.sendall(b"R" + struct.pack("!II", 8, 3))
                while data := peer.recv(4096):
                    self.received += data
            except OSError:
                pass

    @staticmethod
    def _read(peer, count):
        data = b""
        while len(data) < count:
            more = peer.recv(count - len(data))
            if not more:
                raise OSError("closed")
            data += more
        return data

    def close(self):
        self.listener.close()


class DatabaseCredentials(harness.GatehouseTest):
    @classmethod
    def setUpClass(cls):
        postgres = harness.Postgres.shared()
        uri = urllib.parse.urlparse(postgres.uri(""))
        # Individual keys, which a tenant inherits one by one.
        cls.gatehouse = harness.Gatehouse(environment={"POSTGRESQL_CONNECTION_URI": "", "POSTGRESQL_HOST": uri.hostname, "POSTGRESQL_PORT": str(uri.port),
                                                       "POSTGRESQL_USER": uri.username, "POSTGRESQL_PASSWORD": PASSWORD, "PGPASSWORD": PASSWORD})
        for process in cls.gatehouse.processes.values():
            process.environment["POSTGRESQL_DATABASE_NAME"] = cls.gatehouse.database
        cls.gatehouse.start()
        cls.addClassCleanup(cls.gatehouse.kill)

    def setUp(self):
        super().setUp()
        self.trap = Trap()
        self.addCleanup(self.trap.close)

    def configs(self):
        """Ways to send the base's credentials to the trap."""
        port = self.trap.port
        return [{"postgresql_port": port}, {"postgresql_host": "127.0.0.1", "postgresql_port": port},
                {"postgresql_host": "localhost", "postgresql_port": port, "postgresql_user": "u"},
                {"postgresql_host": "127.0.0.1", "postgresql_port": port, "postgresql_password": None, "postgresql_user": None},
                {"postgresql_connection_uri": "postgresql://127.0.0.1:%d/x" % port}, {"postgresql_connection_uri": "postgresql://u@127.0.0.1:%d/x" % port},
                {"postgresql_connection_uri": "postgresql://127.0.0.1:%d/x?sslmode=disable" % port},
                {"postgresql_host": "127.0.0.1", "postgresql_port": port, "postgresql_connection_attributes": "sslmode=disable"}]

    def test_another_server_brings_its_own(self):
        for config in self.configs():
            reply = self.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": "t", "coreConfig": config})
            self.assertEqual(reply.status, 400, (config, reply))
            self.assertIn("credentials are sent only to the server that they were given with", reply.text)
        self.assertEqual((self.trap.connections, self.trap.received), (0, b""))

    def test_nor_for_rows_that_are_there(self):
        """As an earlier version, or a core alongside us, may have stored them."""
        for number, config in enumerate(self.configs()):
            app = "old-%d" % number
            self.gatehouse.sql("INSERT INTO tenant_configs (connection_uri_domain, app_id, tenant_id, core_config, email_password_enabled, passwordless_enabled, third_party_enabled,"
                               " is_first_factors_null) VALUES ('', '%s', 'public', '%s', true, true, true, true)" % (app, json.dumps(config)))
            client = self.gatehouse.client(app=app)
            self.addCleanup(client.close)
            self.assertIn(client.get("/users/count").status, (400, 503), config)
        self.assertEqual((self.trap.connections, self.trap.received), (0, b""))

    def test_the_environments_password_is_not_for_it_either(self):
        config = {"postgresql_host": "127.0.0.1", "postgresql_port": self.trap.port, "postgresql_user": "u", "postgresql_password": ""}
        self.text(self.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": "t", "coreConfig": config}), 400,
                  "Invalid core config: the database that the configuration names can't be used")
        self.assertGreater(self.trap.connections, 0)
        self.assertNotIn(PASSWORD.encode(), self.trap.received)

    def test_the_same_server_is_inherited(self):
        own = self.gatehouse.postgres.create_database()
        for number, config in enumerate(({"postgresql_database_name": own}, {"postgresql_host": "127.0.0.1", "postgresql_database_name": own},
                                         {"postgresql_table_schema": "s"}, {"postgresql_connection_uri": self.gatehouse.postgres.uri(own)})):
            self.expect(self.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": "t%d" % number, "coreConfig": config}), createdNew=True)
            self.expect(self.app.get("/users/count", tenant="t%d" % number), count=0)

    def test_clear_text_is_refused_unless_configured(self):
        """Not even its own password, and not even by a real server, over a connection that is not encrypted."""
        own = "the-password-of-its-own"
        for attribute, shown in (("", False), ("?sslmode=disable", False), ("?require_auth=scram-sha-256", False), ("?require_auth=scram-sha-256,password", True)):
            config = {"postgresql_connection_uri": "postgresql://u:%s@127.0.0.1:%d/x%s" % (own, self.trap.port, attribute)}
            self.trap.received = b""
            self.text(self.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": "t", "coreConfig": config}), 400,
                      "Invalid core config: the database that the configuration names can't be used")
            self.assertIn(b"user", self.trap.received)
            self.assertEqual(own.encode() in self.trap.received, shown, attribute)

    def test_every_method_of_a_real_server(self):
        postgres = self.gatehouse.postgres
        methods = {"scram_role": "scram-sha-256", "md5_role": "md5", "clear_role": "password"}
        hba = os.path.join(postgres.dir, "data", "pg_hba.conf")
        with open(hba) as f:
            before = f.read()
        with open(hba, "w") as f:
            f.write("".join("host all %s 127.0.0.1/32 %s\n" % (role, method) for role, method in methods.items()) + before)
        postgres.sql("".join("SET password_encryption = '%s'; CREATE ROLE %s SUPERUSER LOGIN PASSWORD 'right';" % ("md5" if role == "md5_role" else "scram-sha-256", role)
                             for role in methods) + "SELECT pg_reload_conf()", "postgres")
        uri = "postgresql://%s:%s@127.0.0.1:%d/%s%s"
        # PostgreSQL applies the file a moment after the reload.
        harness.wait_until(lambda: subprocess.run([postgres.bin + "/psql", uri % ("scram_role", "wrong", postgres.port, "postgres", ""), "-c", "SELECT 1"],
                                                  capture_output=True, env={**os.environ, "PGPASSWORD": ""}).returncode != 0, 10, "pg_hba.conf to be read")
        for role in methods:
            for password, attribute in (("wrong", ""), ("right", ""), ("right", "?require_auth=password")):
                works = password == "right" and (role != "clear_role" or attribute != "")
                config = {"postgresql_connection_uri": uri % (role, password, postgres.port, postgres.create_database(), attribute)}
                tenant = "%s-%s%d" % (role.replace("_", "-"), password, len(attribute))
                reply = self.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": tenant, "coreConfig": config})
                self.assertEqual(reply.status, 200 if works else 400, (role, password, attribute, reply))
                if works:
                    user = self.expect(self.app.post("/recipe/signup", {"email": "a@example.com", "password": "correct horse 1"}, tenant=tenant))["user"]["id"]
                    self.assertEqual(self.expect(self.app.get("/user/id", {"userId": user}))["user"]["tenantIds"], [tenant])


if __name__ == "__main__":
    unittest.main()
