// Passwordless login methods in the registry, on a real database.

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "libs/testing/fake_clock.h"
#include "services/users/linking/linking_test_env.h"
#include "services/users/registry/passwordless_sign_in.h"
#include "services/users/registry/pg_passwordless_store.h"

namespace gatehouse::users {
namespace {

using Result = ContactChange::Result;

class PasswordlessStoreTest : public ::testing::TestWithParam<bool> {
 protected:
  ~PasswordlessStoreTest() override { EXPECT_EQ(env.Violations(), ""); }

  PasswordlessSignedIn SignIn(std::string_view type, const std::string& value) {
    auto signed_in = SignInOrUpPasswordless(env.users, store, clock, env.Scope(),
                                            {std::string(type), value}, true);
    EXPECT_TRUE(signed_in.ok()) << signed_in.status();
    return *signed_in;
  }
  std::string SignUp(const std::string& email) {
    return SignIn(kEmailInfo, email).method.supertokens_user_id();
  }
  Result Change(const std::string& id, std::optional<ContactUpdate> email,
                std::optional<ContactUpdate> phone_number) {
    auto change = store.ChangeContact(env.Scope(), id, email, phone_number);
    EXPECT_TRUE(change.ok()) << change.status();
    return change->result;
  }
  v1::LoginMethod Method(const std::string& id) {
    return *FindLoginMethod(**env.users.FindById(env.Scope(), id), id);
  }

  LinkingTestEnv env{GetParam()};
  PgPasswordlessStore store{env.tenants()};
  testing::FakeClock clock;
};
INSTANTIATE_TEST_SUITE_P(Modes, PasswordlessStoreTest, ::testing::Bool());

TEST_P(PasswordlessStoreTest, SignsUpOnceAndIn) {
  const PasswordlessSignedIn up = SignIn(kEmailInfo, "a@x.io");
  EXPECT_TRUE(up.created);
  EXPECT_TRUE(up.method.verified());
  const PasswordlessSignedIn in = SignIn(kEmailInfo, "a@x.io");
  EXPECT_FALSE(in.created);
  EXPECT_EQ(in.method.SerializeAsString(), up.method.SerializeAsString());
  const PasswordlessSignedIn phone = SignIn(kPhoneInfo, "+14155550001");
  EXPECT_TRUE(phone.created);
  EXPECT_FALSE(phone.method.has_email());
  EXPECT_EQ(SignIn(kPhoneInfo, "+14155550001").method.SerializeAsString(),
            phone.method.SerializeAsString());
}

TEST_P(PasswordlessStoreTest, ManySignUpsAtOnceMakeOneUser) {
  std::atomic<int> created = 0;
  AtOnce(8, [&](int) { created += SignIn(kEmailInfo, "a@x.io").created; });
  EXPECT_EQ(created, 1);
}

TEST_P(PasswordlessStoreTest, ContactsAreSetChangedAndCleared) {
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

TEST_P(PasswordlessStoreTest, TakenContactsAreRefused) {
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

TEST_P(PasswordlessStoreTest, GroupsReservationsFollow) {
  const std::string id = SignUp("a@x.io");
  EXPECT_EQ(env.MakePrimary(id), LinkResult::kDone);
  EXPECT_EQ(Change(id, ContactUpdate{"b@x.io"}, ContactUpdate{"+14155550001"}), Result::kDone);
  EXPECT_EQ(env.Violations(), "");
  env.Primary("a@x.io");  // free again
  EXPECT_EQ(env.MakePrimary(env.SignUp("b@x.io")), LinkResult::kAccountInfoTaken);
}

}  // namespace
}  // namespace gatehouse::users
