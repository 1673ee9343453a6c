"""Users of every app leave: those of connection URI domains, which have a database of their own, too. `gatehouse import` brings them back, under the same domain and app."""
import json
import os
import stat
import tempfile
import unittest

from integration import harness
from integration.porting_test import gatehouse

PASSWORD = "correct horse 1"
DOMAIN, OTHER = "eu.example.com", "us.example.com"


class ExportDomains(harness.GatehouseTest):
    environment = {"BCRYPT_LOG_ROUNDS": "4"}

    def setUp(self):
        super().setUp()
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = directory.name

    def of(self, domain, app=None):
        client = self.gatehouse.client(app=app)
        client.headers["Host"] = domain
        self.addCleanup(client.close)
        return client

    def sign_up(self, client, email):
        return self.expect(client.post("/recipe/signup", {"email": email, "password": PASSWORD}))["recipeUserId"]

    def signs_in(self, client, email):
        return self.expect(client.post("/recipe/signin", {"email": email, "password": PASSWORD}))["user"]["id"]

    def path(self, *names):
        return os.path.join(self.directory, *names)

    def emails(self, *names):
        with open(self.path(*names), encoding="utf-8") as f:
            return [user["loginMethods"][0]["email"] for user in map(json.loads, f)]

    def test_all_apps_of_all_domains(self):
        root = self.gatehouse.client()
        self.addCleanup(root.close)
        for domain in (DOMAIN, OTHER):
            database = self.gatehouse.postgres.create_database()
            self.expect(root.put("/recipe/multitenancy/connectionuridomain/v2",
                                 {"connectionUriDomain": domain, "coreConfig": {"postgresql_connection_uri": self.gatehouse.postgres.uri(database)}}))
            self.expect(self.of(domain).put("/recipe/multitenancy/app/v2", {"appId": "shop"}))
        user = self.sign_up(self.of(DOMAIN, "shop"), "shop@x.io")
        self.sign_up(self.of(DOMAIN), "eu@x.io")
        self.sign_up(self.of(OTHER, "shop"), "other@x.io")
        self.sign_up(self.app, "app@x.io")
        self.sign_up(root, "root@x.io")
        done = gatehouse(self.gatehouse, "export", "--all", self.path("all"))
        self.assertEqual(done.returncode, 0, done)
        self.assertEqual(stat.S_IMODE(os.stat(self.path("all")).st_mode), 0o700)
        self.assertEqual(self.emails("all", "public.jsonl"), ["root@x.io"])
        self.assertEqual(self.emails("all", self.app.app + ".jsonl"), ["app@x.io"])
        self.assertEqual(self.emails("all", DOMAIN, "public.jsonl"), ["eu@x.io"])
        self.assertEqual(self.emails("all", DOMAIN, "shop.jsonl"), ["shop@x.io"])
        self.assertEqual(self.emails("all", OTHER, "shop.jsonl"), ["other@x.io"])
        self.assertEqual(stat.S_IMODE(os.stat(self.path("all", DOMAIN, "shop.jsonl")).st_mode), 0o600)
        # One of them.
        done = gatehouse(self.gatehouse, "export", self.path("one.jsonl"), "--domain", DOMAIN, "--app", "shop")
        self.assertEqual((done.returncode, self.emails("one.jsonl")), (0, ["shop@x.io"]), done)
        # Back into an app that lost it.
        self.expect(self.of(DOMAIN, "shop").post("/user/remove", {"userId": user}))
        done = gatehouse(self.gatehouse, "import", self.path("all", DOMAIN, "shop.jsonl"), "--url", "http://127.0.0.1:%d" % self.gatehouse.port, "--domain", DOMAIN, "--app", "shop")
        self.assertEqual((done.returncode, "1 user imported" in done.stderr), (0, True), done)
        self.assertEqual(self.signs_in(self.of(DOMAIN, "shop"), "shop@x.io"), user)
        # Those who are there already fail, by line.
        done = gatehouse(self.gatehouse, "import", self.path("all", OTHER, "shop.jsonl"), "--url", "http://127.0.0.1:%d" % self.gatehouse.port, "--domain", OTHER, "--app", "shop", "--dry-run")
        self.assertEqual((done.returncode, done.stdout.count("\n") > 0), (3, True), done)

    def test_refusals(self):
        for arguments, text in ((("--all", self.path("a"), "--app", "shop"), "--all writes a directory"), (("--all", "-"), "--all writes a directory"),
                                ((self.path("a"), "--domain", "no.example.com"), "there is no app public of the domain no.example.com"),
                                (("--all", self.directory), "cannot create")):
            done = gatehouse(self.gatehouse, "export", *arguments)
            self.assertEqual((done.returncode, text in done.stderr), (1, True), done)
        self.assertEqual(os.listdir(self.directory), [])


if __name__ == "__main__":
    unittest.main()
