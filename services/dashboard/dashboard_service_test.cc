// The dashboard service as its callers see it, on a real database.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "gatehouse/dashboard/v1/core_config_service.rpc.h"
#include "libs/base/status.h"
#include "libs/testing/policy_check.h"
#include "services/dashboard/dashboard_test_env.h"
#include "services/dashboard/pg_session_cleanup.h"
#include "services/dashboard/policy.h"

namespace gatehouse::dashboard {
namespace {

constexpr int64_t kThirtyDaysMs = 2592000000;

TEST(DashboardPolicyTest, IsEnforced) {
  testing::ExpectPolicyIsEnforced(v1::DashboardUserService::Info(), DashboardUserPolicy());
  testing::ExpectPolicyIsEnforced(v1::DashboardSessionService::Info(), DashboardSessionPolicy());
  testing::ExpectPolicyIsEnforced(v1::CoreConfigService::Info(), CoreConfigPolicy());
}

TEST_F(DashboardTest, AUserIsCreatedOnceAndSignsIn) {
  const v1::CreateUserResponse created = Create(" Admin@X.io ");
  EXPECT_EQ(created.created().email(), "admin@x.io");
  EXPECT_EQ(created.created().time_joined_ms(), clock_.NowMs());
  EXPECT_TRUE(Create("ADMIN@x.io", "otherPass2").email_already_exists());
  EXPECT_EQ(Verify(SignIn("Admin@x.io")), "admin@x.io");
  EXPECT_EQ(SignIn("admin@x.io", "otherPass2"), "");
  EXPECT_EQ(SignIn("none@x.io"), "");
}

// As the original's: bcrypt with its prefix, and the session's id as it is.
TEST_F(DashboardTest, RowsAreTheOriginals) {
  const std::string user_id = Create("admin@x.io").created().user_id();
  const std::string session_id = SignIn("admin@x.io");
  const auto rows = database_->Execute(
      testing::Soon(),
      {"test_rows",
       "SELECT u.password_hash, s.session_id, s.user_id, s.time_created, s.expiry"
       " FROM {dashboard_users} u JOIN {dashboard_user_sessions} s USING (app_id, user_id)"
       " WHERE app_id = 'app'"},
      {});
  ASSERT_TRUE(rows.ok()) << rows.status();
  ASSERT_EQ(rows->rows(), 1);
  EXPECT_THAT(std::string(rows->front().Text(0)), ::testing::StartsWith("$2a$"));
  EXPECT_EQ(rows->front().Text(1), session_id);
  EXPECT_EQ(rows->front().Text(2), user_id);
  EXPECT_EQ(rows->front().Int64(3), clock_.NowMs());
  EXPECT_EQ(rows->front().Int64(4), clock_.NowMs() + kThirtyDaysMs);
}

TEST_F(DashboardTest, ASessionEndsWhenItExpires) {
  const std::string user_id = Create("admin@x.io").created().user_id();
  const std::string session_id = SignIn("admin@x.io");
  clock_.AdvanceMs(kThirtyDaysMs - 1);
  EXPECT_EQ(Verify(session_id), "admin@x.io");
  EXPECT_EQ(Sessions(user_id).sessions_size(), 1);
  clock_.AdvanceMs(1);
  EXPECT_EQ(Verify(session_id), "");
  EXPECT_EQ(Sessions(user_id).sessions_size(), 0);
}

TEST_F(DashboardTest, TheJobDeletesWhatHasExpired) {
  Create("admin@x.io");
  SignIn("admin@x.io");
  clock_.AdvanceMs(kThirtyDaysMs);
  const std::string newer = SignIn("admin@x.io");
  EXPECT_TRUE(
      DeleteExpiredSessions(tenants_.directory(), tenants_, clock_, testing::Soon()).ok());
  EXPECT_EQ(SessionRows(), 1);
  EXPECT_EQ(Verify(newer), "admin@x.io");
}

TEST_F(DashboardTest, ASessionIsOfItsAppOnly) {
  const common::v1::Scope other = tenants_.Add("other", "public")->scope();
  Create("admin@x.io");
  const std::string session_id = SignIn("admin@x.io");
  EXPECT_EQ(Verify(session_id, other), "");
  EXPECT_EQ(Verify(session_id), "admin@x.io");
}

TEST_F(DashboardTest, OnlyTheVeryIdIsASession) {
  Create("admin@x.io");
  const std::string session_id = SignIn("admin@x.io");
  EXPECT_EQ(Verify(session_id + " "), "");
  EXPECT_EQ(Verify(session_id + "x"), "");
  EXPECT_EQ(Verify(session_id.substr(1)), "");
  EXPECT_EQ(Verify(""), "");
}

TEST_F(DashboardTest, NewCredentialsEndSessions) {
  const std::string user_id = Create("admin@x.io").created().user_id();
  const std::string first = SignIn("admin@x.io");
  EXPECT_EQ(Update(user_id, "New@x.io").updated().email(), "new@x.io");
  EXPECT_EQ(Verify(first), "");
  EXPECT_EQ(SignIn("admin@x.io"), "");
  const std::string second = SignIn("new@x.io");
  EXPECT_EQ(Update(user_id, "", "otherPass2").updated().user_id(), user_id);
  EXPECT_EQ(Verify(second), "");
  EXPECT_EQ(SignIn("new@x.io"), "");
  EXPECT_NE(SignIn("new@x.io", "otherPass2"), "");
}

TEST_F(DashboardTest, AnUpdateIsAllOrNothing) {
  Create("taken@x.io");
  const std::string user_id = Create("admin@x.io").created().user_id();
  const std::string session_id = SignIn("admin@x.io");
  EXPECT_TRUE(Update(user_id, "taken@x.io", "otherPass2").email_already_exists());
  EXPECT_TRUE(Update(user_id, "bad").fault().invalid_email());
  EXPECT_NE(Update(user_id, "", "weak").fault().weak_password(), "");
  EXPECT_EQ(Verify(session_id), "admin@x.io");
  EXPECT_NE(SignIn("admin@x.io"), "");
  EXPECT_TRUE(Update("none", "z@x.io").unknown_user());
}

TEST_F(DashboardTest, ADeletedUserIsGoneWithItsSessions) {
  const std::string user_id = Create("admin@x.io").created().user_id();
  const std::string session_id = SignIn("admin@x.io");
  EXPECT_TRUE(Delete(user_id));
  EXPECT_EQ(Verify(session_id), "");
  EXPECT_EQ(SessionRows(), 0);
  EXPECT_FALSE(Delete(user_id));
}

TEST_F(DashboardTest, ValidationAloneNeedsNoApp) {
  v1::CreateUserRequest request;
  *request.mutable_scope() = testing::ScopeOf("nosuchapp");
  request.set_email("bad");
  request.set_validate_only(true);
  EXPECT_TRUE(Get(users_.CreateUser(context_, request)).fault().invalid_email());
  request.set_email("a@x.io");
  EXPECT_EQ(Get(users_.CreateUser(context_, request)).outcome_case(),
            v1::CreateUserResponse::OUTCOME_NOT_SET);
  request.set_validate_only(false);
  request.set_password("validPass1");
  EXPECT_EQ(ReasonOf(users_.CreateUser(context_, request).status()),
            ErrorReason::kTenantNotFound);
}

TEST_F(DashboardTest, WhatDoesNotFitIsBadInput) {
  v1::CreateUserRequest request;
  *request.mutable_scope() = app_;
  request.set_email(std::string(250, 'a') + "@example.com");
  request.set_password("validPass1");
  EXPECT_EQ(ReasonOf(users_.CreateUser(context_, request).status()), ErrorReason::kBadInput);
  v1::SignInRequest sign_in;
  *sign_in.mutable_scope() = app_;
  sign_in.set_email("a@x.io");
  sign_in.set_password(std::string(64 * 1024 + 1, 'a'));
  EXPECT_EQ(ReasonOf(users_.SignIn(context_, sign_in).status()), ErrorReason::kBadInput);
}

// An overload that only a known email met would say who has an account.
TEST_F(DashboardTest, AnOverloadIsAnsweredAlikeToEverybody) {
  Create("admin@x.io");
  passwords::PooledPasswordHasher full{*tenants_.directory().base_config(), /*max_queued=*/0};
  DashboardUsers rules{store_, full, clock_};
  DashboardUserServiceImpl users{tenants_.directory(), rules, store_};
  for (const char* email : {"admin@x.io", "none@x.io"}) {
    v1::SignInRequest request;
    *request.mutable_scope() = app_;
    request.set_email(email);
    request.set_password("validPass1");
    EXPECT_EQ(ReasonOf(users.SignIn(context_, request).status()), ErrorReason::kOverloaded)
        << email;
  }
}

}  // namespace
}  // namespace gatehouse::dashboard
