"""A request that imports one user at once is killed wherever it is: what it has registered is completed when accounts is back, and the rest is forgotten. Nobody has to help."""
import threading
import unittest

from integration import harness, registry_invariants

IMPORT = "/bulk-import/import"
SECRET = "JBSWY3DPEHPK3PXP"
PASSWORD = "correct horse 1"


class KilledImport(harness.GatehouseTest):
    @classmethod
    def setUpClass(cls):
        # Otherwise a statement that waits for a lock goes on when its client is gone.
        cls.postgres = harness.Postgres(settings=["client_connection_check_interval=100ms"])
        cls.addClassCleanup(cls.postgres.stop)
        cls.gatehouse = harness.Gatehouse(environment={"BCRYPT_LOG_ROUNDS": "4"}, postgres=cls.postgres).start()
        cls.addClassCleanup(cls.gatehouse.kill)

    def user(self, name, methods=(), **more):
        return {"externalUserId": name, "loginMethods": [{"recipeId": "emailpassword", "email": name + "@x.io", "plainTextPassword": PASSWORD, "isPrimary": True}, *methods], **more}

    def found(self, name):
        return self.expect(self.app.get("/users/by-accountinfo", {"email": name + "@x.io", "doUnionOfAccountInfo": "false"}))["users"]

    def waits(self, table):
        sql = "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE a.datname = current_database() AND NOT l.granted AND l.relation = '%s'::regclass"
        return self.gatehouse.sql(sql % table)[0][0] != "0"

    def test_at_every_step(self):
        self.expect(self.app.put("/recipe/role", {"role": "admin"}))
        steps = {
            "app_id_to_user_id": self.user("registry"),
            "thirdparty_users": self.user("social", [{"recipeId": "thirdparty", "email": "social@x.io", "thirdPartyId": "google", "thirdPartyUserId": "s"}]),
            "passwordless_users": self.user("code", [{"recipeId": "passwordless", "email": "code@x.io"}]),
            "totp_user_devices": self.user("device", totpDevices=[{"secretKey": SECRET, "deviceName": "phone"}], userRoles=[{"role": "admin", "tenantIds": ["public"]}]),
            "user_roles": self.user("role", userRoles=[{"role": "admin", "tenantIds": ["public"]}], userMetadata={"plan": "pro"}),
        }
        cut = []

        def ask(body):
            client = self.gatehouse.client(app=self.app.app)
            try:
                reply = client.post(IMPORT, body)
                cut.append(reply.status)
            except (OSError, harness.http.client.HTTPException):
                cut.append("cut")
            finally:
                client.close()
        threads = [threading.Thread(target=ask, args=(body,)) for body in steps.values()]
        # All but the registry first: it would hold up the others.
        tables = list(steps)
        with self.gatehouse.postgres.session(self.gatehouse.database) as session:
            session.run("BEGIN;" + "".join("LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE;" % table for table in tables[1:]))
            for thread in threads[1:]:
                thread.start()
            for table in tables[1:]:
                harness.wait_until(lambda table=table: self.waits(table), 20, "a writer of " + table)
            session.run("LOCK TABLE %s IN SHARE ROW EXCLUSIVE MODE;" % tables[0])
            threads[0].start()
            harness.wait_until(lambda: self.waits(tables[0]), 20, "a writer of the registry")
            accounts = self.gatehouse.processes.get("accounts") or self.gatehouse.processes["gatehouse"]
            accounts.kill()
            if self.gatehouse.mode == "split":  # what accounts has asked others for ends too
                for service in ("users", "thirdparty", "passwordless", "totp", "roles"):
                    self.gatehouse.processes[service].kill()
            harness.wait_until(lambda: not any(self.waits(table) for table in tables), 20, "the writers' ends")
            session.run("ROLLBACK;")
        for thread in threads:
            thread.join()
        self.assertNotIn(200, cut)
        rows = self.gatehouse.sql("SELECT raw_data FROM bulk_import_users WHERE app_id = '%s'" % self.app.app)
        self.assertEqual(len(rows), len(steps))
        self.assertFalse(any(PASSWORD in row[0] for row in rows))
        # As if the requests' time had passed.
        self.gatehouse.sql("UPDATE bulk_import_users SET updated_at = 1")
        for process in self.gatehouse.processes.values():
            if process.process.poll() is not None:
                process.start()
        self.gatehouse.wait_ready()
        left = "SELECT count(*) FROM bulk_import_users WHERE app_id = '%s'" % self.app.app
        harness.wait_until(lambda: self.gatehouse.sql(left) == [["0"]], 40, "the job")
        self.assertEqual(self.found("registry"), [])
        for name in ("social", "code", "device", "role"):
            user = self.expect(self.app.post("/recipe/signin", {"email": name + "@x.io", "password": PASSWORD}))["user"]
            self.assertEqual(user["id"], name)
        self.assertEqual([method["recipeId"] for method in self.found("social")[0]["loginMethods"]], ["emailpassword", "thirdparty"])
        self.assertEqual([method["recipeId"] for method in self.found("code")[0]["loginMethods"]], ["emailpassword", "passwordless"])
        self.assertEqual(self.gatehouse.sql("SELECT count(*) FROM thirdparty_users UNION ALL SELECT count(*) FROM passwordless_users"), [["1"], ["1"]])
        self.assertEqual([one["name"] for one in self.expect(self.app.get("/recipe/totp/device/list", {"userId": "device"}))["devices"]], ["phone"])
        for name in ("device", "role"):
            self.expect(self.app.get("/recipe/user/roles", {"userId": name}), roles=["admin"])
        self.expect(self.app.get("/recipe/user/metadata", {"userId": "role"}), metadata={"plan": "pro"})
        self.assertEqual(registry_invariants.broken(self.gatehouse.sql), {})
        # The one that was forgotten may be imported now.
        self.expect(self.app.post(IMPORT, steps["app_id_to_user_id"]))
        self.assertEqual(len(self.found("registry")), 1)


if __name__ == "__main__":
    unittest.main()
