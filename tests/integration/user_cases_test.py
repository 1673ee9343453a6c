"""Cases that are easily answered a little differently from the original."""
import unittest
import uuid

from integration import harness, registry_invariants

PASSWORD = "correct horse 1"
NO_TENANT = "AppId or tenantId not found => Tenant with the following connectionURIDomain, appId and tenantId combination not found: (, %s, nosuch)"


class UserCases(harness.GatehouseTest):
    environment = {"BCRYPT_LOG_ROUNDS": "4"}

    def tenants(self, *tenants):
        for tenant in tenants:
            self.expect(self.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": tenant}))

    def email_password(self, email, tenant=None):
        return self.expect(self.app.post("/recipe/signup", {"email": email, "password": PASSWORD}, tenant=tenant))["recipeUserId"]

    def third_party(self, email, user_id, provider="google", tenant=None):
        body = {"thirdPartyId": provider, "thirdPartyUserId": user_id, "email": {"id": email, "isVerified": False}}
        return self.expect(self.app.post("/recipe/signinup", body, tenant=tenant))["recipeUserId"]

    def passwordless(self, tenant=None, **contact):
        code = self.expect(self.app.post("/recipe/signinup/code", contact, tenant=tenant))
        body = {name: code[name] for name in ("deviceId", "preAuthSessionId", "userInputCode")}
        return self.expect(self.app.post("/recipe/signinup/code/consume", body, tenant=tenant))["recipeUserId"]

    def primary(self, user):
        self.expect(self.app.post("/recipe/accountlinking/user/primary", {"recipeUserId": user}))
        return user

    def found(self, **tags):
        return [user["id"] for user in self.expect(self.app.get("/users", tags))["users"]]

    def test_search(self):
        a = self.email_password("a_b@x.io")
        b = self.email_password("aXb@y.io")
        c = self.third_party("c@sub.x.io", "a1", provider="Twitter")
        d = self.passwordless(phoneNumber="+14155550123")
        e = self.email_password("\u00dcber@z.io")
        self.assertEqual(self.found(email="a_b"), [a, b])
        self.assertEqual(self.found(email=" A_B ;; "), [a, b])
        self.assertEqual(self.found(email="%b"), [a, b, c, e])
        self.assertEqual(self.found(email="%"), [a, b, c, e])
        self.assertEqual(self.found(email="\u00dcBER"), [e])
        self.assertEqual(self.found(email="x.io"), [a])
        self.assertEqual(self.found(email="sub;z.io"), [c, e])
        self.assertEqual(self.found(email="io"), [])
        self.assertEqual(self.found(phone="+1%0123"), [d])
        self.assertEqual(self.found(phone="1415"), [])
        self.assertEqual(self.found(provider="tw%a"), [])
        self.assertEqual(self.found(provider="t_itter"), [c])
        self.assertEqual(self.found(provider="tw", email="c@"), [c])
        self.assertEqual(self.found(provider="tw", email="a"), [])
        self.assertEqual(self.found(provider="tw", phone="+1"), [])
        self.assertEqual(self.found(email="%", timeJoinedOrder="DESC"), [e, c, b, a])

    def test_an_empty_account_info_is_nobodys(self):
        user = self.email_password("a@x.io")
        query = {"email": "a@x.io", "phoneNumber": "", "doUnionOfAccountInfo": "false"}
        self.assertEqual(self.expect(self.app.get("/users/by-accountinfo", query))["users"], [])
        users = self.expect(self.app.get("/users/by-accountinfo", {**query, "doUnionOfAccountInfo": "true"}))["users"]
        self.assertEqual([found["id"] for found in users], [user])

    def test_an_unknown_tenant_is_told_first(self):
        unknown = NO_TENANT % self.app.app
        for query in ({"limit": "0"}, {"limit": "x"}, {"timeJoinedOrder": "asc"}, {"paginationToken": ""}):
            self.text(self.app.get("/users", query, tenant="nosuch"), 400, unknown)
        self.text(self.app.get("/users", {"includeRecipeIds": "x"}, tenant="nosuch"), 400, "Unknown recipe ID: x")
        self.text(self.app.get("/recipe/users/by-email", tenant="nosuch"), 400, unknown)
        self.text(self.app.get("/recipe/users/by-email"), 400, "Field name 'email' is missing in GET request")
        self.text(self.app.post("/recipe/user/password/reset/token", {"userId": "x"}, tenant="nosuch"), 400, unknown)

    def test_a_missing_email_of_a_reset_is_told_last(self):
        path = "/recipe/user/password/reset/token"
        user = self.email_password("a@x.io")
        self.expect(self.app.post(path, {"userId": "nobody"}), status="UNKNOWN_USER_ID_ERROR")
        self.text(self.app.post(path, {"userId": user}), 400, "Field name 'email' is invalid in JSON input")
        self.expect(self.app.put("/recipe/multitenancy/tenant/v2", {"tenantId": "other", "firstFactors": ["thirdparty"]}))
        self.text(self.app.post(path, {"userId": user}, tenant="other", cdi="4.0"), 403, "Email password login not enabled for tenant")

    def test_a_user_without_tenants_does_not_count(self):
        self.tenants("t1")
        user, linked = self.email_password("a@x.io"), self.third_party("b@x.io", "1", tenant="t1")

        def count(expected, **query):
            self.expect(self.app.get("/users/count", {"includeAllTenants": "true", **query}), count=expected)

        def leave(who, tenant=None):
            self.expect(self.app.post("/recipe/multitenancy/tenant/user/remove", {"recipeUserId": who}, tenant=tenant), wasAssociated=True)
        count(2)
        leave(user)
        count(1)
        count(0, includeRecipeIds="emailpassword")
        self.expect(self.app.get("/user/id", {"userId": user}))
        self.expect(self.app.post("/recipe/multitenancy/tenant/user", {"recipeUserId": user}, tenant="t1"))
        count(2)
        self.primary(user)
        self.expect(self.app.post("/recipe/accountlinking/user/link", {"recipeUserId": linked, "primaryUserId": user}))
        count(1)
        leave(user, "t1")
        count(1)
        count(0, includeRecipeIds="emailpassword")
        count(1, includeRecipeIds="thirdparty")
        self.expect(self.app.post("/recipe/multitenancy/tenant/remove", {"tenantId": "t1"}))
        count(0)
        self.assertEqual(registry_invariants.broken(self.gatehouse.sql), {})

    def test_groups_and_tenants(self):
        self.tenants("t1")
        group = self.primary(self.email_password("a@x.io"))
        linked = self.third_party("b@x.io", "1")
        self.expect(self.app.post("/recipe/accountlinking/user/link", {"recipeUserId": linked, "primaryUserId": group}))
        other = self.primary(self.email_password("a@x.io", tenant="t1"))
        for user in (group, linked):
            self.expect(self.app.post("/recipe/multitenancy/tenant/user", {"recipeUserId": user}, tenant="t1"), status="EMAIL_ALREADY_EXISTS_ERROR")
        self.expect(self.app.post("/user/remove", {"userId": other}))
        other = self.primary(self.passwordless(tenant="t1", email="a@x.io"))
        for user in (group, linked):
            self.expect(self.app.post("/recipe/multitenancy/tenant/user", {"recipeUserId": user}, tenant="t1"), status="ASSOCIATION_NOT_ALLOWED_ERROR",
                        reason="Another primary user with email already exists: " + other)

    def test_what_is_left_of_a_group_is_nobody(self):
        left = self.primary(self.email_password("a@x.io"))
        last, other = self.email_password("b@x.io"), self.email_password("c@x.io")
        self.expect(self.app.post("/recipe/accountlinking/user/link", {"recipeUserId": last, "primaryUserId": left}))
        self.expect(self.app.post("/user/remove", {"userId": left, "removeAllLinkedAccounts": False}))
        self.expect(self.app.put("/recipe/user/metadata", {"userId": left, "metadataUpdate": {"k": 1}}))
        self.assertEqual(self.expect(self.app.get("/user/id", {"userId": last}))["user"]["id"], left)
        self.expect(self.app.post("/recipe/accountlinking/user/unlink", {"recipeUserId": last}), wasRecipeUserDeleted=False, wasLinked=True)

        self.expect(self.app.get("/user/id", {"userId": left}), status="UNKNOWN_USER_ID_ERROR")
        nobody = {"recipeUserId": str(uuid.uuid4())}
        to_nobody, to_left = {"recipeUserId": other, "primaryUserId": nobody["recipeUserId"]}, {"recipeUserId": other, "primaryUserId": left}
        from_nobody, from_left = {**nobody, "primaryUserId": other}, {"recipeUserId": left, "primaryUserId": other}
        linking = "/recipe/accountlinking/user/"
        for call, path, unknown, body in ((self.app.get, "primary/check", nobody, {"recipeUserId": left}), (self.app.post, "primary", nobody, {"recipeUserId": left}),
                                          (self.app.post, "unlink", nobody, {"recipeUserId": left}),
                                          (self.app.get, "link/check", to_nobody, to_left), (self.app.post, "link", to_nobody, to_left),
                                          (self.app.get, "link/check", from_nobody, from_left), (self.app.post, "link", from_nobody, from_left)):
            expected, reply = call(linking + path, unknown), call(linking + path, body)
            self.assertEqual((reply.status, reply.text), (expected.status, expected.text), path)
            self.assertIn("nknown", reply.text.replace("UNKNOWN", "Unknown"), path)
        # The data stored under its id stay until it is removed.
        self.assertEqual(self.expect(self.app.get("/recipe/user/metadata", {"userId": left}))["metadata"], {"k": 1})
        self.assertEqual(registry_invariants.broken(self.gatehouse.sql), {})
        self.expect(self.app.post("/user/remove", {"userId": left}))
        self.assertEqual(self.expect(self.app.get("/recipe/user/metadata", {"userId": left}))["metadata"], {})
        self.assertEqual(self.gatehouse.sql("SELECT count(*) FROM app_id_to_user_id WHERE app_id = '%s'" % self.app.app), [["2"]])

    def test_a_user_moves_to_another_recipe_under_its_id(self):
        """A successor gets a user's id as its external one, by force; both sign in until the old user is removed, whose data stay with the id."""
        self.expect(self.app.put("/recipe/role", {"role": "r"}))
        for whole_group in (True, False):
            old, new = self.email_password("a@x.io"), self.third_party("b@x.io", "1")
            self.expect(self.app.put("/recipe/user/metadata", {"userId": old, "metadataUpdate": {"k": 1}}))
            self.expect(self.app.put("/recipe/user/role", {"userId": old, "role": "r"}))
            session = {"userId": old, "userDataInJWT": {}, "userDataInDatabase": {}, "enableAntiCsrf": False, "useDynamicSigningKey": True}
            self.expect(self.app.post("/recipe/session", session))
            self.expect(self.app.post("/recipe/userid/map", {"superTokensUserId": new, "externalUserId": old, "force": True}))

            def recipe(user):
                return self.app.get("/user/id", {"userId": user}).json.get("user", {"loginMethods": [{"recipeId": None}]})["loginMethods"][0]["recipeId"]

            def data():
                return (self.app.get("/recipe/user/metadata", {"userId": old}).json["metadata"], self.app.get("/recipe/user/roles", {"userId": old}).json["roles"],
                        len(self.app.get("/recipe/session/user", {"userId": old}).json["sessionHandles"]))
            sign_in = {"email": "a@x.io", "password": PASSWORD}
            self.expect(self.app.post("/recipe/signin", sign_in), recipeUserId=old)
            self.assertEqual((recipe(old), recipe(new), data()), ("thirdparty", "thirdparty", ({"k": 1}, ["r"], 1)))
            self.expect(self.app.post("/user/remove", {"userId": old, "removeAllLinkedAccounts": whole_group}))
            self.expect(self.app.post("/recipe/signin", sign_in), status="WRONG_CREDENTIALS_ERROR")
            self.assertEqual((recipe(old), recipe(new), data()), ("thirdparty", "thirdparty", ({"k": 1}, ["r"], 1)))
            self.expect(self.app.post("/user/remove", {"userId": old, "removeAllLinkedAccounts": whole_group}))
            self.assertEqual((recipe(old), recipe(new), data()), (None, None, ({}, [], 0)))
        self.assertEqual(registry_invariants.broken(self.gatehouse.sql), {})

    def test_conflicts_of_links(self):
        self.tenants("t1")
        there = self.primary(self.third_party("a@x.io", "1", tenant="t1"))
        group = self.primary(self.email_password("c@x.io", tenant="t1"))
        twin = self.third_party("a@x.io", "1")
        expected = {"status": "ACCOUNT_INFO_ALREADY_ASSOCIATED_WITH_ANOTHER_PRIMARY_USER_ID_ERROR", "primaryUserId": there,
                    "description": "This user's email is already associated with another user ID"}
        ids = {"recipeUserId": twin, "primaryUserId": group}
        self.expect(self.app.get("/recipe/accountlinking/user/link/check", ids), **expected)
        self.expect(self.app.post("/recipe/accountlinking/user/link", ids), **expected)


if __name__ == "__main__":
    unittest.main()
