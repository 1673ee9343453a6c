#pragma once

// The service on a database of its own, in the app "app", with three attempts and a cool-down of a
// minute.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gatehouse/users/v1/registry_service.rpc.h"
#include "libs/base/status.h"
#include "libs/crypto/base32.h"
#include "libs/testing/fake_clock.h"
#include "libs/testing/pg_test_server.h"
#include "libs/testing/test_tenants.h"
#include "services/totp/otp.h"
#include "services/totp/totp_service.h"

namespace gatehouse::totp {

inline constexpr char kSecret[] = "JBSWY3DPEHPK3PXP";
inline constexpr char kOtherSecret[] = "GEZDGNBVGY3TQOJQ";
inline constexpr int64_t kCooldownMs = 60'000;

// Knows in which tenant's database users are.
class FakeRegistry final : public users::v1::RegistryService {
 public:
  absl::StatusOr<users::v1::ResolveUserIdsResponse> ResolveUserIds(
      rpc::CallContext&, const users::v1::ResolveUserIdsRequest& request) override {
    ++calls;
    users::v1::ResolveUserIdsResponse response;
    users::v1::ResolvedUser& user = *response.add_users();
    user.set_input(request.user_ids(0));
    const auto known = tenant_of.find(request.user_ids(0));
    user.set_found(known != tenant_of.end());
    if (user.found()) user.set_database_tenant_id(known->second);
    return response;
  }
  absl::StatusOr<users::v1::SignInOrUpResponse> SignInOrUp(
      rpc::CallContext&, const users::v1::SignInOrUpRequest&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<users::v1::ChangeIdentityResponse> ChangeIdentity(
      rpc::CallContext&, const users::v1::ChangeIdentityRequest&) override {
    return absl::UnimplementedError("");
  }
  absl::StatusOr<users::v1::RecordActivityResponse> RecordActivity(
      rpc::CallContext&, const users::v1::RecordActivityRequest&) override {
    return absl::UnimplementedError("");
  }

  std::map<std::string, std::string> tenant_of;
  int calls = 0;
};

class TotpTestEnv : public ::testing::Test {
 protected:
  struct Periods {
    int32_t skew = 0;
    int32_t period_s = 30;
  };

  TotpTestEnv() { context.deadline = testing::Soon(); }

  // Without a name if that is empty.
  absl::StatusOr<v1::CreateDeviceResponse> Create(const std::string& user, const std::string& name,
                                                  Periods periods = {0, 30}) {
    v1::CreateDeviceRequest request;
    *request.mutable_scope() = app;
    request.set_user_id(user);
    if (!name.empty()) request.set_device_name(name);
    request.set_skew(periods.skew);
    request.set_period_s(periods.period_s);
    return service.CreateDevice(context, request);
  }
  absl::StatusOr<v1::ImportDeviceResponse> Import(const std::string& user, const std::string& name,
                                                  const std::string& secret,
                                                  Periods periods = {0, 30}) {
    v1::ImportDeviceRequest request;
    *request.mutable_scope() = app;
    request.set_user_id(user);
    if (!name.empty()) request.set_device_name(name);
    request.set_skew(periods.skew);
    request.set_period_s(periods.period_s);
    request.set_secret_key(secret);
    return service.ImportDevice(context, request);
  }
  // The secret.
  std::string Created(const std::string& user, const std::string& name, Periods periods = {0, 30}) {
    const auto response = Create(user, name, periods);
    EXPECT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->created().device_name(), name);
    return response->created().secret_key();
  }
  void Imported(const std::string& user, const std::string& name,
                const std::string& secret = kSecret, Periods periods = {0, 30}) {
    const auto response = Import(user, name, secret, periods);
    EXPECT_TRUE(response.ok()) << response.status();
    EXPECT_EQ(response->device_name(), name);
  }
  std::string Rename(const std::string& user, const std::string& from, const std::string& to) {
    v1::RenameDeviceRequest request;
    *request.mutable_scope() = app;
    request.set_user_id(user);
    request.set_existing_device_name(from);
    request.set_new_device_name(to);
    const auto response = service.RenameDevice(context, request);
    if (!response.ok()) return std::string(ErrorReasonName(ReasonOf(response.status())));
    if (!response->device_found()) return "unknown";
    return response->name_taken() ? "taken" : "done";
  }
  bool Remove(const std::string& user, const std::string& name) {
    v1::RemoveDeviceRequest request;
    *request.mutable_scope() = app;
    request.set_user_id(user);
    request.set_device_name(name);
    const auto response = service.RemoveDevice(context, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response->existed();
  }
  std::vector<std::string> Devices(const std::string& user) {
    v1::ListDevicesRequest request;
    *request.mutable_scope() = app;
    request.set_user_id(user);
    const auto response = service.ListDevices(context, request);
    EXPECT_TRUE(response.ok()) << response.status();
    std::vector<std::string> devices;
    for (const v1::Device& device : response->devices()) {
      devices.push_back(device.name() + (device.verified() ? " verified" : ""));
    }
    return devices;
  }
  v1::VerifyDeviceResponse VerifyDevice(const std::string& user, const std::string& name,
                                        const std::string& code) {
    v1::VerifyDeviceRequest request;
    *request.mutable_scope() = app;
    request.set_user_id(user);
    request.set_device_name(name);
    request.set_code(code);
    const auto response = service.VerifyDevice(context, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return *response;
  }
  absl::StatusOr<v1::VerifyCodeResponse> TryVerify(const std::string& user, const std::string& code,
                                                   const common::v1::Scope& scope) {
    v1::VerifyCodeRequest request;
    *request.mutable_scope() = scope;
    request.set_user_id(user);
    request.set_code(code);
    return service.VerifyCode(context, request);
  }
  absl::StatusOr<v1::VerifyCodeResponse> TryVerify(const std::string& user,
                                                   const std::string& code) {
    return TryVerify(user, code, app);
  }
  v1::VerifyCodeResponse Verify(const std::string& user, const std::string& code,
                                const common::v1::Scope& scope) {
    const auto response = TryVerify(user, code, scope);
    EXPECT_TRUE(response.ok()) << response.status();
    return *response;
  }
  v1::VerifyCodeResponse Verify(const std::string& user, const std::string& code) {
    return Verify(user, code, app);
  }
  bool Accepted(const std::string& user, const std::string& code) {
    return Verify(user, code).accepted();
  }
  bool InUse(const std::string& user) {
    common::v1::IsUserIdInUseRequest request;
    *request.mutable_scope() = app;
    request.set_user_id(user);
    const auto response = service.IsUserIdInUse(context, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response->in_use_by() == "TOTP";
  }
  bool LeaveTenant(const std::string& user, const common::v1::Scope& tenant) {
    common::v1::RemoveUserFromTenantRequest request;
    *request.mutable_scope() = tenant;
    request.set_user_id(user);
    const auto response = service.RemoveUserFromTenant(context, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response->existed();
  }
  common::v1::Scope AddTenant(const std::string& app_id, const std::string& tenant_id,
                              const std::string& config = "{}") {
    return tenants.Add(app_id, tenant_id, config)->scope();
  }
  // The code of the period that is `periods` away from the clock's.
  std::string Code(const std::string& secret, int periods = 0, int period_s = 30) const {
    return Hotp(crypto::Base32Decode(secret),
                static_cast<uint64_t>(clock.NowMs() / (period_s * 1000) + periods), kCodeDigits);
  }
  // Rows with "," between them, columns with "|".
  std::string Rows(const char* sql) {
    // Statements are prepared by their names, which the database keeps.
    static std::map<std::string, std::string> names;
    const auto name = names.emplace(sql, "test_rows_" + std::to_string(names.size())).first;
    const auto rows = database->Execute(testing::Soon(), {name->second.c_str(), sql});
    EXPECT_TRUE(rows.ok()) << rows.status();
    std::string text;
    const int columns = static_cast<int>(std::count(sql, std::strstr(sql, " FROM"), ',')) + 1;
    for (const db::Row row : *rows) {
      if (!text.empty()) text += ',';
      for (int column = 0; column < columns; ++column) {
        text += (column > 0 ? "|" : "") + std::string(row.Text(column));
      }
    }
    return text;
  }

  const std::unique_ptr<db::Database> database =
      testing::TestPostgres::Shared().CreateDatabase(/*pool_size=*/8);
  testing::TestTenants tenants{*database,
                               R"({"totp_max_attempts":3,"totp_rate_limit_cooldown_sec":60})"};
  const common::v1::Scope app = AddTenant("app", "public");
  testing::FakeClock clock;
  FakeRegistry registry;
  PgTotpStore store{tenants};
  TotpServiceImpl service{tenants.directory(), registry, store, clock};
  rpc::CallContext context;
};

}  // namespace gatehouse::totp
