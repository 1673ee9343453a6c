"""A plan of the OAuth tables' statements that was made for few rows must not cost much once there are many: as stale_plans_single_test.py for users."""
import os
import unittest

from integration import harness
from integration.oauth_browser import ISSUER, O, OAuthTest, basic, parameters
from integration.stale_plans_single_test import COUNTS

# A million rows show the same pages, and take a minute: ROWS=1000000.
FEW, MANY = 2000, int(os.environ.get("ROWS", "20000"))
TIMES = 8  # a connection keeps a plan from the sixth time on
# What a call may read, index pages and triggers of foreign keys included.
PAGES = 60
# A client is seldom removed, and reads the app's logout challenges of two days: foreign_keys_single_test.py.
SELDOM = "DELETE FROM oauth_clients "
CLIENTS = 10  # of every thousand rows
ROWS = """
SET session_replication_role = replica;
CREATE TEMP TABLE made AS SELECT i, md5('gid' || i) || 'x' AS gid, 'client' || (i %% %(clients)d) AS client, md5('a' || i) || md5('b' || i) AS hash FROM generate_series(%(first)d, %(last)d) i;
INSERT INTO oauth_clients (app_id, client_id, enable_refresh_token_rotation, is_client_credentials_only)
SELECT DISTINCT '%(app)s', client, true, false FROM made ON CONFLICT DO NOTHING;
INSERT INTO gatehouse_oauth_clients (app_id, client_id, client_name, created_at_s, updated_at_us, settings)
SELECT DISTINCT '%(app)s', client, 'name', 0, 0, '{}' FROM made ON CONFLICT DO NOTHING;
INSERT INTO oauth_sessions (gid, app_id, client_id, session_handle, external_refresh_token, jti, exp)
SELECT gid, '%(app)s', client, 'handle' || i, 'st_rt_' || hash, gid || ',', 4000000000 FROM made;
INSERT INTO gatehouse_oauth_grants (gid, grant_json, refreshed_at, expires_at) SELECT gid, '{}', 0, 4000000000000 FROM made;
INSERT INTO gatehouse_oauth_rotated_tokens (app_id, token_hash, gid, expires_at) SELECT '%(app)s', hash, gid, 4000000000000 FROM made;
INSERT INTO gatehouse_oauth_flows (app_id, challenge_hash, verifier_hash, csrf_hash, client_id, stage, flow, expires_at)
SELECT '%(app)s', hash, reverse(hash), hash, client, 2, '{}', 4000000000000 FROM made;
INSERT INTO gatehouse_oauth_codes (app_id, code_hash, client_id, gid, grant_json, expires_at) SELECT '%(app)s', hash, client, gid, '{}', 4000000000000 FROM made;
INSERT INTO gatehouse_oauth_logins (app_id, cookie_hash, session_id, subject, authenticated_at, expires_at) SELECT '%(app)s', hash, gid, 'user', 0, 4000000000000 FROM made;
INSERT INTO oauth_logout_challenges (app_id, challenge, client_id, time_created) SELECT '%(app)s', hash, client, 4000000000000 FROM made;
"""


class OAuthStalePlans(OAuthTest):
    @classmethod
    def setUpClass(cls):
        cls.postgres = harness.Postgres(settings=["autovacuum=off", "shared_preload_libraries=pg_stat_statements"])
        cls.addClassCleanup(cls.postgres.stop)
        cls.database = cls.postgres.create_database()
        cls.postgres.sql("CREATE EXTENSION pg_stat_statements", cls.database)
        # Of two connections one listens: the other keeps the plans of all requests.
        environment = {"POSTGRESQL_CONNECTION_POOL_SIZE": "2", "POSTGRESQL_IDLE_CONNECTION_TIMEOUT": "3600000"}
        cls.gatehouse = harness.Gatehouse(mode="all-in-one", postgres=cls.postgres, database=cls.database, environment=environment).start()
        cls.addClassCleanup(cls.gatehouse.kill)

    def use(self):
        """Everything that an application does all day."""
        for number in range(TIMES):
            client = self.client(enableRefreshTokenRotation=number % 2 == 0, postLogoutRedirectUris=["https://app.example.com/bye"])
            handle, jar = "my-handle-%d" % number, {}
            challenge = {"loginChallenge": parameters(self.start(client, jar))["login_challenge"]}
            self.expect(self.app.get(O + "/auth/requests/login", challenge))
            back = self.expect(self.app.put(O + "/auth/requests/login/accept", {"subject": "user", "remember": True, "rememberFor": 60}, query=challenge))
            at_consent = self.browse(parameters(back["redirectTo"]), jar)
            self.expect(self.app.get(O + "/auth/requests/consent", {"consentChallenge": parameters(at_consent)["consent_challenge"]}))
            code = parameters(self.browse(parameters(self.consent(at_consent, handle=handle)["redirectTo"]), jar))["code"]
            self.start(client, jar)
            tokens = self.redeem(client, code)
            new = self.refresh(client, tokens["refresh_token"])
            self.assertEqual(new["status"], "OK", new)
            refresh = new.get("refresh_token", tokens["refresh_token"])
            self.assertTrue(self.active(new["access_token"]) and self.active(refresh))
            self.refresh(client, "st_rt_unknown")
            self.expect(self.app.post(O + "/token/revoke", {"token": new["access_token"]}))
            out = self.expect(self.app.get(O + "/sessions/logout", {"idTokenHint": tokens["id_token"], "postLogoutRedirectUri": "https://app.example.com/bye"}))
            self.expect(self.app.put(O + "/auth/requests/logout/accept", {"challenge": parameters(out["redirectTo"])["logout_challenge"]}))
            self.assertFalse(self.active(refresh))
            self.expect(self.app.post(O + "/session/revoke", {"sessionHandle": "nobody's"}))
            machine = self.expect(self.app.post(O + "/clients", {"grantTypes": ["client_credentials"]}))
            self.assertEqual(self.app.post(O + "/token", {"iss": ISSUER, "inputBody": {"grant_type": "client_credentials"}, "access_token": {}, "id_token": {},
                                                          "authorizationHeader": basic(machine["clientId"], machine["clientSecret"])}).json["status"], "OK")
            self.expect(self.app.post(O + "/tokens/revoke", {"client_id": machine["clientId"]}))
            self.expect(self.app.put(O + "/clients", {"clientId": machine["clientId"], "clientName": "new"}))
            for one in (client, machine):
                self.expect(self.app.get(O + "/clients", {"clientId": one["clientId"]}))
                self.expect(self.app.post(O + "/clients/remove", {"clientId": one["clientId"]}), didExist=True)

    def test_statements(self):
        with self.postgres.session(self.database) as session:
            # Nobody gathers statistics meanwhile.
            session.run("SELECT pg_advisory_lock(hashtext('gatehouse_gather_statistics'));")

            def fill(first, last):
                self.gatehouse.sql(ROWS % {"first": first, "last": last, "app": self.app.app, "clients": max(10, MANY // 1000 * CLIENTS)})
            self.use()
            fill(1, FEW)
            self.gatehouse.sql("ANALYZE")
            self.use()
            fill(FEW + 1, MANY)
            self.gatehouse.sql("SELECT pg_stat_statements_reset()")
            self.use()
            pages = {query: int(number) for query, number in self.gatehouse.sql(COUNTS) if "oauth" in query and not query.startswith(SELDOM)}
            self.assertGreater(len(pages), 20)
            print("most pages:", sorted(((number, query) for query, number in pages.items()), reverse=True)[:5])
            self.assertEqual({query: number for query, number in pages.items() if number > PAGES}, {})


if __name__ == "__main__":
    unittest.main()
