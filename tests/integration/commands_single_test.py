"""`gatehouse config` and `gatehouse health`, as operators and containers use them."""
import os
import subprocess
import tempfile
import unittest

from integration import harness

SECRET = "a password that nobody may see"


def run(*arguments, **environment):
    own = {name: value for name, value in os.environ.items() if not name.startswith(("POSTGRESQL_", "SUPERTOKENS_", "GATEHOUSE_"))}
    return subprocess.run([os.path.join(harness.BIN, "gatehouse"), *arguments], env={**own, **environment}, capture_output=True, text=True)


class Config(unittest.TestCase):
    def test_says_where_each_value_comes_from(self):
        with tempfile.TemporaryDirectory() as directory:
            path, secret = os.path.join(directory, "config.yaml"), os.path.join(directory, "secret")
            with open(path, "w") as f:
                f.write("core_config_version: 0\naccess_token_validity: 77\nlog_level: WARN\nno_such_key: 1\n")
            with open(secret, "w") as f:
                f.write(SECRET + "\n")
            done = run("config", "--with-config", path, "--port", "4000", LOG_LEVEL="ERROR", POSTGRESQL_PASSWORD_FILE=secret, API_KEYS=SECRET * 2)
        self.assertEqual((done.returncode, SECRET in done.stdout + done.stderr), (1, False))
        lines = done.stdout.splitlines()
        for line in ("access_token_validity: 77  # " + path, 'log_level: "ERROR"  # environment LOG_LEVEL', "port: 4000  # command line",
                     'postgresql_password: "********"  # file ' + secret, 'api_keys: "********"  # environment API_KEYS', "# refresh_token_validity: 144000",
                     "# gatehouse_admin_port: 3568"):
            self.assertIn(line, lines)
        # Errors are reported too: API keys must not contain blanks.
        self.assertIn("no_such_key", done.stderr)
        self.assertIn("api_keys: ", done.stderr)

    def test_valid(self):
        done = run("config", POSTGRESQL_CONNECTION_URI="postgresql://me:%s@localhost/x" % "hidden", POSTGRESQL_CONNECTION_ATTRIBUTES="sslpassword=hidden")
        self.assertEqual((done.returncode, done.stderr, "hidden" in done.stdout), (0, "", False))
        # Its own output is a valid configuration, if it contains no secret.
        done = run("config", POSTGRESQL_USER="me", ACCESS_TOKEN_VALIDITY="90")
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
            f.write("core_config_version: 0\n" + done.stdout)
            f.flush()
            self.assertEqual(run("config", "--with-config", f.name).returncode, 0)


class Health(harness.GatehouseTest):
    def health(self, *arguments, **environment):
        return run("health", *arguments, **environment)

    def test_health(self):
        process = self.gatehouse.processes["gatehouse"]
        admin = {"GATEHOUSE_ADMIN_PORT": process.environment["GATEHOUSE_ADMIN_PORT"]}
        self.assertEqual(self.health(**admin).returncode, 0)
        url = "http://127.0.0.1:%d" % self.gatehouse.port
        self.assertEqual(self.health("--url", url + "/hello").returncode, 0)
        away = self.health("--url", url + "/no/such/path")
        self.assertEqual((away.returncode, "answers 404" in away.stderr), (1, True))
        away = self.health("--url", "http://[::1]:%d/hello" % harness.free_port())
        self.assertEqual((away.returncode, "Connection refused" in away.stderr), (1, True), away.stderr)
        for wrong in ("https://localhost/", "http://", "http://:80/"):
            self.assertEqual(self.health("--url", wrong).returncode, 1)
        self.assertIn("gatehouse_admin_port is 0", self.health(GATEHOUSE_ADMIN_PORT="0").stderr)


if __name__ == "__main__":
    unittest.main()
