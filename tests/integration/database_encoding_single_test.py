"""A database without an encoding: initdb makes such ones where there is no locale, as in small images, and a core may have filled one."""
import unittest
import uuid

from integration import harness


class NoEncoding(harness.GatehouseTest):
    @classmethod
    def setUpClass(cls):
        postgres, name = harness.Postgres.shared(), "ascii_" + uuid.uuid4().hex[:12]
        postgres.sql("CREATE DATABASE %s ENCODING 'SQL_ASCII' LOCALE 'C' TEMPLATE template0" % name, "postgres")
        cls.gatehouse = harness.Gatehouse(database=name).start()
        cls.addClassCleanup(cls.gatehouse.kill)

    def found(self, **tags):
        return sorted(user["emails"][0] for user in self.expect(self.app.get("/users", {"limit": 10, **tags}))["users"])

    def test_users_are_found(self):
        for email in ("zoe@example.com", "zoë@example.com", "zoz@example.com", "zuse@exämple.com"):
            self.expect(self.app.post("/recipe/signinup", {"thirdPartyId": "google", "thirdPartyUserId": uuid.uuid4().hex, "email": {"id": email, "isVerified": True}}))
        self.assertEqual(self.found(email="zo"), ["zoe@example.com", "zoz@example.com", "zoë@example.com"])
        self.assertEqual(self.found(email="zoë"), ["zoë@example.com"])
        self.assertEqual(self.found(email="exäm"), ["zuse@exämple.com"])
        self.assertEqual(self.found(provider="goo", email="zoz"), ["zoz@example.com"])


if __name__ == "__main__":
    unittest.main()
