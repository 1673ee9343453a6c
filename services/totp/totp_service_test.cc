// The totp service as its callers see it, on a real database; the users service is a fake.

#include "services/totp/totp_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/db/database.h"
#include "libs/rpc/user_data_policy.h"
#include "libs/testing/fake_clock.h"
#include "libs/testing/policy_check.h"
#include "libs/testing/test_tenants.h"
#include "services/totp/pg_totp_cleanup.h"
#include "services/totp/policy.h"
#include "services/totp/totp_test_env.h"

namespace gatehouse::totp {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(TotpPolicyTest, IsEnforced) {
  testing::ExpectPolicyIsEnforced(v1::TotpService::Info(), TotpPolicy());
  testing::ExpectPolicyIsEnforced(common::v1::UserDataService::Info(), rpc::UserDataPolicy(),
                                  "totp");
}

class TotpServiceTest : public TotpTestEnv {};

TEST_F(TotpServiceTest, DevicesAreStoredAsTheOriginalStoresThem) {
  const std::string secret = Created("u", "phone", {.skew = 2, .period_s = 45});
  EXPECT_EQ(secret.size(), 32u);
  EXPECT_EQ(Rows("SELECT app_id, user_id, device_name, secret_key, period, skew, verified,"
                 " created_at FROM {totp_user_devices}"),
            "app|u|phone|" + secret + "|45|2|f|" + std::to_string(clock.NowMs()));
  EXPECT_EQ(Rows("SELECT app_id, user_id FROM {totp_users}"), "app|u");

  EXPECT_TRUE(VerifyDevice("u", "phone", Code(secret, 0, 45)).has_verified());
  EXPECT_EQ(Rows("SELECT app_id, tenant_id, user_id, code, is_valid, expiry_time_ms,"
                 " created_time_ms FROM {totp_used_codes}"),
            "app|public|u|" + Code(secret, 0, 45) + "|t|" +
                std::to_string(clock.NowMs() + 5 * 45'000) + "|" + std::to_string(clock.NowMs()));
}

TEST_F(TotpServiceTest, ADeviceIsVerifiedByItsOwnCode) {
  const std::string secret = Created("u", "a");
  Imported("u", "b");
  EXPECT_EQ(VerifyDevice("u", "a", Code(kSecret)).refused().failed_attempts(), 1);
  EXPECT_THAT(Devices("u"), ElementsAre("a", "b verified"));
  EXPECT_FALSE(VerifyDevice("u", "a", Code(secret)).verified().was_already());
  EXPECT_TRUE(VerifyDevice("u", "a", "any").verified().was_already());
  EXPECT_THAT(Devices("u"), ElementsAre("a verified", "b verified"));
  EXPECT_TRUE(VerifyDevice("u", "c", Code(secret)).unknown_device());
  EXPECT_TRUE(VerifyDevice("nobody", "a", Code(secret)).unknown_device());
}

TEST_F(TotpServiceTest, AnUnverifiedDeviceIsReplacedAndAVerifiedOneStays) {
  const std::string first = Created("u", "a");
  const std::string second = Created("u", "a");
  EXPECT_NE(first, second);
  EXPECT_TRUE(VerifyDevice("u", "a", Code(first)).has_refused());
  EXPECT_TRUE(VerifyDevice("u", "a", Code(second)).has_verified());
  EXPECT_TRUE(Create("u", "a")->name_taken());
  EXPECT_TRUE(Import("u", "a", kSecret)->name_taken());
  // Wider than its column, which matters only where it would be stored.
  EXPECT_TRUE(Import("u", "a", std::string(300, 'A'))->name_taken());
  EXPECT_EQ(ReasonOf(Import("u", "b", std::string(300, 'A')).status()), ErrorReason::kBadInput);
}

TEST_F(TotpServiceTest, NamesCountVerifiedDevices) {
  const auto next = [&] { return Create("u", "")->created().device_name(); };
  EXPECT_EQ(next(), "TOTP Device 0");
  EXPECT_EQ(next(), "TOTP Device 0");  // in place of the unverified one
  EXPECT_EQ(Import("u", "", kSecret)->device_name(), "TOTP Device 0");
  EXPECT_EQ(Import("u", "", kSecret)->device_name(), "TOTP Device 1");
  EXPECT_EQ(Import("u", "", kSecret)->device_name(), "TOTP Device 2");
  EXPECT_TRUE(Remove("u", "TOTP Device 1"));
  EXPECT_EQ(next(), "TOTP Device 3");
}

TEST_F(TotpServiceTest, DevicesAreRenamed) {
  Imported("u", "a");
  Created("u", "b");
  EXPECT_EQ(Rename("u", "a", "c"), "done");
  EXPECT_EQ(Rename("u", "c", "c"), "done");
  EXPECT_EQ(Rename("u", "c", "b"), "taken");
  EXPECT_EQ(Rename("u", "a", "x"), "unknown");
  EXPECT_EQ(Rename("u", "a", std::string(300, 'x')), "unknown");
  EXPECT_EQ(Rename("u", "c", std::string(300, 'x')), "BAD_INPUT");
  EXPECT_EQ(Rename("nobody", "a", "x"), "unknown");
  EXPECT_THAT(Devices("u"), ElementsAre("b", "c verified"));
}

TEST_F(TotpServiceTest, ACodeOfAnyVerifiedDeviceIsAcceptedOnce) {
  Imported("u", "a");
  Imported("u", "b", kOtherSecret);
  EXPECT_TRUE(Accepted("u", Code(kOtherSecret)));
  EXPECT_TRUE(Accepted("u", Code(kSecret)));
  EXPECT_EQ(Verify("u", Code(kSecret)).refused().failed_attempts(), 1);
  EXPECT_EQ(Verify("u", Code(kOtherSecret)).refused().failed_attempts(), 2);
  EXPECT_TRUE(Verify("nobody", "123456").unknown_user());
}

TEST_F(TotpServiceTest, ACodeIsNotAcceptedAgainAsLongAsItIsOne) {
  Imported("u", "a", kSecret, {.skew = 1});
  clock.SetMs(1'700'000'010'000 / 30'000 * 30'000);  // the first moment of a period
  const std::string ahead = Code(kSecret, 1);
  EXPECT_TRUE(Accepted("u", ahead));
  clock.AdvanceMs(89'999);
  EXPECT_EQ(ahead, Code(kSecret, -1));  // its last moment
  EXPECT_EQ(Verify("u", ahead).refused().failed_attempts(), 1);
}

TEST_F(TotpServiceTest, TheCodeThatVerifiedADeviceSignsNobodyIn) {
  const std::string secret = Created("u", "a");
  EXPECT_TRUE(VerifyDevice("u", "a", Code(secret)).has_verified());
  EXPECT_FALSE(Accepted("u", Code(secret)));
}

TEST_F(TotpServiceTest, UnverifiedDevicesAcceptNothing) {
  const std::string secret = Created("u", "a");
  EXPECT_EQ(Verify("u", Code(secret)).refused().failed_attempts(), 1);
  Imported("u", "b");
  EXPECT_EQ(Verify("u", Code(secret)).refused().failed_attempts(), 2);
  EXPECT_TRUE(Accepted("u", Code(kSecret)));
}

TEST_F(TotpServiceTest, FailuresAreCountedOverDevicesAndUntilTheCoolDown) {
  Imported("u", "a");
  const std::string secret = Created("u", "b");
  EXPECT_EQ(Verify("u", "x").refused().failed_attempts(), 1);
  EXPECT_EQ(VerifyDevice("u", "b", "x").refused().failed_attempts(), 2);
  EXPECT_EQ(Verify("u", "x").refused().failed_attempts(), 3);
  const v1::Refused limited = Verify("u", Code(kSecret)).refused();
  EXPECT_EQ(limited.failed_attempts(), 3);
  EXPECT_EQ(limited.max_attempts(), 3);
  EXPECT_GT(limited.retry_after_ms(), 59'000);
  EXPECT_TRUE(VerifyDevice("u", "b", Code(secret)).refused().has_retry_after_ms());
  clock.AdvanceMs(limited.retry_after_ms() - 1);
  EXPECT_TRUE(Verify("u", Code(kSecret)).refused().has_retry_after_ms());
  clock.AdvanceMs(1);
  EXPECT_TRUE(Accepted("u", Code(kSecret)));
  EXPECT_EQ(Verify("u", "x").refused().failed_attempts(), 1);
}

TEST_F(TotpServiceTest, AnotherUserAndAnotherTenantAreNotConcerned) {
  const common::v1::Scope t1 = AddTenant("app", "t1", R"({"totp_max_attempts":1})");
  Imported("u", "a");
  Imported("v", "a");
  for (int i = 0; i < 4; ++i) Verify("u", "x");
  EXPECT_TRUE(Verify("u", "x").refused().has_retry_after_ms());
  EXPECT_TRUE(Accepted("v", Code(kSecret)));
  EXPECT_TRUE(Verify("u", Code(kSecret), t1).accepted());
  EXPECT_FALSE(Verify("u", "x", t1).refused().has_retry_after_ms());
  EXPECT_TRUE(Verify("u", "x", t1).refused().has_retry_after_ms());
  EXPECT_EQ(Verify("u", "x", t1).refused().max_attempts(), 1);
}

TEST_F(TotpServiceTest, DevicesMadeAgainDoNotResetTheCount) {
  Imported("u", "a");
  for (int i = 0; i < 3; ++i) Verify("u", "x");
  EXPECT_TRUE(Remove("u", "a"));
  EXPECT_TRUE(Verify("u", Code(kSecret)).unknown_user());
  EXPECT_FALSE(InUse("u"));
  Imported("u", "a");
  EXPECT_TRUE(Verify("u", Code(kSecret)).refused().has_retry_after_ms());
}

TEST_F(TotpServiceTest, NorDoesACodeComeBackWithItsDevice) {
  Imported("u", "a");
  EXPECT_TRUE(Accepted("u", Code(kSecret)));
  EXPECT_TRUE(Remove("u", "a"));
  Imported("u", "b");
  EXPECT_FALSE(Accepted("u", Code(kSecret)));
}

TEST_F(TotpServiceTest, ClocksThatDifferDoNotHideFailures) {
  testing::FakeClock late{clock.NowMs() - 5'000};
  TotpServiceImpl other{tenants.directory(), registry, store, late};
  Imported("u", "a", kSecret, {.skew = 1});
  EXPECT_TRUE(Accepted("u", Code(kSecret)));
  v1::VerifyCodeRequest wrong;
  *wrong.mutable_scope() = app;
  wrong.set_user_id("u");
  wrong.set_code("x");
  for (int i = 1; i <= 3; ++i) {
    EXPECT_EQ(other.VerifyCode(context, wrong)->refused().failed_attempts(), i);
  }
  EXPECT_TRUE(other.VerifyCode(context, wrong)->refused().has_retry_after_ms());
  EXPECT_TRUE(Verify("u", "x").refused().has_retry_after_ms());
}

TEST_F(TotpServiceTest, LongCodesAreRefusedAndNotKept) {
  Imported("u", "a");
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(Verify("u", "123456789").refused().failed_attempts(), 1);
  }
  EXPECT_EQ(Rows("SELECT count(*) FROM {totp_used_codes}"), "0");
  EXPECT_EQ(Verify("u", "12345678").refused().failed_attempts(), 1);
  EXPECT_EQ(Rows("SELECT count(*) FROM {totp_used_codes}"), "1");
}

TEST_F(TotpServiceTest, ADeviceWithoutASecretAcceptsNothing) {
  Imported("u", "a", " ");
  EXPECT_EQ(ReasonOf(TryVerify("u", Hotp("", clock.NowMs() / 30'000, 6)).status()),
            ErrorReason::kBadInput);
  Imported("u", "b");
  EXPECT_FALSE(Accepted("u", Hotp("", clock.NowMs() / 30'000, 6)));
  EXPECT_TRUE(Accepted("u", Code(kSecret)));
}

TEST_F(TotpServiceTest, AUserHasAHundredDevicesAtMost) {
  for (size_t i = 0; i < kMaxDevices; ++i) Created("u", "d" + std::to_string(i));
  const absl::Status status = Create("u", "one more").status();
  EXPECT_EQ(ReasonOf(status), ErrorReason::kBadInput);
  EXPECT_EQ(ProblemOf(status), Problem::kTooMany);
  Created("u", "d7");
  EXPECT_TRUE(Remove("u", "d7"));
  Created("u", "one more");
}

TEST_F(TotpServiceTest, InputIsChecked) {
  EXPECT_EQ(ProblemOf(Create("", "a").status()), Problem::kEmpty);
  EXPECT_EQ(ProblemOf(Create("u", "a", {.skew = -1}).status()), Problem::kOutOfRange);
  EXPECT_EQ(ProblemOf(Create("u", "a", {.period_s = 0}).status()), Problem::kOutOfRange);
  EXPECT_EQ(ProblemOf(Import("u", "a", "").status()), Problem::kEmpty);
  EXPECT_EQ(ReasonOf(Create(std::string(129, 'u'), "a").status()), ErrorReason::kBadInput);
  EXPECT_EQ(ReasonOf(Create("u", std::string(257, 'a')).status()), ErrorReason::kBadInput);
  EXPECT_EQ(Rows("SELECT count(*) FROM {totp_users}"), "0");
}

TEST_F(TotpServiceTest, StatusOfManyUsers) {
  Created("a", "d");
  Imported("b", "d");
  v1::ListDeviceStatusRequest request;
  *request.mutable_scope() = app;
  for (const char* user : {"b", "nobody", "a", "b"}) request.add_user_ids(user);
  std::vector<std::string> status;
  const auto response = service.ListDeviceStatus(context, request);
  ASSERT_TRUE(response.ok()) << response.status();
  for (const v1::DeviceStatus& user : response->users()) {
    status.push_back(user.user_id() + (user.has_device() ? " has" : "") +
                     (user.has_verified_device() ? " verified" : ""));
  }
  EXPECT_THAT(status, ElementsAre("b has verified", "nobody", "a has", "b has verified"));
  for (int i = 0; i < 497; ++i) request.add_user_ids("u");
  EXPECT_EQ(ProblemOf(service.ListDeviceStatus(context, request).status()), Problem::kTooMany);
}

TEST_F(TotpServiceTest, RemovedUsersLeaveNothing) {
  const common::v1::Scope t1 = AddTenant("app", "t1");
  for (const char* user : {"u", "v"}) {
    Imported(user, "a");
    Verify(user, "x");
    Verify(user, "x", t1);
  }
  EXPECT_TRUE(InUse("u"));
  common::v1::RemoveUsersRequest request;
  *request.mutable_scope() = app;
  request.add_user_ids("u");
  request.add_user_ids("never there");
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(service.RemoveUsers(context, request).ok());
  EXPECT_FALSE(InUse("u"));
  EXPECT_TRUE(InUse("v"));
  EXPECT_EQ(Rows("SELECT DISTINCT user_id FROM {totp_used_codes}"), "v");
  EXPECT_EQ(Rows("SELECT user_id FROM {totp_users}"), "v");
}

TEST_F(TotpServiceTest, LeavingATenantForgetsTheCodesThere) {
  const common::v1::Scope t1 = AddTenant("app", "t1");
  Imported("u", "a");
  Verify("u", "x");
  EXPECT_TRUE(Verify("u", Code(kSecret), t1).accepted());
  EXPECT_TRUE(LeaveTenant("u", t1));
  EXPECT_FALSE(LeaveTenant("u", t1));
  EXPECT_TRUE(Verify("u", Code(kSecret), t1).accepted());
  EXPECT_EQ(Verify("u", "x").refused().failed_attempts(), 2);
  EXPECT_TRUE(InUse("u"));
}

TEST_F(TotpServiceTest, UsersOfAnAppWithSeveralDatabasesAreWhereTheyAre) {
  const auto far_database = testing::TestPostgres::Shared().CreateDatabase();
  const common::v1::Scope far = tenants.AddWithDatabase("app", "far", *far_database)->scope();
  registry.tenant_of["u"] = "far";
  Imported("u", "a");
  Imported("nobody's", "a");
  EXPECT_EQ(Rows("SELECT user_id FROM {totp_users}"), "nobody's");
  EXPECT_THAT(Devices("u"), ElementsAre("a verified"));
  EXPECT_TRUE(Verify("u", Code(kSecret)).unknown_user());
  EXPECT_TRUE(Verify("u", Code(kSecret), far).accepted());
  EXPECT_TRUE(InUse("u"));
  common::v1::RemoveUsersRequest request;
  *request.mutable_scope() = app;
  request.add_user_ids("u");
  request.set_home_tenant_id("far");
  EXPECT_TRUE(service.RemoveUsers(context, request).ok());
  EXPECT_FALSE(InUse("u"));
  EXPECT_GT(registry.calls, 0);
}

TEST_F(TotpServiceTest, AnAppWithOneDatabaseDoesNotAskWhereUsersAre) {
  Imported("u", "a");
  EXPECT_THAT(Devices("u"), ElementsAre("a verified"));
  EXPECT_EQ(registry.calls, 0);
}

TEST_F(TotpServiceTest, UnknownScopes) {
  v1::VerifyCodeRequest verify;
  *verify.mutable_scope() = testing::ScopeOf("app", "none");
  verify.set_user_id("u");
  EXPECT_EQ(ReasonOf(service.VerifyCode(context, verify).status()), ErrorReason::kTenantNotFound);
  // Known here, and gone from the database a moment ago.
  tenants.AddToDirectory("gone", "public");
  v1::CreateDeviceRequest create;
  *create.mutable_scope() = testing::ScopeOf("gone");
  create.set_user_id("u");
  create.set_period_s(30);
  EXPECT_EQ(ReasonOf(service.CreateDevice(context, create).status()), ErrorReason::kTenantNotFound);
  Imported("u", "a");
  tenants.AddToDirectory("app", "t9");
  verify.mutable_scope()->set_tenant_id("t9");
  EXPECT_EQ(ReasonOf(service.VerifyCode(context, verify).status()), ErrorReason::kTenantNotFound);
}

TEST_F(TotpServiceTest, ExpiredCodesGoOnceTheyMatterNoMore) {
  Imported("u", "a", kSecret, {.skew = 1});
  Imported("v", "a");
  Verify("u", "x");
  Verify("v", "x");
  EXPECT_TRUE(Remove("v", "a"));
  const auto left = [&] {
    EXPECT_TRUE(DeleteExpiredCodes(tenants.directory(), tenants, clock, testing::Soon()).ok());
    return Rows("SELECT user_id FROM {totp_used_codes} ORDER BY 1") + "; " +
           Rows("SELECT user_id FROM {totp_users} ORDER BY 1");
  };
  EXPECT_EQ(left(), "u,v; u,v");
  clock.AdvanceMs(kCooldownMs + 30'000);
  EXPECT_EQ(left(), "u,v; u,v");
  clock.AdvanceMs(1);
  EXPECT_EQ(left(), "u; u");  // v had no device left
  clock.AdvanceMs(60'000);
  EXPECT_EQ(left(), "; u");
}

}  // namespace
}  // namespace gatehouse::totp
