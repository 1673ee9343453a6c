"""SIGHUP: what can change while requests are served does, everything else is named, and a file that is not valid changes nothing."""
import json
import os
import signal
import tempfile
import unittest

from integration import harness

OLD, NEW = "a" * 20, "b" * 20


class Reload(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.path = os.path.join(directory.name, "config.yaml")
        self.write(api_keys=OLD, log_level="INFO")
        self.gatehouse = harness.Gatehouse()
        for process in self.gatehouse.processes.values():
            process.arguments += ["--with-config", self.path]
            del process.environment["LOG_LEVEL"]
        self.gatehouse.start()
        self.addCleanup(self.gatehouse.kill)
        self.client = self.gatehouse.client()
        self.addCleanup(self.client.close)

    def write(self, **keys):
        with open(self.path, "w") as f:
            f.write("core_config_version: 0\n" + "".join("%s: %s\n" % row for row in keys.items()))

    def events(self, event):
        """By process."""
        lines = {name: process.log().splitlines() for name, process in self.gatehouse.processes.items()}
        return {name: [row for row in map(json.loads, lines) if row["event"] == event] for name, lines in lines.items()}

    def reload(self, event="reloaded"):
        """What each process has to say after SIGHUP."""
        before = self.events(event)
        for process in self.gatehouse.processes.values():
            process.process.send_signal(signal.SIGHUP)
        harness.wait_until(lambda: all(len(rows) > len(before[name]) for name, rows in self.events(event).items()), 30, event)
        return [rows[-1] for rows in self.events(event).values()]

    def status(self, key, client=None):
        return (client or self.client).get("/recipe/roles", headers={"api-key": key} if key else {}).status

    def wait_for(self, key, status):
        harness.wait_until(lambda: self.status(key) == status, 10, "%s for a key" % status)

    def test_reload(self):
        self.assertEqual((self.status(OLD), self.status(NEW), self.status("")), (200, 401, 401))
        # An app of its own keeps the tenants' side busy: it inherits the keys.
        app = self.gatehouse.client(app="reload")
        self.addCleanup(app.close)
        self.client.put("/recipe/multitenancy/app/v2", {"appId": "reload", "coreConfig": {}}, headers={"api-key": OLD})
        self.assertEqual(self.status(OLD, app), 200)
        self.write(api_keys=OLD + "," + NEW, log_level="INFO", access_token_validity=90)
        for row in self.reload():
            self.assertEqual((row["changed"], row["need_a_restart"]), ("api_keys", "access_token_validity"))
        self.wait_for(NEW, 200)
        self.assertEqual((self.status(OLD), self.status(NEW, app), self.status("")), (200, 200, 401))
        self.write(api_keys=NEW, log_level="INFO")
        self.reload()
        self.wait_for(OLD, 401)
        self.assertEqual((self.status(NEW), self.status(OLD, app), self.status(NEW, app)), (200, 401, 200))
        # Nothing of a file with a mistake is taken.
        self.write(api_keys="short", log_level="ERROR")
        for row in self.reload("reload_refused"):
            self.assertIn("api_keys: One of the API keys is too short", row["reason"])
            self.assertNotIn(OLD, json.dumps(row))
        self.assertEqual((self.status(NEW), self.status(OLD)), (200, 401))
        # An address that is shut out, and the log's level; keys stay.
        self.write(api_keys=NEW, log_level="DEBUG", ip_deny_regex='"127.*"')
        for row in self.reload():
            self.assertEqual(row["changed"], "ip_deny_regex log_level")
        self.wait_for(NEW, 403)
        self.write(api_keys=NEW, log_level="ERROR")
        pids = {name: process.process.pid for name, process in self.gatehouse.processes.items()}
        for pid in pids.values():
            os.kill(pid, signal.SIGHUP)
        self.wait_for(NEW, 200)
        for name, process in self.gatehouse.processes.items():
            self.assertEqual(process.stop(), 0, name)
        for name, rows in self.events("stopped").items():
            self.assertEqual(rows, [], name + " logs no more than errors")


class Connections(unittest.TestCase):
    """The limit of connections, in the process that has the REST interface."""

    def test_limit(self):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
            f.write("core_config_version: 0\n")
            f.flush()
            gatehouse = harness.Gatehouse()
            front = gatehouse.processes.get("gatehouse") or gatehouse.processes["gateway"]
            front.arguments += ["--with-config", f.name]
            gatehouse.start()
            self.addCleanup(gatehouse.kill)
            kept = gatehouse.client()
            self.addCleanup(kept.close)
            self.assertEqual(kept.get("/hello").status, 200)
            f.write("gatehouse_max_connections: 1\n")
            f.flush()
            front.process.send_signal(signal.SIGHUP)
            harness.wait_until(lambda: gatehouse.once("GET", "/hello").status == 503, 10, "the new limit")
            self.assertEqual(kept.get("/hello").status, 200)


if __name__ == "__main__":
    unittest.main()
