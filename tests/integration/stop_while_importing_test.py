"""SIGTERM while users are imported: whatever the job waits for, every process ends in time, with status 0, and what was not imported is imported later."""
import signal
import time
import unittest

from integration import harness

DRAIN_S = 2.0
BCRYPT_HASH = "$2a$04$Ekrv8DqbmkP9BrXjaLOhfebxgN/OGf.9scMVhGGVyH7OJp8JgRJtC"
JOB = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'gatehouse-bulk-import' AND state LIKE 'idle in transaction%'"


class StopWhileImporting(unittest.TestCase):
    def start(self, **environment):
        server = harness.Gatehouse(environment={"GATEHOUSE_DRAIN_TIMEOUT_MS": str(int(1000 * DRAIN_S)), **environment}, test_mode=False)
        self.addCleanup(server.kill)
        server.start()
        return server

    def client(self, server, app):
        client = server.client(app=app)
        self.addCleanup(client.close)
        return client

    def add(self, client, count, **password):
        users = [{"loginMethods": [{"recipeId": "emailpassword", "email": "a%d@example.com" % number, **password}]} for number in range(count)]
        reply = client.post("/bulk-import/users", {"users": users})
        self.assertEqual(reply.status, 200, reply)

    def await_job(self, server):
        harness.wait_until(lambda: server.postgres.sql(JOB, "postgres") != [["0"]], 20, "users to be taken")

    def time_of_end(self, server):
        begun = time.monotonic()
        for process in server.processes.values():
            process.process.terminate()
        statuses = {name: process.process.wait(30) for name, process in server.processes.items()}
        self.assertEqual({name: status for name, status in statuses.items() if status != 0}, {})
        return time.monotonic() - begun

    def test_hashes_that_outlast_the_drain_time(self):
        server = self.start(BCRYPT_LOG_ROUNDS="17")
        app = server.new_app()
        self.addCleanup(app.close)
        self.add(app, 10, plainTextPassword="correct horse 1")
        self.await_job(server)
        self.assertLess(self.time_of_end(server), DRAIN_S + 1)

    def test_a_silent_database(self):
        server = self.start()
        app = server.new_app()
        self.addCleanup(app.close)
        self.add(app, 5000, passwordHash=BCRYPT_HASH, hashingAlgorithm="bcrypt")
        self.await_job(server)
        server.postgres.signal_all(signal.SIGSTOP)
        self.addCleanup(server.postgres.signal_all, signal.SIGCONT)
        self.assertLess(self.time_of_end(server), DRAIN_S + 1)
        server.postgres.signal_all(signal.SIGCONT)
        server.start()
        client = self.client(server, app.app)
        harness.wait_until(lambda: client.get("/bulk-import/users/count").json["count"] == 0, 60, "the rest to be imported")
        self.assertEqual(client.get("/users/count").json["count"], 5000)


if __name__ == "__main__":
    unittest.main()
