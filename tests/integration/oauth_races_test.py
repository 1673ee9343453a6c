"""OAuth clients and sessions that end while their tokens are used, and what the tables hold afterwards."""
import collections
import threading
import unittest

from integration import harness
from integration.oauth_browser import CALLBACK, ISSUER, MANY, O, OAuthTest, basic, parameters

# Each finds rows that must not be. `a` is the app's id.
WRONG = {
    "a refresh token that stands for nothing": "SELECT gid FROM oauth_sessions s WHERE app_id = '%(a)s' AND external_refresh_token IS NOT NULL AND NOT EXISTS (SELECT 1 FROM gatehouse_oauth_grants g WHERE g.gid = s.gid)",
    "a grant without a refresh token": "SELECT s.gid FROM gatehouse_oauth_grants g JOIN oauth_sessions s ON s.gid = g.gid WHERE s.app_id = '%(a)s' AND s.external_refresh_token IS NULL",
    "a replaced token that is also the present one": "SELECT s.gid FROM gatehouse_oauth_rotated_tokens r JOIN oauth_sessions s ON s.gid = r.gid WHERE s.app_id = '%(a)s' AND encode(sha256(s.external_refresh_token::bytea), 'hex') = r.token_hash",
    "a replaced token of another app": "SELECT s.gid FROM gatehouse_oauth_rotated_tokens r JOIN oauth_sessions s ON s.gid = r.gid WHERE r.app_id <> s.app_id",
    "two codes of one grant": "SELECT gid FROM gatehouse_oauth_codes WHERE app_id = '%(a)s' GROUP BY gid HAVING count(*) > 1",
    "tokens of a code that nobody has shown": "SELECT c.gid FROM gatehouse_oauth_codes c JOIN gatehouse_oauth_grants g ON g.gid = c.gid WHERE c.app_id = '%(a)s' AND NOT c.used",
    "one access token in two grants": "SELECT jti FROM (SELECT unnest(string_to_array(trim(trailing ',' from jti), ',')) AS jti FROM oauth_sessions WHERE app_id = '%(a)s') ids GROUP BY jti HAVING count(*) > 1",
    "a malformed list of access tokens": "SELECT gid FROM oauth_sessions WHERE app_id = '%(a)s' AND jti !~ '^([0-9a-f-]{36},)*$'",
}
OF_CLIENTS = ("oauth_clients", "oauth_sessions", "oauth_logout_challenges", "gatehouse_oauth_clients", "gatehouse_oauth_flows", "gatehouse_oauth_codes")


class OAuthRaces(OAuthTest):
    def tearDown(self):
        for what, statement in WRONG.items():
            self.assertEqual(self.gatehouse.sql(statement % {"a": self.app.app}), [], what)

    def assert_nothing_of(self, client):
        for table in OF_CLIENTS:
            self.assertEqual(self.gatehouse.sql("SELECT 1 FROM %s WHERE app_id = '%s' AND client_id = '%s'" % (table, self.app.app, client["clientId"])), [], table)

    def until_removed(self, client, step):
        """Many take steps until they hear that the client is gone; what they heard."""
        removed = threading.Event()

        def run(connection):
            heard = collections.Counter()
            while True:
                over = removed.is_set()
                reply = step(connection)
                heard[reply.get("error", reply["status"])] += 1
                if over:
                    return heard, reply
        remover = threading.Timer(0.5, lambda: (self.expect(self.app.post(O + "/clients/remove", {"clientId": client["clientId"]}), didExist=True), removed.set()))
        remover.start()
        results = self.at_once(run)
        remover.join()
        self.assertEqual({last["status"] for _, last in results}, {"CLIENT_NOT_FOUND_ERROR"})
        return sum((heard for heard, _ in results), collections.Counter())

    def test_a_client_is_removed_while_its_token_is_refreshed(self):
        for rotates in (False, True):
            client = self.client(enableRefreshTokenRotation=rotates)
            tokens = [self.tokens(client) for _ in range(MANY if rotates else 1)]
            mine = threading.local()

            def step(connection):
                if not hasattr(mine, "token"):
                    mine.token = tokens.pop()["refresh_token"] if rotates else tokens[0]["refresh_token"]
                reply = self.refresh(client, mine.token, connection)
                mine.token = reply.get("refresh_token", mine.token)
                return reply
            heard = self.until_removed(client, step)
            self.assertGreater(heard["OK"], 0)
            self.assertLessEqual(set(heard), {"OK", "CLIENT_NOT_FOUND_ERROR", "token_inactive"})
            self.assert_nothing_of(client)

    def test_a_client_is_removed_while_codes_are_redeemed(self):
        client = self.client()
        codes = [parameters(self.answer(client))["code"] for _ in range(MANY)]
        taken = threading.local()

        def step(connection):
            if not hasattr(taken, "code"):
                taken.code = codes.pop()
            return self.redeem(client, taken.code, connection)
        heard = self.until_removed(client, step)
        self.assertLessEqual(set(heard), {"OK", "CLIENT_NOT_FOUND_ERROR", "invalid_grant"})
        self.assert_nothing_of(client)

    def test_a_client_is_removed_while_browsers_are_under_way(self):
        client = self.client()

        def step(connection):
            query = {"client_id": client["clientId"], "response_type": "code", "redirect_uri": CALLBACK, "scope": "openid", "state": "state-of-the-client"}
            return connection.post(O + "/auth", {"params": query, "iss": ISSUER}).json
        self.until_removed(client, step)
        self.assert_nothing_of(client)

    def test_a_session_is_revoked_while_its_tokens_are_introspected(self):
        """Once the revocation is answered, no introspection that begins finds them alive, and none that found them dead finds them alive later."""
        client = self.client()
        tokens = self.tokens(client)
        other = self.tokens(client)
        self.gatehouse.sql("UPDATE oauth_sessions SET session_handle = 'another' WHERE external_refresh_token = '%s'" % other["refresh_token"])
        revoked = threading.Event()

        def run(connection):
            seen = []
            while True:
                over = revoked.is_set()
                for token in (tokens["access_token"], tokens["refresh_token"]):
                    seen.append((token == tokens["access_token"], self.expect(connection.post(O + "/introspect", {"token": token}))["active"]))
                if over:
                    return seen
        revoker = threading.Timer(0.3, lambda: (self.expect(self.app.post(O + "/session/revoke", {"sessionHandle": "handle"})), revoked.set()))
        revoker.start()
        for seen in self.at_once(run):
            for kind in (True, False):
                states = [active for one, active in seen if one == kind]
                self.assertEqual(states, sorted(states, reverse=True))
                self.assertFalse(states[-1])
        revoker.join()
        self.assertTrue(self.active(other["access_token"]))
        self.assertEqual(self.refresh(client, tokens["refresh_token"])["error"], "token_inactive")

    def test_a_session_is_revoked_while_it_is_refreshed(self):
        """A refresh that came too late brings nothing that lives on."""
        for rotates in (False, True):
            client = self.client(enableRefreshTokenRotation=rotates)
            tokens = self.tokens(client)
            brought, lock, barrier = [], threading.Lock(), threading.Barrier(2)

            def refresh():
                connection = self.gatehouse.client(app=self.app.app)
                token = tokens["refresh_token"]
                barrier.wait()
                while True:
                    reply = self.refresh(client, token, connection)
                    if reply["status"] != "OK":
                        break
                    token = reply.get("refresh_token", token)
                    with lock:
                        brought.append(reply)
                connection.close()
            thread = threading.Thread(target=refresh)
            thread.start()
            barrier.wait()
            harness.wait_until(lambda: len(brought) > 3, 20, "some refreshes")
            self.expect(self.app.post(O + "/session/revoke", {"sessionHandle": "handle"}))
            thread.join()
            for reply in brought[-5:]:
                self.assertFalse(self.active(reply["access_token"]))
                self.assertFalse(self.active(reply.get("refresh_token", tokens["refresh_token"])))
            self.assertEqual(self.gatehouse.sql("SELECT 1 FROM oauth_sessions WHERE app_id = '%s'" % self.app.app), [])


if __name__ == "__main__":
    unittest.main()
