"""Behind the real PgBouncer in transaction mode, where each transaction gets any session of the server: by detection, and with the attribute that the original's driver needs."""
import concurrent.futures
import os
import shutil
import subprocess
import tempfile
import unittest

from integration import harness

PGBOUNCER = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
PASSWORD = "correct horse 1"
# What Gatehouse sets for a session of its own.
SETTINGS = ("statement_timeout", "idle_in_transaction_session_timeout", "jit", "random_page_cost", "enable_memoize", "client_min_messages", "default_transaction_isolation")


class PgBouncer:
    """In front of a harness.Postgres, as its user."""

    def __init__(self, postgres, sessions=3):
        self.postgres, self.port, self.dir = postgres, harness.free_port(), tempfile.mkdtemp(prefix="gatehouse-bouncer-")
        os.chmod(self.dir, 0o755)
        users, settings = os.path.join(self.dir, "users.txt"), os.path.join(self.dir, "pgbouncer.ini")
        with open(users, "w") as f:
            f.write('"gatehouse" "x"\n')
        with open(settings, "w") as f:
            f.write("""[databases]
* = host=127.0.0.1 port=%d
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = trust
auth_file = %s
pool_mode = transaction
default_pool_size = %d
max_client_conn = 500
""" % (postgres.port, self.port, users, sessions))
        self.process = subprocess.Popen([PGBOUNCER, "-q", settings], cwd=self.dir, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **postgres.as_user)
        harness.wait_until(lambda: self.sql("SELECT 1", "postgres") == [["1"]], 10, "PgBouncer")

    def sql(self, text, database):
        done = subprocess.run([self.postgres.bin + "/psql", "-h", "127.0.0.1", "-p", str(self.port), "-U", "gatehouse", "-d", database, "-X", "-q", "-A", "-t"],
                              input=text, capture_output=True, text=True)
        return [line.split("|") for line in done.stdout.splitlines()] if done.returncode == 0 else None

    def uri(self, database, attributes=""):
        return "postgresql://gatehouse:x@127.0.0.1:%d/%s%s" % (self.port, database, attributes)

    def stop(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.dir, ignore_errors=True)


@unittest.skipUnless(os.path.exists(PGBOUNCER), "*** NOT CHECKED: PgBouncer; it is not installed (scripts/install-deps.sh test) ***")
class BehindPgBouncer(unittest.TestCase):
    attributes = ""

    @classmethod
    def setUpClass(cls):
        cls.postgres = harness.Postgres.shared()
        cls.bouncer = PgBouncer(cls.postgres)
        cls.addClassCleanup(cls.bouncer.stop)
        cls.database = cls.postgres.create_database()
        cls.gatehouse = cls.start()
        cls.addClassCleanup(cls.gatehouse.kill)

    @classmethod
    def start(cls):
        environment = {"POSTGRESQL_CONNECTION_URI": cls.bouncer.uri(cls.database, cls.attributes), "BCRYPT_LOG_ROUNDS": "4", "GATEHOUSE_REQUEST_TIMEOUT_MS": "3000"}
        return harness.Gatehouse(database=cls.database, environment=environment).start()

    def expect(self, reply, **fields):
        self.assertEqual(reply.status, 200, reply)
        for name, value in {"status": "OK", **fields}.items():
            self.assertEqual(reply.json.get(name), value, reply)
        return reply.json

    def life(self, app, number):
        """A user's sign-up, sign-in, session, role and password reset, each step a transaction of some session."""
        client = self.gatehouse.client(app=app.app)
        email = "u%d@example.com" % number
        user = self.expect(client.post("/recipe/signup", {"email": email, "password": PASSWORD}))["user"]["id"]
        self.expect(client.post("/recipe/signin", {"email": email, "password": PASSWORD}))
        session = self.expect(client.post("/recipe/session", {"userId": user, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False}))
        token = session["refreshToken"]["token"]
        self.expect(client.post("/recipe/session/refresh", {"refreshToken": token, "enableAntiCsrf": False, "useDynamicSigningKey": True}))
        self.expect(client.put("/recipe/user/role", {"userId": user, "role": "editor"}))
        reset = self.expect(client.post("/recipe/user/password/reset/token", {"userId": user, "email": email}))["token"]
        self.expect(client.post("/recipe/user/password/reset/token/consume", {"method": "token", "token": reset}))
        self.expect(client.post("/user/remove", {"userId": user}) if number % 2 else client.get("/user/id", {"userId": user}))
        client.close()

    def test_everything_works_and_nothing_stays_in_the_sessions(self):
        app = self.gatehouse.new_app()
        self.addCleanup(app.close)
        self.expect(app.put("/recipe/role", {"role": "editor", "permissions": ["write"]}))
        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            list(pool.map(lambda number: self.life(app, number), range(24)))
        self.expect(app.get("/users/count"), count=12)
        # Through the pooler its server sessions are seen, in turn.
        fresh = self.postgres.sql("; ".join("SHOW " + name for name in SETTINGS), self.database)
        for _ in range(6):
            self.assertEqual(self.bouncer.sql("; ".join("SHOW " + name for name in SETTINGS), self.database), fresh)
            self.assertEqual(self.bouncer.sql("SELECT count(*) FROM pg_prepared_statements; SELECT count(*) FROM pg_listening_channels()", self.database), [["0"], ["0"]])

    def test_a_statement_past_its_time_is_cancelled_through_it(self):
        app = self.gatehouse.new_app()
        self.addCleanup(app.close)
        self.expect(app.get("/recipe/roles"))
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = '%s' AND wait_event_type = 'Lock'" % self.database
        with self.postgres.session(self.database) as session:
            session.run("BEGIN; LOCK TABLE roles IN ACCESS EXCLUSIVE MODE;")
            self.assertEqual(app.get("/recipe/roles").status, 503)
            harness.wait_until(lambda: self.postgres.sql(waiting, "postgres") == [["0"]], 5, "the statement to end in the server")
            session.run("ROLLBACK;")
        self.expect(app.get("/recipe/roles"))

    @unittest.skipIf(harness.MODE == "split", "the tenants service is one and the same")
    def test_changes_of_another_instance_are_seen(self):
        other = self.start()
        self.addCleanup(other.kill)
        app = self.gatehouse.new_app()
        self.addCleanup(app.close)
        there = harness.Client(other.port, app=app.app)
        self.addCleanup(there.close)
        self.expect(there.get("/users/count"))  # an unknown tenant is asked for
        self.expect(app.put("/recipe/multitenancy/tenant/v2", {"tenantId": "late"}))
        self.expect(there.get("/users/count", tenant="late"))
        self.expect(app.post("/recipe/multitenancy/tenant/remove", {"tenantId": "late"}))
        # Nothing is delivered, so the tenants are checked every 10 s.
        harness.wait_until(lambda: there.get("/users/count", tenant="late").status == 400, 20, "the removal on the other instance")


@unittest.skipIf(harness.MODE == "split", "read by the same code")
class WithTheOriginalsAttribute(BehindPgBouncer):
    attributes = "?prepareThreshold=0"

    test_changes_of_another_instance_are_seen = None
    test_a_statement_past_its_time_is_cancelled_through_it = None


if __name__ == "__main__":
    unittest.main()
