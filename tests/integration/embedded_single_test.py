"""The embedded PostgreSQL as users of `gatehouse start` see it: data is kept, a crash is recovered from, ephemeral data is removed."""
import os
import shutil
import tempfile
import unittest

from integration import harness


class Embedded(unittest.TestCase):
    def setUp(self):
        self.dir = tempfile.mkdtemp(prefix="gatehouse-embedded-")
        self.addCleanup(shutil.rmtree, self.dir, True)
        os.chmod(self.dir, 0o755)
        self.port = harness.free_port()

    def start(self, *arguments):
        process = harness.Process("gatehouse", ["start", "--port", str(self.port), *arguments], {"GATEHOUSE_ADMIN_PORT": "0", "TMPDIR": self.dir}, "embedded").start()
        self.addCleanup(process.kill)

        def ready():
            if process.process.poll() is not None:
                raise AssertionError(process.log())
            try:
                client = harness.Client(self.port)
                return client.get("/hello").text == "Hello\n"
            except OSError:
                return False
            finally:
                client.close()
        harness.wait_until(ready, 60, "the start")
        return process

    def call(self, path, body):
        client = harness.Client(self.port)
        self.addCleanup(client.close)
        return client.post(path, body)

    def test_data_stays_and_a_crash_is_recovered_from(self):
        data = ["--data-dir", os.path.join(self.dir, "data")]
        process = self.start(*data)
        user = {"email": "stay@example.com", "password": "stays here 1"}
        self.assertEqual(self.call("/recipe/signup", user).json["status"], "OK")
        self.assertEqual(process.stop(), 0)
        process = self.start(*data)
        self.assertEqual(self.call("/recipe/signin", user).json["status"], "OK")
        process.kill()
        process = self.start(*data)
        self.assertEqual(self.call("/recipe/signin", user).json["status"], "OK")
        self.assertEqual(process.stop(), 0)

    def test_ephemeral_leaves_nothing(self):
        process = self.start("--ephemeral", "--test-mode")
        self.assertNotEqual(os.listdir(self.dir), [])
        self.assertEqual(process.stop(), 0)
        self.assertEqual(os.listdir(self.dir), [])


if __name__ == "__main__":
    unittest.main()
