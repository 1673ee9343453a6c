"""Roles with few allowed connections, as in small plans of managed databases: Gatehouse opens no more than its pools' size, and a request waits for an open one."""
import concurrent.futures
import threading
import unittest
import uuid

from integration import harness

CLIENTS = 30


def limited_role(postgres, database, limit):
    """The URI of a new role that owns what it creates in the database."""
    role = "limited_" + uuid.uuid4().hex[:8]
    postgres.sql("CREATE ROLE %s LOGIN CONNECTION LIMIT %d; ALTER DATABASE %s OWNER TO %s" % (role, limit, database, role), "postgres")
    return role, "postgresql://%s:x@127.0.0.1:%d/%s" % (role, postgres.port, database)


class ConnectionLimit(unittest.TestCase):
    def storm(self, limit, environment):
        """Many clients at once; the statuses of all requests and the most connections of the role that were seen."""
        postgres = harness.Postgres.shared()
        database = postgres.create_database()
        role, uri = limited_role(postgres, database, limit)
        gatehouse = harness.Gatehouse(database=database, environment={"POSTGRESQL_CONNECTION_URI": uri, "BCRYPT_LOG_ROUNDS": "4", **environment})
        self.addCleanup(gatehouse.kill)
        gatehouse.start()
        app = gatehouse.new_app()
        user = app.post("/recipe/signup", {"email": "a@example.com", "password": "x1234567"}).json["user"]["id"]
        most, done = [0], threading.Event()

        def watch():
            with postgres.session("postgres") as session:
                while not done.wait(0.02):
                    count = session.run("SELECT count(*) FROM pg_stat_activity WHERE usename = '%s';" % role)
                    most[0] = max(most[0], int(count[0]))

        def work(number):
            client = gatehouse.client(app=app.app)
            create = {"userId": user, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False}
            statuses = [client.post("/recipe/session", create).status, client.get("/users/count").status, client.get("/recipe/roles").status,
                        client.put("/recipe/role", {"role": "r%d" % number, "permissions": []}).status,
                        client.post("/recipe/signin", {"email": "a@example.com", "password": "x1234567"}).status]
            client.close()
            return statuses
        watcher = threading.Thread(target=watch)
        watcher.start()
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            statuses = [status for each in pool.map(work, range(2 * CLIENTS)) for status in each]
        done.set()
        watcher.join()
        app.close()
        return statuses, most[0]

    def test_a_limit_of_the_pools_size(self):
        """Everything counts: the pools, the listening connection, those for readiness."""
        processes = 1 if harness.MODE == "all-in-one" else len(harness.SERVICES)
        size = 10 if harness.MODE == "all-in-one" else 1
        statuses, most = self.storm(size * processes, {} if size == 10 else {"POSTGRESQL_CONNECTION_POOL_SIZE": str(size)})
        self.assertEqual(set(statuses), {200})
        self.assertLessEqual(most, size * processes)

    @unittest.skipIf(harness.MODE == "split", "eight processes share no connection: each needs one")
    def test_a_limit_below_the_pools_size(self):
        statuses, most = self.storm(3, {})
        self.assertEqual(set(statuses), {200})
        self.assertLessEqual(most, 3)


if __name__ == "__main__":
    unittest.main()
