"""What thousands of tenants cost: one Gatehouse with few tenants, one with many, and one with many in one app, measured in turns on one machine.

Usage: many_tenants.py BIN_DIRECTORY [TENANTS] [APPS] [ROUNDS] [TENANTS_OF_ONE_APP]
"""
import os
import statistics
import sys
import time

BIN = sys.argv[1] if len(sys.argv) > 1 else "build/release/bin"
TENANTS = int(sys.argv[2]) if len(sys.argv) > 2 else 5000
APPS = int(sys.argv[3]) if len(sys.argv) > 3 else 500
ROUNDS = int(sys.argv[4]) if len(sys.argv) > 4 else 200
TENANTS_OF_ONE_APP = int(sys.argv[5]) if len(sys.argv) > 5 else 10000
os.environ["GATEHOUSE_BIN"] = os.path.abspath(BIN)
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from integration import harness  # noqa: E402

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def cpu_s(gatehouse):
    with open("/proc/%d/stat" % gatehouse.processes["gatehouse"].process.pid) as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def memory_mib(gatehouse):
    with open("/proc/%d/status" % gatehouse.processes["gatehouse"].process.pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS")) / 1024


class Subject:
    """One Gatehouse, a user and a session in one of its tenants."""

    def __init__(self, tenants, apps, by_sql=0):
        """`by_sql`: that many more tenants in the first app, inserted at once."""
        self.gatehouse = harness.Gatehouse(mode="all-in-one", environment={"LOG_LEVEL": "WARN"}).start()
        self.client = self.gatehouse.client()
        begun = time.monotonic()
        for i in range(apps):
            app = "app%d" % i
            self.ok(self.client.put("/recipe/multitenancy/app/v2", {"appId": app, "coreConfig": {"access_token_validity": 3600 + i}}))
            client = self.gatehouse.client(app=app)
            for t in range(tenants // apps - 1):
                self.ok(client.put("/recipe/multitenancy/tenant/v2", {"tenantId": "t%d" % t, "firstFactors": ["emailpassword"]}))
            client.close()
        self.made_in_s = time.monotonic() - begun
        if by_sql:
            self.gatehouse.stop()
            self.gatehouse.sql("""INSERT INTO tenant_configs (connection_uri_domain, app_id, tenant_id, core_config, email_password_enabled, passwordless_enabled,
                third_party_enabled, is_first_factors_null) SELECT '', 'app0', 'sql' || n, '{}', true, true, true, true FROM generate_series(1, %d) n;
                INSERT INTO tenants (app_id, tenant_id, created_at_time) SELECT 'app0', 'sql' || n, 1 FROM generate_series(1, %d) n""" % (by_sql, by_sql))
            self.gatehouse.start()
        # In the middle of them all.
        self.app = self.gatehouse.client(app="app%d" % (apps // 2))
        self.tenant = "t0"
        self.user = self.ok(self.app.post("/recipe/signup", {"email": "a@example.com", "password": "x1234567"}, tenant=self.tenant))["user"]["id"]
        session = self.ok(self.app.post("/recipe/session", {"userId": self.user, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False}, tenant=self.tenant))
        self.access, self.refresh_token = session["accessToken"]["token"], session["refreshToken"]["token"]
        self.first_tenant = 0

    @staticmethod
    def ok(reply):
        assert reply.status == 200 and reply.json.get("status") == "OK", reply
        return reply.json

    def hello(self):
        assert self.app.get("/hello").status == 200

    def create_session(self):
        self.ok(self.app.post("/recipe/session", {"userId": self.user, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False,
                                                  "useDynamicSigningKey": True}, tenant=self.tenant))

    def look_up_user(self):
        self.ok(self.app.get("/user/id", {"userId": self.user}))

    def verify(self):
        self.ok(self.app.post("/recipe/session/verify", {"accessToken": self.access, "enableAntiCsrf": False, "doAntiCsrfCheck": False, "checkDatabase": False}, cdi="5.6"))

    def refresh(self):
        body = {"refreshToken": self.refresh_token, "enableAntiCsrf": False, "useDynamicSigningKey": True}
        self.refresh_token = self.ok(self.app.post("/recipe/session/refresh", body, cdi="5.6"))["refreshToken"]["token"]

    def sign_in(self):
        self.ok(self.app.post("/recipe/signin", {"email": "a@example.com", "password": "x1234567"}, tenant=self.tenant))

    def look_up(self):
        self.ok(self.app.get("/recipe/multitenancy/tenant/v2", tenant=self.tenant))

    def create(self):
        """Not removed afterwards: removal is another change."""
        self.first_tenant += 1
        self.ok(self.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": "new%d" % self.first_tenant}))

    def change(self):
        self.ok(self.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": self.tenant, "coreConfig": {"totp_max_attempts": 3 + time.monotonic_ns() % 90}}))


def wait_until_quiet(gatehouse):
    """A start has background work, such as generating signing keys in advance, that belongs to no request."""
    for _ in range(60):
        before = cpu_s(gatehouse)
        time.sleep(1)
        if cpu_s(gatehouse) - before <= TICK_S:
            return


def start_time(database):
    begun = time.monotonic()
    gatehouse = harness.Gatehouse(mode="all-in-one", database=database, environment={"LOG_LEVEL": "WARN"}).start()
    took = time.monotonic() - begun
    gatehouse.stop()
    return took


def main():
    subjects = {"few": Subject(10, 5), "many": Subject(TENANTS, APPS), "one app": Subject(2, 1, by_sql=TENANTS_OF_ONE_APP)}
    for subject in subjects.values():
        wait_until_quiet(subject.gatehouse)
    print("tenants made one by one over REST: %d in %.1f s" % (TENANTS, subjects["many"].made_in_s))
    print("%-28s %12s %12s %12s" % ("", "10 tenants", "%d tenants" % TENANTS, "%d in one" % TENANTS_OF_ONE_APP))
    for name in ("hello", "verify", "create_session", "refresh", "sign_in", "look_up_user", "look_up", "create", "change"):
        times = {key: [] for key in subjects}
        cpu = dict.fromkeys(subjects, 0.0)
        for round_number in range(ROUNDS // 10):
            for key, subject in subjects.items():
                before = cpu_s(subject.gatehouse)
                for _ in range(10):
                    begun = time.perf_counter()
                    getattr(subject, name)()
                    times[key].append(time.perf_counter() - begun)
                cpu[key] += cpu_s(subject.gatehouse) - before
        print("%-28s %9.2f ms %9.2f ms %9.2f ms   (CPU a request: %.2f, %.2f, %.2f ms)" % (
            name, *(1000 * statistics.median(times[key]) for key in subjects), *(1000 * cpu[key] / len(times[key]) for key in subjects)))
    print("%-28s %8.1f MiB %8.1f MiB %8.1f MiB" % ("memory", *(memory_mib(s.gatehouse) for s in subjects.values())))
    before = {key: cpu_s(s.gatehouse) for key, s in subjects.items()}
    time.sleep(66)  # all tenants are read again every 60 s, for changes by a core that sends no notifications
    print("%-28s %10.2f s %10.2f s %10.2f s" % ("CPU of 66 s without requests", *(cpu_s(s.gatehouse) - before[key] for key, s in subjects.items())))
    databases = [s.gatehouse.database for s in subjects.values()]
    for subject in subjects.values():
        subject.gatehouse.stop()
    starts = [[start_time(database) for database in databases] for _ in range(5)]
    print("%-28s %10.2f s %10.2f s %10.2f s" % ("start", *(statistics.median(column) for column in zip(*starts))))


if __name__ == "__main__":
    main()
