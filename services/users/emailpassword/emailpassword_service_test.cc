// Email and password as callers see them, on a real database.

#include "services/users/emailpassword/emailpassword_service.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "libs/base/status.h"
#include "libs/testing/fake_activity_log.h"
#include "libs/testing/fake_clock.h"
#include "libs/testing/pg_test_server.h"
#include "libs/testing/policy_check.h"
#include "libs/testing/test_tenants.h"
#include "services/users/emailpassword/pg_emailpassword_store.h"
#include "services/users/listing/user_directory_service.h"
#include "services/users/policy.h"
#include "services/users/registry/pg_activity_store.h"
#include "services/users/registry/pg_user_store.h"
#include "services/users/registry/registry_service.h"

namespace gatehouse::users {
namespace {

TEST(UsersPolicyTest, IsEnforced) {
  testing::ExpectPolicyIsEnforced(v1::EmailPasswordService::Info(), EmailPasswordPolicy());
  testing::ExpectPolicyIsEnforced(v1::RegistryService::Info(), RegistryPolicy());
  testing::ExpectPolicyIsEnforced(v1::UserDirectoryService::Info(), UserDirectoryPolicy());
}

class EmailPasswordServiceTest : public ::testing::Test {
 protected:
  EmailPasswordServiceTest() { context_.deadline = testing::Soon(); }

  absl::StatusOr<v1::SignUpResponse> SignUp(
      const std::string& email, const std::string& password = "secret1",
      const common::v1::Scope& scope = testing::ScopeOf("public")) {
    v1::SignUpRequest request;
    *request.mutable_scope() = scope;
    request.set_email(email);
    request.set_password(password);
    return service_.SignUp(context_, request);
  }
  std::string NewUser(const std::string& email) {
    auto response = SignUp(email);
    EXPECT_TRUE(response.ok()) << response.status();
    EXPECT_TRUE(response.ok() && response->has_signed_up());
    return response.ok() ? response->signed_up().recipe_user_id() : "";
  }
  bool SignsIn(const std::string& email, const std::string& password) {
    v1::SignInRequest request;
    *request.mutable_scope() = testing::ScopeOf("public");
    request.set_email(email);
    request.set_password(password);
    auto response = service_.SignIn(context_, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() && response->has_signed_in();
  }
  absl::StatusOr<v1::UpdateEmailOrPasswordResponse> Update(const std::string& id,
                                                           const std::string& email) {
    v1::UpdateEmailOrPasswordRequest request;
    *request.mutable_scope() = testing::ScopeOf("public");
    request.set_recipe_user_id(id);
    request.set_email(email);
    return service_.UpdateEmailOrPassword(context_, request);
  }
  std::string ResetToken(const std::string& id) {
    v1::CreatePasswordResetTokenRequest request;
    *request.mutable_scope() = testing::ScopeOf("public");
    request.set_user_id(id);
    request.set_email("Any@Example.com");
    auto response = service_.CreatePasswordResetToken(context_, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? response->token() : "";
  }
  absl::StatusOr<v1::ResetPasswordResponse> Reset(const std::string& token,
                                                  const std::string& password) {
    v1::ResetPasswordRequest request;
    *request.mutable_scope() = testing::ScopeOf("public");
    request.set_token(token);
    request.set_new_password(password);
    return service_.ResetPassword(context_, request);
  }

  std::unique_ptr<db::Database> database_ = testing::TestPostgres::Shared().CreateDatabase(4);
  testing::TestTenants tenants_{*database_};
  testing::FakeClock clock_;
  PgUserStore users_{tenants_};
  PgEmailPasswordStore store_{tenants_};
  PgActivityStore activity_store_{tenants_};
  testing::FakeActivityLog audit_;
  activity::ActivityLog audit_log_{audit_, clock_};
  ActivityRecorder activity_{activity_store_, audit_log_, clock_};
  passwords::PooledPasswordHasher hasher_{*tenants_.directory().base_config()};
  EmailPassword rules_{store_, users_, hasher_, clock_};
  EmailPasswordServiceImpl service_{tenants_.directory(), rules_, activity_};
  rpc::CallContext context_;
};

TEST_F(EmailPasswordServiceTest, SignsUpOnceAndIn) {
  auto response = SignUp(" A@Example.COM ");
  ASSERT_TRUE(response.ok()) << response.status();
  const v1::User& user = response->signed_up().user();
  EXPECT_EQ(user.login_methods(0).email(), "a@example.com");
  EXPECT_FALSE(user.login_methods(0).verified());
  EXPECT_EQ(user.time_joined_ms(), clock_.NowMs());
  EXPECT_TRUE(SignUp("a@example.com", "other")->email_already_exists());
  EXPECT_TRUE(SignsIn("A@example.com", "secret1"));
  EXPECT_FALSE(SignsIn("a@example.com", "secret2"));
  EXPECT_FALSE(SignsIn("nobody@example.com", "secret1"));
}

// An overload that only known emails met would reveal who has an account.
TEST_F(EmailPasswordServiceTest, AnOverloadIsAnsweredAlikeToEverybody) {
  const std::string broken = NewUser("broken@example.com");
  NewUser("a@example.com");
  ASSERT_TRUE(database_
                  ->Execute(testing::Soon(),
                            {"test_break_hash",
                             "UPDATE {emailpassword_users} SET password_hash = ''"
                             " WHERE user_id = $1"},
                            {broken})
                  .ok());
  passwords::PooledPasswordHasher full{*tenants_.directory().base_config(), /*max_queued=*/0};
  EmailPassword rules{store_, users_, full, clock_};
  EmailPasswordServiceImpl service{tenants_.directory(), rules, activity_};
  for (const char* email : {"a@example.com", "nobody@example.com", "broken@example.com"}) {
    v1::SignInRequest request;
    *request.mutable_scope() = testing::ScopeOf("public");
    request.set_email(email);
    request.set_password("secret1");
    const absl::Status status = service.SignIn(context_, request).status();
    EXPECT_EQ(ReasonOf(status), ErrorReason::kOverloaded) << email;
    EXPECT_EQ(status.message(), "Too many passwords are being hashed") << email;
  }
}

TEST_F(EmailPasswordServiceTest, StatementsOfTheHotPaths) {
  NewUser("a@example.com");
  const int64_t before = database_->statements_executed();
  EXPECT_TRUE(SignsIn("a@example.com", "secret1"));
  EXPECT_EQ(database_->statements_executed() - before, 2);
  EXPECT_TRUE(SignUp("b@example.com")->has_signed_up());
  EXPECT_EQ(database_->statements_executed() - before, 3);
}

TEST_F(EmailPasswordServiceTest, FakeEmailsCountAsVerified) {
  auto response = SignUp("x@stfakeemail.supertokens.com");
  ASSERT_TRUE(response.ok());
  EXPECT_TRUE(response->signed_up().user().login_methods(0).verified());
}

TEST_F(EmailPasswordServiceTest, RefusesWhatNoColumnHolds) {
  EXPECT_EQ(ReasonOf(SignUp(std::string(300, 'a') + "@example.com").status()),
            ErrorReason::kBadInput);
  EXPECT_EQ(ReasonOf(SignUp("a@example.com", "").status()), ErrorReason::kBadInput);
  EXPECT_EQ(ReasonOf(SignUp("a@example.com", std::string(1 << 20, 'p')).status()),
            ErrorReason::kBadInput);
  EXPECT_EQ(ReasonOf(SignUp("a@example.com", "p", testing::ScopeOf("public", "none")).status()),
            ErrorReason::kTenantNotFound);
}

TEST_F(EmailPasswordServiceTest, UpdatesTheEmail) {
  const std::string a = NewUser("a@example.com");
  NewUser("b@example.com");
  EXPECT_TRUE(Update(a, "B@example.com")->email_already_exists());
  EXPECT_TRUE(Update(a, "C@example.com")->updated());
  EXPECT_TRUE(SignsIn("c@example.com", "secret1"));
  EXPECT_TRUE(Update("unknown", "d@example.com")->unknown_user_id());
}

TEST_F(EmailPasswordServiceTest, AResetTokenSetsThePasswordOnce) {
  const std::string a = NewUser("a@example.com");
  const std::string token = ResetToken(a);
  EXPECT_EQ(token.size(), 128u);
  auto reset = Reset(token, "changed1");
  ASSERT_TRUE(reset.ok()) << reset.status();
  EXPECT_EQ(reset->user_id(), a);
  EXPECT_TRUE(SignsIn("a@example.com", "changed1"));
  EXPECT_TRUE(Reset(token, "changed2")->invalid_token());
  const std::string late = ResetToken(a);
  clock_.AdvanceMs(3'600'001);
  EXPECT_TRUE(Reset(late, "changed2")->invalid_token());
  EXPECT_TRUE(SignsIn("a@example.com", "changed1"));
}

TEST_F(EmailPasswordServiceTest, ConsumingATokenTellsItsEmailAsItWasGiven) {
  const std::string a = NewUser("a@example.com");
  v1::ConsumePasswordResetTokenRequest request;
  *request.mutable_scope() = testing::ScopeOf("public");
  request.set_token(ResetToken(a));
  auto response = service_.ConsumePasswordResetToken(context_, request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->consumed().user_id(), a);
  EXPECT_EQ(response->consumed().email(), "Any@Example.com");
  EXPECT_TRUE(service_.ConsumePasswordResetToken(context_, request)->invalid_token());
}

TEST_F(EmailPasswordServiceTest, ImportsAHashAndReplacesIt) {
  v1::ImportPasswordHashRequest request;
  *request.mutable_scope() = testing::ScopeOf("public");
  request.set_email("a@example.com");
  request.set_password_hash("$2a$10$GzEm3vKoAqnJCTWesRARCe/ovjt/07qjvcH9jbLUg44Fn77gMZkmm");
  EXPECT_FALSE(service_.ImportPasswordHash(context_, request)->did_user_already_exist());
  EXPECT_TRUE(SignsIn("a@example.com", "testPass123"));
  EXPECT_TRUE(service_.ImportPasswordHash(context_, request)->did_user_already_exist());
  request.set_password_hash("plain");
  auto bad = service_.ImportPasswordHash(context_, request);
  EXPECT_EQ(bad.status().message(), "Password hash is in invalid format");
  request.set_algorithm(v1::ImportPasswordHashRequest::ALGORITHM_ARGON2);
  bad = service_.ImportPasswordHash(context_, request);
  EXPECT_EQ(bad.status().message(), "Password hash is in invalid Argon2 format");
}

TEST(EmailPasswordGateTest, FollowsTheVersionsRule) {
  tenancy::Tenant tenant;
  tenant.record.set_email_password_enabled(true);
  EXPECT_TRUE(CheckEmailPasswordGate(tenant, common::v1::RECIPE_GATE_UP_TO_FOUR).ok());
  tenant.record.mutable_first_factors();
  EXPECT_EQ(CheckEmailPasswordGate(tenant, common::v1::RECIPE_GATE_FIVE_ZERO).message(),
            "Email password login not enabled for tenant");
  tenant.record.mutable_first_factors()->add_factor_ids("thirdparty");
  EXPECT_TRUE(CheckEmailPasswordGate(tenant, common::v1::RECIPE_GATE_FIVE_ZERO).ok());
  EXPECT_FALSE(CheckEmailPasswordGate(tenant, common::v1::RECIPE_GATE_UP_TO_FOUR).ok());
  tenant.record.set_email_password_enabled(false);
  EXPECT_FALSE(CheckEmailPasswordGate(tenant, common::v1::RECIPE_GATE_FIVE_ZERO).ok());
  EXPECT_TRUE(CheckEmailPasswordGate(tenant, common::v1::RECIPE_GATE_UNSPECIFIED).ok());
}

}  // namespace
}  // namespace gatehouse::users
