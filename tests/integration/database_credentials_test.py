"""A database's credentials go to the server that they were given with, and to no other."""
import json
import socket
import struct
import threading
import unittest
import urllib.parse

from integration import harness

PASSWORD = "the-password-of-the-base-database"


class Trap:
    """Says that it is PostgreSQL, asks for the password in clear text, and keeps whatever it is given."""

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
        # Single keys, which a tenant inherits one by one.
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
        """As an earlier version, or a core beside us, may have stored them."""
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


if __name__ == "__main__":
    unittest.main()
