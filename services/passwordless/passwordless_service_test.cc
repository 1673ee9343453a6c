// The passwordless service on a real database, with the users service faked at its interface.

#include "services/passwordless/passwordless_service.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "libs/rpc/user_data_policy.h"
#include "libs/testing/fake_clock.h"
#include "libs/testing/pg_test_server.h"
#include "libs/testing/policy_check.h"
#include "libs/testing/test_tenants.h"
#include "services/passwordless/pg_device_store.h"
#include "services/passwordless/pg_passwordless_user_store.h"
#include "services/passwordless/policy.h"

namespace gatehouse::passwordless {
namespace {

constexpr db::Statement kInsertUser = {
    "test_insert_user",
    "INSERT INTO {app_id_to_user_id} (app_id, user_id, recipe_id, primary_or_recipe_user_id)"
    " VALUES ('public', $1, 'passwordless', $1) ON CONFLICT DO NOTHING"};
constexpr db::Statement kListRows = {
    "test_list_rows", "SELECT user_id, email, phone_number FROM {passwordless_users}"};

constexpr char kUser[] = "11111111-1111-4111-8111-111111111111";

// One user, whose login method a test sets.
class FakeUsers final : public users::v1::RegistryService, public users::v1::UserDirectoryService {
 public:
  explicit FakeUsers(db::Database& database) : database_(database) {
    method.set_supertokens_user_id(kUser);
    method.set_recipe_user_id("external-1");
    method.set_recipe_id("passwordless");
    method.add_tenant_ids("public");
    method.set_email("a@x.io");
  }
  absl::StatusOr<users::v1::ResolveUserIdsResponse> ResolveUserIds(
      rpc::CallContext&, const users::v1::ResolveUserIdsRequest&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<users::v1::RecordActivityResponse> RecordActivity(
      rpc::CallContext&, const users::v1::RecordActivityRequest&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<users::v1::SignInOrUpResponse> SignInOrUp(
      rpc::CallContext& context, const users::v1::SignInOrUpRequest& request) override {
    last_request = request;
    if (fails_before) return MakeError(ErrorReason::kDependencyDown, "cut off");
    users::v1::SignInOrUpResponse response;
    auto& signed_in = *response.mutable_signed_in();
    signed_in.set_created(database_.Execute(context.deadline, kInsertUser, {kUser})->affected() >
                          0);
    *signed_in.mutable_method() = method;
    signed_in.mutable_user()->set_id("external-1");
    if (fails_after) return MakeError(ErrorReason::kDependencyDown, "cut off");
    return response;
  }
  absl::StatusOr<users::v1::ChangeIdentityResponse> ChangeIdentity(
      rpc::CallContext&, const users::v1::ChangeIdentityRequest& request) override {
    last_update = request;
    return update;
  }
  absl::StatusOr<users::v1::GetUserResponse> GetUser(
      rpc::CallContext&, const users::v1::GetUserRequest& request) override {
    users::v1::GetUserResponse response;
    if (request.user_id() == kUser) *response.mutable_user()->add_login_methods() = method;
    return response;
  }
  absl::StatusOr<users::v1::FindUsersResponse> FindUsers(
      rpc::CallContext&, const users::v1::FindUsersRequest&) override {
    users::v1::FindUsersResponse response;
    *response.add_users()->add_login_methods() = method;
    return response;
  }
  absl::StatusOr<users::v1::ListUsersResponse> ListUsers(
      rpc::CallContext&, const users::v1::ListUsersRequest&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<users::v1::CountUsersResponse> CountUsers(
      rpc::CallContext&, const users::v1::CountUsersRequest&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<users::v1::CountActiveUsersResponse> CountActiveUsers(
      rpc::CallContext&, const users::v1::CountActiveUsersRequest&) override {
    return absl::UnimplementedError("");
  }

  bool fails_before = false, fails_after = false;
  users::v1::LoginMethod method;
  users::v1::ChangeIdentityResponse update;
  users::v1::SignInOrUpRequest last_request;
  users::v1::ChangeIdentityRequest last_update;

 private:
  db::Database& database_;
};

TEST(PasswordlessPolicyTest, IsEnforced) {
  testing::ExpectPolicyIsEnforced(v1::PasswordlessService::Info(), PasswordlessPolicy());
  testing::ExpectPolicyIsEnforced(common::v1::CredentialsService::Info(), rpc::CredentialsPolicy(),
                                  "passwordless");
}

class PasswordlessServiceTest : public ::testing::Test {
 protected:
  PasswordlessServiceTest() { context.deadline = testing::Soon(); }

  template <typename Request>
  Request In() {
    Request request;
    *request.mutable_scope() = testing::ScopeOf("public");
    return request;
  }
  v1::CreateCodeResponse::Created Create(const std::string& email) {
    auto request = In<v1::CreateCodeRequest>();
    request.mutable_contact()->set_email(email);
    const auto response = service.CreateCode(context, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response->created();
  }
  absl::StatusOr<v1::ConsumeCodeResponse> Consume(const v1::CreateCodeResponse::Created& code) {
    auto request = In<v1::ConsumeCodeRequest>();
    request.mutable_proof()->set_pre_auth_session_id(code.pre_auth_session_id());
    request.mutable_proof()->set_link_code(code.link_code());
    request.set_mark_email_verified(true);
    return service.ConsumeCode(context, request);
  }
  int Devices(const std::string& email) {
    auto request = In<v1::ListDevicesRequest>();
    request.mutable_contact()->set_email(email);
    return service.ListDevices(context, request)->devices_size();
  }
  std::string Rows() {
    std::string text;
    auto rows = database->Execute(context.deadline, kListRows);
    for (const db::Row row : *rows) {
      for (int i = 0; i < 3; ++i) text += std::string(row.Trimmed(i)) + (i < 2 ? "|" : "\n");
    }
    return text;
  }

  const std::unique_ptr<db::Database> database = testing::TestPostgres::Shared().CreateDatabase();
  testing::TestTenants tenants{*database};
  FakeUsers users{*database};
  PgDeviceStore devices{tenants};
  PgPasswordlessUserStore store{tenants};
  testing::FakeClock clock;
  PasswordlessServiceImpl service{tenants.directory(), users, users, devices, store, clock};
  rpc::CallContext context;
};

TEST_F(PasswordlessServiceTest, ConsumingSignsUpKeepsARowAndSignsInAgain) {
  auto response = Consume(Create(" A@x.io"));
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_TRUE(response->signed_in().created());
  EXPECT_EQ(response->signed_in().recipe_user_id(), "external-1");
  EXPECT_EQ(response->signed_in().device().contact().email(), "a@x.io");
  EXPECT_EQ(users.last_request.identity().email(), "a@x.io");
  EXPECT_TRUE(users.last_request.is_email_verified());
  EXPECT_EQ(Rows(), std::string(kUser) + "|a@x.io|\n");
  response = Consume(Create("a@x.io"));
  EXPECT_FALSE(response->signed_in().created());
  EXPECT_EQ(Devices("a@x.io"), 0);
}

TEST_F(PasswordlessServiceTest, ACodeIsNotUsedUpByAnAttemptThatFails) {
  const auto code = Create("a@x.io");
  users.fails_before = true;
  EXPECT_FALSE(Consume(code).ok());
  users.fails_before = false;
  users.fails_after = true;  // the user exists now
  users.method.set_time_joined_ms(clock.NowMs() + 1);
  EXPECT_FALSE(Consume(code).ok());
  EXPECT_EQ(Devices("a@x.io"), 1);
  users.fails_after = false;
  const auto response = Consume(code);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_TRUE(response->signed_in().created());  // no earlier reply reported it
  EXPECT_EQ(Rows(), std::string(kUser) + "|a@x.io|\n");
  EXPECT_TRUE(Consume(code)->restart_flow());
}

TEST_F(PasswordlessServiceTest, GateFollowsTheTenantsFactors) {
  gatehouse::tenants::v1::Tenant record;
  *record.mutable_scope() = testing::ScopeOf("public");
  record.set_core_config_json("{}");
  record.set_passwordless_enabled(true);
  record.mutable_first_factors()->add_factor_ids("emailpassword");
  ASSERT_TRUE(tenants.directory().Apply(false, "", {record}, {}).empty());
  auto request = In<v1::CreateCodeRequest>();
  request.mutable_contact()->set_phone_number("+14155550001");
  request.set_gate(common::v1::RECIPE_GATE_FIVE_ZERO);
  EXPECT_TRUE(service.CreateCode(context, request).ok());
  request.set_gate(common::v1::RECIPE_GATE_UP_TO_FOUR);
  const absl::Status refused = service.CreateCode(context, request).status();
  EXPECT_EQ(ReasonOf(refused), ErrorReason::kForbidden);
  EXPECT_EQ(refused.message(), "Passwordless login not enabled for tenant");
}

TEST_F(PasswordlessServiceTest, UpdateReachesTheRowAndRemovesCodesOfOldAndNew) {
  ASSERT_TRUE(Consume(Create("a@x.io")).ok());
  Create("a@x.io");
  Create("new@x.io");
  users.method.set_email("new@x.io");
  *users.update.mutable_changed()->mutable_method() = users.method;
  users.update.mutable_changed()->set_previous_email("a@x.io");
  auto request = In<v1::UpdateUserRequest>();
  request.set_recipe_user_id(kUser);
  request.mutable_email()->set_value("New@x.io");
  request.mutable_phone_number();
  const auto response = service.UpdateUser(context, request);
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->outcome(), v1::UpdateUserResponse::OUTCOME_UPDATED);
  EXPECT_EQ(users.last_update.email().value(), "new@x.io");
  EXPECT_TRUE(users.last_update.has_phone_number());
  EXPECT_FALSE(users.last_update.phone_number().has_value());
  EXPECT_EQ(Rows(), std::string(kUser) + "|new@x.io|\n");
  EXPECT_EQ(Devices("a@x.io") + Devices("new@x.io"), 0);
}

TEST_F(PasswordlessServiceTest, RemovesAUsersRowAndCodes) {
  ASSERT_TRUE(Consume(Create("a@x.io")).ok());
  Create("a@x.io");
  auto remove = In<common::v1::RemoveCredentialsRequest>();
  remove.set_supertokens_user_id(kUser);
  EXPECT_TRUE(service.RemoveCredentials(context, remove).ok());
  EXPECT_TRUE(service.RemoveCredentials(context, remove).ok());
  EXPECT_EQ(Rows(), "");
  EXPECT_EQ(Devices("a@x.io"), 0);
}

}  // namespace
}  // namespace gatehouse::passwordless
