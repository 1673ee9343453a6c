"""A password-reset token opens an account to anyone who reads the mailbox it went to: it ends when the email or the password changes, however that happens."""
import unittest

from integration import harness

PASSWORD = "correct horse 1"
HASH = "$2a$10$GzEm3vKoAqnJCTWesRARCe/ovjt/07qjvcH9jbLUg44Fn77gMZkmm"
INVALID = "RESET_PASSWORD_INVALID_TOKEN_ERROR"


class ResetTokens(harness.GatehouseTest):
    def sign_up(self, email):
        return self.expect(self.app.post("/recipe/signup", {"email": email, "password": PASSWORD}))["user"]["id"]

    def third_party(self, email, third_party_user_id="g-1"):
        body = {"thirdPartyId": "google", "thirdPartyUserId": third_party_user_id, "email": {"id": email, "isVerified": True}}
        return self.expect(self.app.post("/recipe/signinup", body))["user"]["id"]

    def passwordless(self, email):
        code = self.expect(self.app.post("/recipe/signinup/code", {"email": email}))
        return self.expect(self.app.post("/recipe/signinup/code/consume", {k: code[k] for k in ("preAuthSessionId", "deviceId", "userInputCode")}))["user"]["id"]

    def token(self, user, email):
        return self.expect(self.app.post("/recipe/user/password/reset/token", {"userId": user, "email": email}))["token"]

    def change(self, user, **what):
        self.expect(self.app.put("/recipe/user", {"recipeUserId": user, **what}))

    def reset(self, token, status="OK"):
        return self.expect(self.app.post("/recipe/user/password/reset", {"method": "token", "token": token, "newPassword": "taken over 1"}), status=status)

    def consume(self, token, status="OK"):
        return self.expect(self.app.post("/recipe/user/password/reset/token/consume", {"token": token}), status=status)

    def link(self, primary, user):
        self.expect(self.app.post("/recipe/accountlinking/user/primary", {"recipeUserId": primary}))
        self.expect(self.app.post("/recipe/accountlinking/user/link", {"recipeUserId": user, "primaryUserId": primary}))

    def test_a_new_email_password_or_both_end_all_of_the_users_tokens(self):
        other = self.sign_up("other@example.com")
        others_token = self.token(other, "other@example.com")
        for i, change in enumerate(({"email": "new0@example.com"}, {"password": "another 2"}, {"email": "new2@example.com", "password": "another 2"})):
            email = "old%d@example.com" % i
            user = self.sign_up(email)
            tokens = [self.token(user, email) for _ in range(3)]
            self.change(user, **change)
            self.reset(tokens[0], INVALID)
            self.consume(tokens[1], INVALID)
            self.reset(tokens[2], INVALID)
            self.expect(self.app.post("/recipe/signin", {"email": change.get("email", email), "password": change.get("password", PASSWORD)}))
            # A token sent afterwards does.
            self.reset(self.token(user, change.get("email", email)))
        self.reset(others_token)

    def test_an_imported_hash_is_a_new_password(self):
        token = self.token(self.sign_up("a@example.com"), "a@example.com")
        self.expect(self.app.post("/recipe/user/passwordhash/import", {"email": "a@example.com", "passwordHash": HASH}), didUserAlreadyExist=True)
        self.reset(token, INVALID)
        self.expect(self.app.post("/recipe/signin", {"email": "a@example.com", "password": "testPass123"}))

    def test_what_changes_nothing_ends_nothing(self):
        user = self.sign_up("a@example.com")
        token = self.token(user, "a@example.com")
        self.sign_up("b@example.com")
        self.change(user, email="A@example.com")
        self.expect(self.app.put("/recipe/user", {"recipeUserId": user, "email": "b@example.com", "password": "another 2"}), status="EMAIL_ALREADY_EXISTS_ERROR")
        self.reset(token)

    def test_emails_of_other_recipes(self):
        user = self.third_party("old@example.com")
        token = self.token(user, "old@example.com")
        self.assertEqual(self.third_party("new@example.com"), user)
        self.consume(token, INVALID)
        user = self.passwordless("code@example.com")
        token = self.token(user, "code@example.com")
        self.expect(self.app.put("/recipe/user", {"recipeUserId": user, "email": "newcode@example.com"}, headers={"rid": "passwordless"}))
        self.consume(token, INVALID)

    def group(self):
        """A primary user with lead@example.com, and a third-party user with member@example.com linked to it."""
        lead, member = self.sign_up("lead@example.com"), self.third_party("member@example.com")
        self.link(lead, member)
        return lead, member

    def test_a_group_loses_a_members_email(self):
        lead, member = self.group()
        gone, kept = self.token(lead, "Member@example.com"), self.token(lead, "lead@example.com")
        self.assertEqual(self.third_party("renamed@example.com"), lead)
        self.consume(gone, INVALID)
        self.assertEqual(self.consume(kept)["email"], "lead@example.com")

    def test_a_member_leaves(self):
        for path, body in (("/recipe/accountlinking/user/unlink", "recipeUserId"), ("/user/remove", "userId")):
            self.app = self.gatehouse.new_app()
            lead, member = self.group()
            gone, kept = self.token(lead, "member@example.com"), self.token(lead, "lead@example.com")
            self.expect(self.app.post(path, {body: member, **({"removeAllLinkedAccounts": False} if body == "userId" else {})}))
            self.consume(gone, INVALID)
            self.assertEqual(self.consume(kept)["email"], "lead@example.com")

    def test_an_email_that_another_member_has_too_stays(self):
        lead = self.sign_up("both@example.com")
        member = self.third_party("both@example.com")
        self.link(lead, member)
        token = self.token(lead, "both@example.com")
        self.third_party("renamed@example.com")
        self.assertEqual(self.consume(token)["email"], "both@example.com")


if __name__ == "__main__":
    unittest.main()
