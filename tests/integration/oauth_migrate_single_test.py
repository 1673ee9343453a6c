"""OAuth clients of an older core: what `gatehouse migrate` says of them, and what PUT makes of them."""
import os
import subprocess
import unittest

from integration import harness
from integration.oauth_clients_test import O


class OAuthMigrate(harness.GatehouseTest):
    mode = "all-in-one"

    def migrate(self):
        environment = dict(next(iter(self.gatehouse.processes.values())).environment)
        for name in ("GATEHOUSE_ADMIN_PORT", "GATEHOUSE_TEST_MODE"):
            environment.pop(name, None)
        done = subprocess.run([os.path.join(harness.BIN, "gatehouse"), "migrate"], env={**os.environ, **environment}, capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def named(self):
        """The app's clients that it names."""
        lines = [line.split() for line in self.migrate().splitlines() if line.startswith("OAuth client ")]
        return [words[2] for words in lines if words[5] == self.app.app]

    def test_clients_without_metadata_are_named_until_they_are_put(self):
        ids = [self.expect(self.app.post(O + "/clients", {"redirectUris": ["https://app.example.com/cb"]}))["clientId"] for _ in range(3)]
        self.assertEqual(self.named(), [])
        # As a core leaves them, whose Hydra has the rest.
        self.gatehouse.sql("DELETE FROM gatehouse_oauth_clients WHERE client_id IN ('%s', '%s')" % tuple(ids[:2]))
        self.assertEqual(sorted(self.named()), sorted(ids[:2]))
        self.expect(self.app.put(O + "/clients", {"clientId": ids[0], "redirectUris": ["https://app.example.com/cb"]}))
        self.assertEqual(self.named(), [ids[1]])

    def test_all_pages_are_named(self):
        many = 2500
        self.gatehouse.sql("INSERT INTO oauth_clients (app_id, client_id, enable_refresh_token_rotation, is_client_credentials_only) "
                           "SELECT '%s', 'client' || i, false, false FROM generate_series(1, %d) i" % (self.app.app, many))
        self.assertEqual(len(set(self.named())), many)


if __name__ == "__main__":
    unittest.main()
