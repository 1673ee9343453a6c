"""A process that receives all tenants again knows each of them all the while."""
import threading
import unittest

from integration import harness

TENANTS = 6000


class DirectorySnapshot(unittest.TestCase):
    def test_no_tenant_is_unknown_while_the_directory_comes(self):
        gatehouse = harness.Gatehouse(environment={"LOG_LEVEL": "WARN"}).start()
        self.addCleanup(gatehouse.kill)
        gatehouse.stop()
        gatehouse.sql("""INSERT INTO tenant_configs (connection_uri_domain, app_id, tenant_id, core_config, email_password_enabled, passwordless_enabled,
                         third_party_enabled, is_first_factors_null) SELECT '', 'public', 't' || n, '{}', true, true, true, true FROM generate_series(1, %d) n;
                         INSERT INTO tenants (app_id, tenant_id, created_at_time) SELECT 'public', 't' || n, 1 FROM generate_series(1, %d) n""" % (TENANTS, TENANTS))
        gatehouse.start()
        stop, odd, counts = threading.Event(), [], []

        def ask(number):
            client, count = gatehouse.client(), 0
            while not stop.is_set():
                count += 1
                # In the order in which they are sent, near the end.
                reply = client.get("/recipe/role/users", {"role": "none"}, tenant="t99%d" % (number + 1))
                if reply.status != 200:
                    odd.append(reply)
            counts.append(count)
            client.close()
        threads = [threading.Thread(target=ask, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        try:
            for _ in range(2):
                service = gatehouse.processes["tenants"]
                before = gatehouse.admin("/metrics").text
                self.assertIn('gatehouse_tenants{state="known"} %d\n' % (TENANTS + 1), before)
                service.kill()
                service.start()
                watchers = 'gatehouse_rpc_calls_total{method="WatchTenants",reason="OK",service="tenants"} %d\n' % (len(harness.SERVICES) + 1)
                harness.wait_until(lambda: self.watched(gatehouse, watchers), 60, "the watchers to come back")
        finally:
            stop.set()
            for thread in threads:
                thread.join()
        self.assertEqual(odd[:3], [])
        self.assertGreater(min(counts), 10)

    @staticmethod
    def watched(gatehouse, line):
        try:
            return line in gatehouse.admin("/metrics", "tenants").text
        except OSError:
            return False


if __name__ == "__main__":
    unittest.main()
