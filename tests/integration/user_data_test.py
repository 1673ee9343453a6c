"""Whoever keeps data of a user lets them go when the user is removed, and says so while an id is in use."""
import os
import tempfile
import unittest

from integration import harness

PASSWORD = "correct horse 1"


def addresses():
    """Where an application's gRPC client finds services of one process."""
    sockets = tempfile.mkdtemp(prefix="gatehouse-sockets-")
    return {"GATEHOUSE_%s_ADDRESS" % name.upper(): "unix:" + os.path.join(sockets, name) for name in ("session", "roles", "totp", "thirdparty", "passwordless")}


class UserData(harness.GatehouseTest):
    # What several services of one process offer over gRPC, it offers to nobody there, and starts.
    environment = {"BCRYPT_LOG_ROUNDS": "4", **(addresses() if harness.MODE == "all-in-one" else {})}

    def setUp(self):
        super().setUp()
        self.expect(self.app.put("/recipe/role", {"role": "admin"}))

    def user_with_data(self, user):
        self.session = self.expect(self.app.post("/recipe/session", {"userId": user, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False}))
        self.expect(self.app.put("/recipe/user/role", {"userId": user, "role": "admin"}))

    def kept(self, user):
        sessions = self.expect(self.app.get("/recipe/session/user", {"userId": user}))["sessionHandles"]
        return len(sessions), self.expect(self.app.get("/recipe/user/roles", {"userId": user}))["roles"]

    def passwordless(self):
        code = self.expect(self.app.post("/recipe/signinup/code", {"email": "a@x.io"}))
        return self.expect(self.app.post("/recipe/signinup/code/consume", {name: code[name] for name in ("deviceId", "preAuthSessionId", "userInputCode")}))

    def test_removed_users_leave_nothing(self):
        user = self.passwordless()["recipeUserId"]
        self.user_with_data(user)
        self.assertEqual(self.kept(user), (1, ["admin"]))
        self.expect(self.app.post("/user/remove", {"userId": user}))
        self.assertEqual(self.kept(user), (0, []))
        again = self.passwordless()
        self.assertTrue(again["createdNewUser"])
        self.assertNotEqual(again["recipeUserId"], user)

    def test_who_leaves_a_tenant_keeps_nothing_there(self):
        user = self.expect(self.app.post("/recipe/signup", {"email": "b@x.io", "password": PASSWORD}))["recipeUserId"]
        self.user_with_data(user)
        self.expect(self.app.post("/recipe/multitenancy/tenant/user/remove", {"recipeUserId": user}), wasAssociated=True)
        self.assertEqual(self.kept(user), (0, []))

    def test_an_id_that_is_in_use_is_not_mapped(self):
        user = self.expect(self.app.post("/recipe/signup", {"email": "c@x.io", "password": PASSWORD}))["recipeUserId"]
        self.user_with_data(user)
        mapping = {"superTokensUserId": user, "externalUserId": "mine"}
        self.text(self.app.post("/recipe/userid/map", mapping), 400, "UserId is already in use in Session recipe")
        self.expect(self.app.post("/recipe/session/remove", {"userId": user}))
        self.text(self.app.post("/recipe/userid/map", mapping), 400, "UserId is already in use in UserRoles recipe")
        self.expect(self.app.post("/recipe/user/role/remove", {"userId": user, "role": "admin"}))
        self.expect(self.app.post("/recipe/userid/map", mapping))


if __name__ == "__main__":
    unittest.main()
