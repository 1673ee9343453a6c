"""API keys and rules for addresses that only the gateway was given: they are the tenants service's to hand out, and whoever put them in the wrong place does not serve everybody."""
import contextlib
import unittest

from integration import harness

KEY = "the-gateways-own-key-0123456789"


class GatewayKeys(unittest.TestCase):
    def start(self, **environment):
        gatehouse = harness.Gatehouse(mode="split")
        gatehouse.processes["gateway"].environment.update(environment)
        self.addCleanup(gatehouse.kill)
        return gatehouse.start()

    def test_keys(self):
        gatehouse = self.start(API_KEYS=KEY)
        refused = gatehouse.once("GET", "/recipe/roles")
        self.assertEqual((refused.status, refused.text), (401, "Invalid API key\n"))
        self.assertEqual(gatehouse.once("GET", "/recipe/roles", headers={"api-key": KEY}).status, 200)
        self.assertEqual(gatehouse.once("GET", "/hello").status, 200)

    def test_addresses(self):
        gatehouse = self.start(IP_DENY_REGEX="127\\.0\\.0\\.2")
        self.assertEqual(gatehouse.once("GET", "/recipe/roles").status, 200)
        gatehouse.processes["gateway"].stop()
        gatehouse.processes["gateway"].environment["IP_DENY_REGEX"] = "127\\.0\\.0\\.1"
        gatehouse.processes["gateway"].start()

        def ready():
            with contextlib.suppress(OSError):
                return gatehouse.admin("/readyz").status == 200
        harness.wait_until(ready, 60, "the gateway")
        self.assertEqual(gatehouse.once("GET", "/recipe/roles").status, 403)
