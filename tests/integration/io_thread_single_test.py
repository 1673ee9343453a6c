"""Answers from memory need no worker: while all workers of the service that the app may have wait for the database, these requests don't wait for them."""
import contextlib
import http.client
import threading
import unittest

from integration import harness

WORKERS = 10


class IoThread(harness.GatehouseTest):
    def block(self, lock, request):
        """Keeps every worker of a service busy that the app may have: `request` waits for a locked table, until the test's end. Returns a function that checks that they still are."""
        blocker = self.gatehouse.postgres.session(self.gatehouse.database)
        session = blocker.__enter__()

        def wait():
            with contextlib.suppress(OSError, http.client.HTTPException):
                request()
        threads = [threading.Thread(target=wait) for _ in range(WORKERS + 2)]

        def end():
            session.run("ROLLBACK;")
            for thread in threads:
                thread.join()
            blocker.__exit__(None, None, None)
        self.addCleanup(end)
        session.run("BEGIN; " + lock)
        for thread in threads:
            thread.start()
        table = lock.split()[2]
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = '%s'::regclass" % table

        def all_wait():
            # One connection of the pool listens, and one is left to other apps; a worker without one waits for it.
            return int(self.gatehouse.sql(waiting)[0][0]) >= WORKERS - 2
        harness.wait_until(all_wait, 20, "all workers to wait")
        return lambda: self.assertTrue(all_wait(), "a worker was waited for")

    def client(self):
        client = self.gatehouse.client(app=self.app.app)
        self.addCleanup(client.close)
        return client

    def test_session_verify(self):
        create = {"userId": "u", "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False}
        token = self.expect(self.app.post("/recipe/session", create))["accessToken"]["token"]
        verify = {"accessToken": token, "enableAntiCsrf": False, "doAntiCsrfCheck": False, "checkDatabase": False}
        self.expect(self.app.post("/recipe/session/verify", verify))
        still = self.block("LOCK TABLE session_info IN ACCESS EXCLUSIVE MODE;", lambda: self.client().post("/recipe/session", create))
        for _ in range(5):
            self.expect(self.app.post("/recipe/session/verify", verify))
        still()

    def test_jwks(self):
        for path in ("/.well-known/jwks.json", "/recipe/jwt/jwks"):
            self.assertEqual(self.app.get(path).status, 200)
        others = [self.gatehouse.new_app() for _ in range(WORKERS + 2)]
        for other in others:
            self.addCleanup(other.close)
        still = self.block("LOCK TABLE jwt_signing_keys IN ACCESS EXCLUSIVE MODE;", lambda: others.pop().get("/recipe/jwt/jwks"))
        for path in ("/.well-known/jwks.json", "/recipe/jwt/jwks"):
            for _ in range(5):
                self.assertEqual(self.app.get(path).status, 200)
        still()

    def test_what_is_not_in_memory_goes_to_a_worker(self):
        # A new app has no keys yet, and a token's key may never have been seen.
        self.assertEqual(self.gatehouse.new_app().get("/.well-known/jwks.json").status, 200)
        create = {"userId": "u", "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False}
        other = self.gatehouse.new_app()
        token = self.expect(self.app.post("/recipe/session", create))["accessToken"]["token"]
        verify = {"accessToken": token, "enableAntiCsrf": False, "doAntiCsrfCheck": False, "checkDatabase": False}
        self.expect(other.post("/recipe/session/verify", verify), status="TRY_REFRESH_TOKEN")
        self.expect(self.app.post("/recipe/session/verify", {**verify, "checkDatabase": True}))
        self.assertEqual(other.get("/hello").status, 200)


if __name__ == "__main__":
    unittest.main()
