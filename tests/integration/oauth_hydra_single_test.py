"""`gatehouse migrate --hydra-dsn`: what only the Hydra behind an older core has goes on working here."""
import os
import secrets
import subprocess
import tempfile
import unittest

from integration import harness, hydra
from integration.oauth_browser import CALLBACK, ISSUER, O, OAuthTest, basic, parameters
from integration.oauth_clients_test import claims

SECRET, OLD_SECRET = "the-system-secret-of-hydra", "the-one-that-it-had-before"
FULL = {"clientName": "All of it", "tokenEndpointAuthMethod": "client_secret_post", "audience": ["https://api.example.com"], "postLogoutRedirectUris": ["https://app.example.com/bye"],
        "allowedCorsOrigins": ["https://app.example.com"], "policyUri": "https://app.example.com/policy", "tosUri": "https://app.example.com/tos", "clientUri": "https://app.example.com",
        "logoUri": "https://app.example.com/logo", "metadata": {"ours": {"deep": [1, {"a": None}]}}, "authorizationCodeGrantAccessTokenLifespan": "1h30m0s",
        "authorizationCodeGrantIdTokenLifespan": "2h0m0s", "authorizationCodeGrantRefreshTokenLifespan": "3h0m0s", "clientCredentialsGrantAccessTokenLifespan": "4h0m0s",
        "implicitGrantAccessTokenLifespan": "5h0m0s", "implicitGrantIdTokenLifespan": "6h0m0s", "refreshTokenGrantIdTokenLifespan": "7h0m0s",
        "refreshTokenGrantAccessTokenLifespan": "8m0s", "refreshTokenGrantRefreshTokenLifespan": "9h0m0s",
        "grantTypes": ["authorization_code", "refresh_token", "client_credentials"]}
TIMES = ("createdAt", "updatedAt")
OURS = ("gatehouse_oauth_clients", "gatehouse_oauth_grants", "gatehouse_oauth_rotated_tokens")


class OAuthHydra(OAuthTest):
    mode = "all-in-one"

    def setUp(self):
        super().setUp()
        self.hydra = "hydra_" + secrets.token_hex(6)
        self.gatehouse.sql("CREATE DATABASE " + self.hydra)
        self.fill(hydra.TABLES)
        self.owner = "_" + self.app.app
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.secret_file, self.dsn_file = (os.path.join(directory.name, name) for name in ("secret", "dsn"))
        with open(self.secret_file, "w", encoding="utf-8") as file:
            file.write("%s\n%s\n" % (SECRET, OLD_SECRET))
        with open(self.dsn_file, "w", encoding="utf-8") as file:
            # With parameters that only Hydra's driver knows.
            file.write("postgres://gatehouse@127.0.0.1:%d/%s?sslmode=disable&max_conns=4&max_conn_lifetime=1m\n" % (self.gatehouse.postgres.port, self.hydra))
        self.addCleanup(self.gatehouse.sql, "DROP DATABASE " + self.hydra)
        # Other tests' runs would name them.
        self.addCleanup(self.gatehouse.sql, "DELETE FROM oauth_clients WHERE app_id = '%s'" % self.app.app)

    def fill(self, *statements):
        self.gatehouse.postgres.sql("\n".join(statements), self.hydra)

    def migrate(self, *arguments, status=0, files=None, **environment):
        settings = dict(next(iter(self.gatehouse.processes.values())).environment, **environment)
        for name in ("GATEHOUSE_ADMIN_PORT", "GATEHOUSE_TEST_MODE"):
            settings.pop(name, None)
        # As in test mode, in which the clients were made.
        settings["OAUTH_CLIENT_SECRET_ENCRYPTION_KEY"] = "clientsecretencryptionkey"
        settings.update(environment)
        if files is None:
            files = ["--hydra-dsn-file", self.dsn_file, "--hydra-system-secret-file", self.secret_file]
        done = subprocess.run([os.path.join(harness.BIN, "gatehouse"), "migrate", *files, *arguments], env={**os.environ, **settings}, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        for secret in (SECRET, OLD_SECRET, "st_rt_"):
            self.assertNotIn(secret, done.stdout + done.stderr)
        return done.stdout if status != 1 else done.stderr

    def shown(self, client):
        return self.expect(self.app.get(O + "/clients", query={"clientId": client["clientId"]}))

    def forget(self):
        """The app as in a core's database."""
        of_app = {"app": self.app.app}
        self.gatehouse.sql("DELETE FROM gatehouse_oauth_clients WHERE app_id = '%(app)s'; DELETE FROM gatehouse_oauth_rotated_tokens WHERE app_id = '%(app)s';"
                           "DELETE FROM gatehouse_oauth_grants WHERE gid IN (SELECT gid FROM oauth_sessions WHERE app_id = '%(app)s')" % of_app)

    def gid(self, tokens):
        return claims(tokens["access_token"])["gid"]

    def rows_of_ours(self):
        return [sorted(self.gatehouse.sql("SELECT * FROM " + table)) for table in OURS]

    def post(self, client, **body):
        """A token request in the client's own way."""
        request = {"iss": ISSUER, "inputBody": body, "access_token": {}, "id_token": {}}
        if client["tokenEndpointAuthMethod"] == "client_secret_basic":
            request["authorizationHeader"] = basic(client["clientId"], client["clientSecret"])
        else:
            body["client_id"] = client["clientId"]
            if "clientSecret" in client:
                body["client_secret"] = client["clientSecret"]
        return self.app.post(O + "/token", request).json

    def refresh(self, client, token, connection=None):
        return self.post(client, grant_type="refresh_token", refresh_token=token)

    def test_clients_are_as_they_were(self):
        made = [self.client(), self.client(**FULL), self.client(tokenEndpointAuthMethod="none"), self.client(enableRefreshTokenRotation=True)]
        before = [self.shown(client) for client in made]
        self.forget()
        self.fill(*(hydra.client_row(client, self.owner) for client in before))
        self.assertEqual(self.shown(made[0])["redirectUris"], [])
        nothing = self.rows_of_ours()
        said = self.migrate("--dry-run")
        for client in made:
            self.assertIn("OAuth client %s of app %s would be taken" % (client["clientId"], self.app.app), said)
        self.assertEqual(self.rows_of_ours(), nothing)
        self.assertIn("Taken from Hydra: 4 clients, 0 refresh tokens.", self.migrate())
        for client in before:
            after = self.shown(client)
            self.assertEqual({k: v for k, v in after.items() if k not in TIMES}, {k: v for k, v in client.items() if k not in TIMES})
            self.assertEqual([after[k] for k in TIMES], ["2025-01-02T03:04:05Z", "2025-02-03T04:05:06.789Z"])
        full = made[1]
        tokens = self.post(full, grant_type="client_credentials")
        self.assertEqual(tokens["expires_in"], 4 * 3600)
        self.assertEqual(self.post({**full, "clientSecret": "another-secret"}, grant_type="client_credentials")["error"], "invalid_client")
        # What is here already stays as it is, also what has changed here.
        self.expect(self.app.put(O + "/clients", {"clientId": full["clientId"], "clientName": "New"}))
        taken = self.rows_of_ours()
        self.assertIn("Taken from Hydra: 0 clients, 0 refresh tokens.", self.migrate())
        self.assertEqual(self.rows_of_ours(), taken)

    def test_refresh_tokens_go_on(self):
        plain, public = self.client(), self.client(tokenEndpointAuthMethod="none")
        rotating, rotated = self.client(enableRefreshTokenRotation=True), self.client(enableRefreshTokenRotation=True)
        clients = (plain, public, rotating, rotated)
        first = {client["clientId"]: self.redeemed(client) for client in clients}
        old = {name: tokens["refresh_token"] for name, tokens in first.items()}
        data = {name: hydra.session(claims(tokens["id_token"]), self.gid(tokens)) for name, tokens in first.items()}
        # Each refresh of a client without rotation replaced the token that Hydra knows, not the client's.
        internal, replaced = ("st_rt_%s.%s" % (secrets.token_hex(21), secrets.token_hex(21)) for _ in range(2))
        self.gatehouse.sql("UPDATE oauth_sessions SET internal_refresh_token = '%s' WHERE gid = '%s'" % (internal, self.gid(first[plain["clientId"]])))
        self.fill(*(hydra.client_row(self.shown(client), self.owner) for client in clients))
        (plain_id, public_id, rotating_id, rotated_id) = (client["clientId"] for client in clients)
        self.fill(hydra.token_row(old[plain_id], plain_id, "1", "none", active=False),
                  hydra.token_row(internal, plain_id, "1", hydra.encrypt(data[plain_id], SECRET)),
                  hydra.token_row(old[public_id], public_id, "2", data[public_id], audience="https://api.example.com"),
                  hydra.token_row(old[rotating_id], rotating_id, "3", hydra.encrypt(data[rotating_id], OLD_SECRET)),
                  hydra.token_row(old[rotated_id], rotated_id, "4", hydra.encrypt(data[rotated_id], SECRET)),
                  hydra.token_row(replaced, rotated_id, "4", "none", active=False))
        self.forget()
        self.assertEqual(self.refresh(plain, old[plain_id])["error"], "token_inactive")
        nothing = self.rows_of_ours()
        self.assertIn("Would take from Hydra: 4 clients, 4 refresh tokens.", self.migrate("--dry-run"))
        self.assertEqual(self.rows_of_ours(), nothing)
        self.assertIn("Taken from Hydra: 4 clients, 4 refresh tokens.", self.migrate())
        taken = self.rows_of_ours()
        self.assertIn("Taken from Hydra: 0 clients, 0 refresh tokens.", self.migrate())
        self.assertEqual(self.rows_of_ours(), taken)

        for client in (plain, public):
            before = first[client["clientId"]]
            for _ in range(2):
                new = self.refresh(client, before["refresh_token"])
                self.assertEqual(new["status"], "OK", new)
                self.assertNotIn("refresh_token", new)
            access, identity, was = claims(new["access_token"]), claims(new["id_token"]), claims(before["id_token"])
            self.assertEqual([access[k] for k in ("gid", "sub", "tId", "rsub", "sessionHandle", "scp", "client_id", "iss")],
                             [self.gid(before), "user", "public", "rsub", "handle", ["openid", "offline_access"], client["clientId"], ISSUER])
            self.assertEqual(access.get("aud"), "https://api.example.com" if client is public else None)
            self.assertEqual([identity[k] for k in ("nonce", "sid", "sub")], [was[k] for k in ("nonce", "sid", "sub")])
            self.assertEqual([identity[k] for k in ("acr", "amr", "auth_time", "rat")], ["level", ["pwd", "otp"], 1735787045, 1735787044])
            # An access token from before the move is alive too.
            self.assertTrue(self.active(before["access_token"]))
            self.assertEqual(self.expect(self.app.post(O + "/introspect", {"token": before["refresh_token"]}))["scope"], "openid offline_access")

        # Reuse of a token that was replaced here, and of one that Hydra had replaced.
        self.assertEqual(self.refresh(plain, old[rotating_id])["error"], "invalid_grant")
        new = self.refresh(rotating, old[rotating_id])
        self.assertEqual(new["status"], "OK", new)
        for client, reused, alive in ((rotating, old[rotating_id], new["refresh_token"]), (rotated, replaced, old[rotated_id])):
            self.assertTrue(self.active(alive))
            self.assertEqual(self.refresh(client, reused)["error"], "token_inactive")
            self.assertFalse(self.active(alive))

    def redeemed(self, client):
        """Tokens of a code, whichever way the client authenticates."""
        if client["tokenEndpointAuthMethod"] == "client_secret_basic":
            return self.tokens(client)
        return self.post(client, grant_type="authorization_code", code=parameters(self.answer(client))["code"], redirect_uri=CALLBACK)

    def test_what_can_not_be_taken_is_named(self):
        names = ("whole", "notList", "notJson", "pairwise", "jwt", "elsewhere", "noSecret", "otherKey")
        made = {name: self.client(clientId=name + secrets.token_hex(4)) for name in names}
        shown = {name: self.shown(client) for name, client in made.items()}
        grants = ("live", "ended", "unknown", "expired", "foreign", "another", "broken", "unreadable")
        tokens = {name: self.tokens(made["whole"]) for name in grants}
        gids = {name: self.gid(one) for name, one in tokens.items()}
        data = {name: hydra.session(claims(one["id_token"]), gids[name], "2001-01-01T00:00:00Z" if name == "expired" else "2099-01-01T00:00:00Z") for name, one in tokens.items()}
        self.forget()
        whole = made["whole"]["clientId"]
        rows = {name: hydra.client_row(client, self.owner) for name, client in shown.items() if name != "elsewhere"}
        self.fill(*rows.values(), hydra.client_row({**shown["whole"], "clientId": "nobodys"}, "other_app"),
                  *("UPDATE hydra_client SET %s WHERE id = '%s';" % (change, made[name]["clientId"]) for name, change in (
                      ("notList", "redirect_uris = '{\"a\": 1}'"), ("notJson", "grant_types = '[1, null]', created_at = 'infinity', updated_at = '294276-12-31'"), ("pairwise", "subject_type = 'pairwise'"),
                      ("jwt", "token_endpoint_auth_method = 'private_key_jwt'"))),
                  hydra.token_row(tokens["live"]["refresh_token"], whole, "1", data["live"]),
                  hydra.token_row(tokens["ended"]["refresh_token"], whole, "2", data["ended"], active=False),
                  hydra.token_row(tokens["expired"]["refresh_token"], whole, "3", data["expired"]),
                  hydra.token_row(tokens["foreign"]["refresh_token"], "nobodys", "4", data["foreign"]),
                  hydra.token_row(tokens["another"]["refresh_token"], whole, "5", data["live"]),
                  hydra.token_row(tokens["broken"]["refresh_token"], whole, "6", '{"id_token": {"expires_at": [' + "[" * 5000),
                  hydra.token_row(tokens["unreadable"]["refresh_token"], whole, "7", hydra.encrypt(data["unreadable"], "a-secret-that-nobody-has")))
        self.gatehouse.sql("UPDATE oauth_clients SET client_secret = NULL WHERE client_id = '%s'; UPDATE oauth_clients SET client_secret = 'damaged' WHERE client_id = '%s'"
                           % (made["noSecret"]["clientId"], made["otherKey"]["clientId"]))
        said = self.migrate(status=3)
        for name, why in (("notList", "is not taken: redirect_uris is not a list"), ("notJson", "is not taken: grant_types is not a list of texts"), ("pairwise", "Subject type pairwise"),
                          ("jwt", "is not taken: it authenticates by private_key_jwt"), ("elsewhere", "is not taken: Hydra does not have it"), ("noSecret", "is taken, but its secret is not"),
                          ("otherKey", "is taken, but can't authenticate")):
            self.assertRegex(said, "(?m)^OAuth client %s of app %s .*%s" % (made[name]["clientId"], self.app.app, why))
        for name, why in (("foreign", "another client"), ("another", "another grant"), ("broken", "its session has no valid form")):
            self.assertRegex(said, "(?m)^refresh token of grant %s of OAuth client %s .*%s" % (gids[name], whole, why))
        self.assertIn("refresh tokens of OAuth client %s of app %s not taken: 3 have ended in Hydra" % (whole, self.app.app), said)
        self.assertRegex(said, "not taken: 1 can't be read: no system secret")
        self.assertIn("Hydra's client nobodys is not taken: no app here has it (owner other_app)", said)
        self.assertIn("Taken from Hydra: 3 clients, 1 refresh token.", said)
        self.assertEqual([name for name in grants if self.refresh(made["whole"], tokens[name]["refresh_token"])["status"] == "OK"], ["live"])
        # With the right secret the next run takes the rest.
        with open(self.secret_file, "a", encoding="utf-8") as file:
            file.write("a-secret-that-nobody-has\n")
        self.assertIn("Taken from Hydra: 0 clients, 1 refresh token.", self.migrate(status=3))
        self.assertEqual(self.refresh(made["whole"], tokens["unreadable"]["refresh_token"])["status"], "OK")

    def test_a_dry_run_reads_an_older_cores_tables(self):
        """They lack the tables that the import writes, and may lack the secrets' column."""
        older = {"POSTGRESQL_CONNECTION_URI": self.gatehouse.postgres.uri(self.gatehouse.postgres.create_database())}
        database = older["POSTGRESQL_CONNECTION_URI"].rpartition("/")[2]
        self.migrate(files=[], **older)
        ours = self.gatehouse.postgres.sql("SELECT relname FROM pg_class WHERE relname LIKE 'gatehouse\\_oauth\\_%' AND relkind = 'r'", database)
        self.gatehouse.postgres.sql("".join("DROP TABLE %s CASCADE;" % name for (name,) in ours) + "ALTER TABLE oauth_clients DROP COLUMN client_secret;"
                                    "INSERT INTO apps (app_id, created_at_time) VALUES ('public', 0); INSERT INTO oauth_clients (app_id, client_id, enable_refresh_token_rotation, is_client_credentials_only) VALUES ('public', 'older', false, false);"
                                    "INSERT INTO oauth_sessions (gid, client_id, external_refresh_token, jti, exp) VALUES ('g', 'older', 'st_rt_a.b', '', 4000000000)", database)
        client = self.shown(self.client(tokenEndpointAuthMethod="none"))
        self.fill(hydra.client_row({**client, "clientId": "older"}, "_public"),
                  hydra.token_row("st_rt_a.b", "older", "1", hydra.session({"nonce": "", "sub": "user", "iss": ISSUER, "sid": "handle"}, "g")))
        said = self.migrate("--dry-run", **older)
        self.assertIn("OAuth client older of app public would be taken", said)
        self.assertIn("Would take from Hydra: 1 client, 1 refresh token.", said)
        self.assertEqual(self.gatehouse.postgres.sql("SELECT count(*) FROM pg_class WHERE relname LIKE 'gatehouse\\_oauth\\_%' AND relkind = 'r'", database), [["0"]])

    def test_what_is_not_there(self):
        dsn, secret = ["--hydra-dsn-file", self.dsn_file], ["--hydra-system-secret-file", self.secret_file]
        client = self.client()
        tokens = self.tokens(client)
        self.fill(hydra.client_row(self.shown(client), self.owner),
                  hydra.token_row(tokens["refresh_token"], client["clientId"], "1", hydra.encrypt(hydra.session(claims(tokens["id_token"]), self.gid(tokens)), SECRET)))
        self.forget()
        self.assertIn("--hydra-system-secret-file needs --hydra-dsn", self.migrate(files=secret, status=1))
        self.assertIn("has no secret", self.migrate(files=dsn + ["--hydra-system-secret-file", "/nowhere"], status=1))
        self.assertIn("Hydra's database", self.migrate(files=["--hydra-dsn", "postgres://gatehouse:hidden@127.0.0.1:1/none"], status=1))
        self.assertIn("no database of an Ory Hydra 2.x: it has no hydra_client.", self.migrate(files=["--hydra-dsn", "postgres://gatehouse@127.0.0.1:%d/postgres" % self.gatehouse.postgres.port], status=1))
        said = self.migrate(files=dsn, status=3)
        self.assertIn("1 can't be read: Hydra has encrypted its session: --hydra-system-secret-file is needed", said)
        with open(self.dsn_file, encoding="utf-8") as file:
            said = self.migrate(files=secret, GATEHOUSE_HYDRA_DSN=file.read().strip())
        self.assertIn("Taken from Hydra: 0 clients, 1 refresh token.", said)


if __name__ == "__main__":
    unittest.main()
