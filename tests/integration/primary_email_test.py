"""A primary user's email stays reserved for it when it changes, even if it was the user's only reservation."""
import unittest

from integration import harness


class PrimaryEmail(harness.GatehouseTest):
    def test_changed_email_is_reserved(self):
        user = self.expect(self.app.post("/recipe/signup", {"email": "old@example.com", "password": "x1234567"}))["user"]["id"]
        self.expect(self.app.post("/recipe/accountlinking/user/primary", {"recipeUserId": user}))
        self.expect(self.app.put("/recipe/user", {"recipeUserId": user, "email": "new@example.com"}))
        self.assertEqual(self.gatehouse.sql("SELECT account_info_value, trim(primary_user_id) FROM primary_user_tenants WHERE app_id = '%s'" % self.app.app),
                         [["new@example.com", user]])
        for email, status in (("new@example.com", "ACCOUNT_INFO_ALREADY_ASSOCIATED_WITH_ANOTHER_PRIMARY_USER_ID_ERROR"), ("old@example.com", "OK")):
            body = {"thirdPartyId": "google", "thirdPartyUserId": email, "email": {"id": email, "isVerified": False}}
            other = self.expect(self.app.post("/recipe/signinup", body))["user"]["id"]
            self.expect(self.app.post("/recipe/accountlinking/user/primary", {"recipeUserId": other}), status=status)


if __name__ == "__main__":
    unittest.main()
