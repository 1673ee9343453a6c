"""The header `rid`, compared exactly, determines the recipe of `/recipe/user`."""
import unittest

from integration import harness


class RecipeHeader(harness.GatehouseTest):
    def test_another_spelling_names_no_recipe(self):
        user = self.expect(self.app.post("/recipe/signup", {"email": "a@example.com", "password": "correct horse 1"}))["user"]["id"]
        for rid in ("ThirdParty", "THIRDPARTY", "Passwordless", "emailPassword", "nosuch", ""):
            reply = self.expect(self.app.get("/recipe/user", {"email": "a@example.com"}, cdi="3.0", headers={"rid": rid}))
            self.assertEqual(reply["user"]["id"], user)
        reply = self.app.get("/recipe/user", {"email": "a@example.com"}, cdi="3.0", headers={"rid": "thirdparty"})
        self.text(reply, 400, "Please provide one of userId or (thirdPartyId & thirdPartyUserId)")


if __name__ == "__main__":
    unittest.main()
