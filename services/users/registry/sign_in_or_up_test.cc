// Signing in or up, and changing what a login method is known by, on a real database.

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "libs/testing/fake_clock.h"
#include "services/users/linking/linking_test_env.h"
#include "services/users/registry/sign_in_or_up.h"

namespace gatehouse::users {
namespace {

using Result = IdentityChange::Result;

class SignInOrUpTest : public ::testing::TestWithParam<bool> {
 protected:
  ~SignInOrUpTest() override { EXPECT_EQ(env.Violations(), ""); }

  SignedInOrUp SignIn(std::string_view type, const std::string& value) {
    Identity identity = {.recipe_id = std::string(kPasswordlessRecipe)};
    (type == kEmailInfo ? identity.email : identity.phone_number) = value;
    auto signed_in = users::SignInOrUp(env.users, clock, env.Scope(), identity, true);
    EXPECT_TRUE(signed_in.ok()) << signed_in.status();
    return signed_in->value();
  }
  std::string SignUp(const std::string& email) {
    return SignIn(kEmailInfo, email).method.supertokens_user_id();
  }
  Result Change(const std::string& id, std::optional<ContactUpdate> email,
                std::optional<ContactUpdate> phone_number) {
    auto change = env.users.ChangeIdentity(env.Scope(), kPasswordlessRecipe, id,
                                           {.email = email, .phone_number = phone_number});
    EXPECT_TRUE(change.ok()) << change.status();
    return change->result;
  }
  v1::LoginMethod Method(const std::string& id) {
    return *FindLoginMethod(**env.users.FindById(env.Scope(), id), id);
  }

  LinkingTestEnv env{GetParam()};
  testing::FakeClock clock;
};
INSTANTIATE_TEST_SUITE_P(Modes, SignInOrUpTest, ::testing::Bool());

TEST_P(SignInOrUpTest, SignsUpOnceAndIn) {
  const SignedInOrUp up = SignIn(kEmailInfo, "a@x.io");
  EXPECT_TRUE(up.created);
  EXPECT_TRUE(up.method.verified());
  const SignedInOrUp in = SignIn(kEmailInfo, "a@x.io");
  EXPECT_FALSE(in.created);
  EXPECT_EQ(in.method.SerializeAsString(), up.method.SerializeAsString());
  const SignedInOrUp phone = SignIn(kPhoneInfo, "+14155550001");
  EXPECT_TRUE(phone.created);
  EXPECT_FALSE(phone.method.has_email());
  EXPECT_EQ(SignIn(kPhoneInfo, "+14155550001").method.SerializeAsString(),
            phone.method.SerializeAsString());
}

TEST_P(SignInOrUpTest, ManySignUpsAtOnceMakeOneUser) {
  std::atomic<int> created = 0;
  AtOnce(8, [&](int) { created += SignIn(kEmailInfo, "a@x.io").created; });
  EXPECT_EQ(created, 1);
}

TEST_P(SignInOrUpTest, ContactsAreSetChangedAndCleared) {
  const std::string id = SignUp("a@x.io");
  EXPECT_EQ(Change(id, ContactUpdate{"b@x.io"}, std::nullopt), Result::kDone);
  EXPECT_EQ(Method(id).email(), "b@x.io");
  EXPECT_EQ(Change(id, ContactUpdate{}, ContactUpdate{"+14155550001"}), Result::kDone);
  EXPECT_FALSE(Method(id).has_email());
  EXPECT_EQ(Method(id).phone_number(), "+14155550001");
  EXPECT_EQ(Method(id).tenant_ids_size(), 1);
  EXPECT_EQ(Change(id, std::nullopt, ContactUpdate{}), Result::kNoContactLeft);
  EXPECT_EQ(Change(id, std::nullopt, std::nullopt), Result::kDone);
  EXPECT_EQ(Change(env.SignUp("p@x.io"), ContactUpdate{"q@x.io"}, std::nullopt),
            Result::kUnknownUser);
  EXPECT_EQ(SignIn(kPhoneInfo, "+14155550001").method.supertokens_user_id(), id);
}

TEST_P(SignInOrUpTest, TakenContactsAreRefused) {
  const std::string id = SignUp("a@x.io");
  SignUp("b@x.io");
  env.Primary("c@x.io");
  EXPECT_EQ(Change(id, ContactUpdate{"b@x.io"}, std::nullopt), Result::kTaken);
  EXPECT_EQ(Change(id, ContactUpdate{"c@x.io"}, std::nullopt), Result::kDone);
  EXPECT_EQ(Change(id, ContactUpdate{"a@x.io"}, std::nullopt), Result::kDone);
  EXPECT_EQ(env.MakePrimary(id), LinkResult::kDone);
  EXPECT_EQ(Change(id, ContactUpdate{"c@x.io"}, std::nullopt), Result::kNotAllowed);
  EXPECT_EQ(Method(id).email(), "a@x.io");
}

TEST_P(SignInOrUpTest, GroupsReservationsFollow) {
  const std::string id = SignUp("a@x.io");
  EXPECT_EQ(env.MakePrimary(id), LinkResult::kDone);
  EXPECT_EQ(Change(id, ContactUpdate{"b@x.io"}, ContactUpdate{"+14155550001"}), Result::kDone);
  EXPECT_EQ(env.Violations(), "");
  env.Primary("a@x.io");  // free again
  EXPECT_EQ(env.MakePrimary(env.SignUp("b@x.io")), LinkResult::kAccountInfoTaken);
}

TEST_P(SignInOrUpTest, AThirdPartysEmailIsFollowedInEveryTenant) {
  const std::string id = env.SignUpThirdParty("a@x.io", "1");
  EXPECT_EQ(env.store.AddToTenant(env.Scope("t1"), id)->result, TenantResult::kAdded);
  const Identity moved = {.recipe_id = std::string(kThirdPartyRecipe),
                          .email = "b@x.io",
                          .third_party = ThirdPartyId{"google", "1"}};
  for (const char* tenant : {"public", "t1"}) {
    auto signed_in = SignInOrUp(env.users, clock, env.Scope(tenant), moved, false);
    ASSERT_TRUE(signed_in.ok() && signed_in->has_value()) << signed_in.status();
    EXPECT_FALSE((*signed_in)->created);
    EXPECT_EQ((*signed_in)->method.supertokens_user_id(), id);
    EXPECT_EQ((*signed_in)->method.email(), "b@x.io");
  }
  env.Primary("c@x.io");
  EXPECT_EQ(env.MakePrimary(id), LinkResult::kDone);
  Identity taken = moved;
  taken.email = "c@x.io";
  EXPECT_FALSE(SignInOrUp(env.users, clock, env.Scope(), taken, false)->has_value());
}

constexpr db::Statement kAddPasskey = {
    "test_add_passkey",
    "WITH owner AS (INSERT INTO {webauthn_users} (app_id, user_id, email, rp_id, time_joined)"
    "  SELECT app_id, user_id, 'p@x.io', $2, 0 FROM {app_id_to_user_id} WHERE user_id = $1"
    "  ON CONFLICT DO NOTHING)"
    " INSERT INTO {webauthn_credentials} (app_id, id, rp_id, user_id, counter, public_key,"
    "  transports, created_at, updated_at)"
    " SELECT app_id, $3, $2, user_id, 0, '', '[]', 0, 0 FROM {app_id_to_user_id}"
    " WHERE user_id = $1"};
constexpr db::Statement kOldPasskeyUser = {
    "test_old_passkey_user",
    "SELECT count(*) FROM {webauthn_user_to_tenant} WHERE user_id = $1 AND email = $2"};

TEST_P(SignInOrUpTest, PasskeyUsersAreKnownByTheirEmailAndShowTheirPasskeys) {
  Identity identity = {.recipe_id = std::string(kWebauthnRecipe), .email = "p@x.io"};
  auto signed_up = SignInOrUp(env.users, clock, env.Scope(), identity, false);
  ASSERT_TRUE(signed_up.ok()) << signed_up.status();
  EXPECT_TRUE((*signed_up)->created);
  EXPECT_FALSE((*signed_up)->method.verified());
  const std::string id = (*signed_up)->method.supertokens_user_id();
  EXPECT_FALSE((*SignInOrUp(env.users, clock, env.Scope(), identity, false))->created);
  auto old_rows = [&](const char* email) {
    auto rows = env.tenants().Base().Execute(testing::Soon(), kOldPasskeyUser, {id, email});
    return rows.ok() ? rows->front().Int64(0) : -1;
  };
  EXPECT_EQ(old_rows("p@x.io"), GetParam() ? 1 : 0);
  EXPECT_EQ(Method(id).webauthn_credential_ids_size(), 0);
  for (const auto& [rp_id, key] : {std::pair("b.org", "2"), std::pair("a.org", "1")}) {
    ASSERT_TRUE(env.tenants().Base().Execute(testing::Soon(), kAddPasskey, {id, rp_id, key}).ok());
  }
  ASSERT_EQ(Method(id).webauthn_credential_ids_size(), 2);
  EXPECT_EQ(Method(id).webauthn_credential_ids(0), "1");
  const auto found = env.users.FindByPasskey(env.Scope(), "2");
  ASSERT_EQ(found->size(), 1u);
  EXPECT_EQ(found->front().supertokens_user_id(), id);
  EXPECT_TRUE(env.users.FindByPasskey(env.Scope(), "3")->empty());
  auto change = env.users.ChangeIdentity(env.Scope(), kWebauthnRecipe, id,
                                         {.email = ContactUpdate{"q@x.io"}});
  EXPECT_EQ(change->result, Result::kDone);
  EXPECT_EQ(Method(id).email(), "q@x.io");
  EXPECT_EQ(old_rows("q@x.io"), GetParam() ? 1 : 0);
}

TEST_P(SignInOrUpTest, WhatNoRecipeKnowsIsRefused) {
  auto refused = [&](const Identity& identity) {
    return ReasonOf(SignInOrUp(env.users, clock, env.Scope(), identity, false).status()) ==
           ErrorReason::kBadInput;
  };
  EXPECT_TRUE(refused({.recipe_id = "sms", .phone_number = "+14155550001"}));
  EXPECT_TRUE(refused({.recipe_id = std::string(kThirdPartyRecipe), .email = "a@x.io"}));
  EXPECT_TRUE(refused({.recipe_id = std::string(kPasswordlessRecipe)}));
  EXPECT_TRUE(
      refused({.recipe_id = std::string(kPasswordlessRecipe), .email = std::string(257, 'a')}));
}

}  // namespace
}  // namespace gatehouse::users
