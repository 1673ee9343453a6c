"""SIGTERM while passwords are hashed for longer than the drain time: a hash can't be interrupted, but a request that waits for it is answered, and the process ends in time, with status 0."""
import pathlib
import threading
import time
import unittest

from integration import harness

DRAIN_S = 1.0
# Rounds of bcrypt, as a power of two: each hash takes some seconds.
COST = 17


class StopWhileHashing(unittest.TestCase):
    def test_hashes_that_outlast_the_drain_time(self):
        server = harness.Gatehouse(environment={"BCRYPT_LOG_ROUNDS": str(COST), "GATEHOUSE_DRAIN_TIMEOUT_MS": str(int(1000 * DRAIN_S))}, test_mode=False)
        self.addCleanup(server.kill)
        server.start()
        app = server.new_app().app
        replies, took = [], []

        def sign_up(number):
            client = server.client(app=app)
            begun = time.monotonic()
            replies.append(client.post("/recipe/signup", {"email": "a%d@example.com" % number, "password": "correct horse 1"}).status)
            took.append(time.monotonic() - begun)
            client.close()
        threads = [threading.Thread(target=sign_up, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        hashing = server.processes.get("users", server.processes.get("gatehouse")).process.pid
        harness.wait_until(lambda: self.busy_threads(hashing) > 0, 10, "a hash to begin")
        begun = time.monotonic()
        for process in server.processes.values():
            process.process.terminate()
        statuses = {name: process.process.wait(30) for name, process in server.processes.items()}
        seconds = time.monotonic() - begun
        for thread in threads:
            thread.join()
        self.assertEqual({name: status for name, status in statuses.items() if status != 0}, {})
        self.assertLess(seconds, DRAIN_S + 1)
        self.assertEqual(replies, [503] * 4)

    @staticmethod
    def busy_threads(pid):
        """Threads of the hashing pool that have used processor time."""
        count = 0
        for task in (pathlib.Path("/proc") / str(pid) / "task").iterdir():
            stat = (task / "stat").read_text(encoding="ascii")
            name, fields = stat[stat.index("(") + 1:stat.rindex(")")], stat[stat.rindex(")") + 2:].split()
            count += name == "bcrypt" and int(fields[11]) > 0
        return count


if __name__ == "__main__":
    unittest.main()
