"""What the installation reports about itself: where its configuration is, and the licence key that it keeps for a core of the original."""
import os
import tempfile
import unittest

from integration import harness


class Installation(harness.GatehouseTest):
    @classmethod
    def setUpClass(cls):
        cls.path = os.path.join(tempfile.mkdtemp(prefix="gatehouse-config-"), "config.yaml")
        with open(cls.path, "w") as f:
            f.write("core_config_version: 0\n")
        cls.gatehouse = harness.Gatehouse()
        for name in ("gatehouse", "gateway"):
            if name in cls.gatehouse.processes:
                cls.front = cls.gatehouse.processes[name]
        cls.front.arguments += ["--with-config", os.path.relpath(cls.path)]
        cls.gatehouse.start()
        cls.addClassCleanup(cls.gatehouse.kill)

    def test_configuration_in_use(self):
        pid = str(self.front.process.pid)
        self.expect(self.gatehouse.once("GET", "/config", query={"pid": pid}), path=self.path)
        self.assertEqual(self.gatehouse.once("GET", "/config", query={"pid": "1"}).json, {"status": "NOT_ALLOWED"})
        self.assertEqual(self.app.get("/config", {"pid": pid}).status, 403)

    def stored(self):
        return self.gatehouse.sql("SELECT value FROM key_value WHERE name = 'LICENSE_KEY' AND app_id = '%s'" % self.app.app)

    def test_licence_key(self):
        none = {"status": "NO_LICENSE_KEY_FOUND_ERROR"}
        self.assertEqual(self.app.get("/ee/license").json, none)
        self.expect(self.app.put("/ee/license", {"licenseKey": "a key"}))
        self.expect(self.app.get("/ee/license"), licenseKey="a key")
        # Asks for the stored key to be checked again.
        self.expect(self.app.put("/ee/license", {}))
        self.expect(self.app.get("/ee/license"), licenseKey="a key")
        self.expect(self.app.put("/ee/license", {"licenseKey": "another"}))
        self.assertEqual(self.stored(), [["another"]])
        self.expect(self.app.request("DELETE", "/ee/license"))
        self.assertEqual(self.app.get("/ee/license").json, none)
        self.assertEqual(self.stored(), [["NOT_PRESENT"]])
        self.assertEqual(self.app.put("/ee/license", {"licenseKey": "a\0b"}).status, 400)
        # Features don't depend on it.
        self.assertIn("account_linking", self.expect(self.app.get("/ee/featureflag"))["features"])


if __name__ == "__main__":
    unittest.main()
