#!/usr/bin/env python3
"""scripts/check-data-dir.sh refuses data directories that can't work, in words, and leaves nothing behind. Usage: data_dir_test.py ROOT_OF_THE_TREE"""
import os
import subprocess
import sys
import tempfile
import unittest

SCRIPT = os.path.join(os.path.abspath(sys.argv.pop(1)), "scripts", "check-data-dir.sh")
IS_ROOT = os.geteuid() == 0


class DataDirectory(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="gatehouse-data-dir-")
        self.addCleanup(directory.cleanup)
        self.directory = directory.name
        os.chmod(self.directory, 0o755)

    def check(self, path):
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("POSTGRESQL_", "GATEHOUSE_"))}
        return subprocess.run([SCRIPT, "--data-dir", path], capture_output=True, text=True, env=environment)

    def assert_refused(self, path, reason):
        done = self.check(path)
        self.assertNotEqual(done.returncode, 0, path)
        self.assertIn("The data directory can't be " + path, done.stderr)
        self.assertIn(reason, done.stderr)

    def test_taken(self):
        ready = os.path.join(self.directory, "ready")
        os.mkdir(ready, 0o700)
        for path in (self.directory, ready, os.path.join(self.directory, "a new", "one")):
            if IS_ROOT and path == ready:
                subprocess.run(["chown", "postgres", ready], check=True)
            done = self.check(path)
            self.assertEqual((done.returncode, done.stderr), (0, ""), path)
        self.assertEqual(os.listdir(self.directory), ["ready"])
        self.assertEqual(os.listdir(ready), [])

    def test_where_nothing_can_be_made(self):
        # Root may write everywhere, by the mode; what is no ordinary file system refuses all the same.
        self.assert_refused("/proc/nothing", "/proc")
        self.assert_refused("/sys/kernel/nothing", "/sys/kernel")

    def test_a_file_on_the_way(self):
        path = os.path.join(self.directory, "file")
        with open(path, "w", encoding="utf-8"):
            pass
        self.assert_refused(path, "is not a directory")
        self.assert_refused(os.path.join(path, "below"), "is not a directory")

    def test_somebody_elses(self):
        path = os.path.join(self.directory, "data")
        os.mkdir(path)
        if not IS_ROOT:
            os.chmod(path, 0o500)
            return self.assert_refused(path, "may not write")
        os.chmod(path, 0o777)
        self.assert_refused(path, "may be written to by other users")
        os.chmod(path, 0o755)
        os.chown(path, 12345, -1)
        self.assert_refused(path, "belongs to")

    def test_closed_to_the_server(self):
        closed = os.path.join(self.directory, "closed")
        os.mkdir(closed, 0o700 if IS_ROOT else 0)
        self.assert_refused(os.path.join(closed, "data"), "may not enter")


if __name__ == "__main__":
    unittest.main()
