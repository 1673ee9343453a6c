#pragma once

// A session service over a real database, with fakes for the services below it. For tests.

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gatehouse/jwks/v1/jwks_service.rpc.h"
#include "gatehouse/tenants/v1/app_settings_service.rpc.h"
#include "gatehouse/users/v1/registry_service.rpc.h"
#include "libs/base/status.h"
#include "libs/crypto/core_vectors.h"
#include "libs/testing/fake_activity_log.h"
#include "libs/testing/fake_clock.h"
#include "libs/testing/pg_test_server.h"
#include "libs/testing/test_tenants.h"
#include "services/session/pg_session_store.h"
#include "services/session/refresh_token.h"
#include "services/session/session_service.h"

namespace gatehouse::session {

// Returns one dynamic and one static key, which are the same pair.
class FakeJwks final : public jwks::v1::JwksService {
 public:
  absl::StatusOr<jwks::v1::GetPublicKeysResponse> GetPublicKeys(
      rpc::CallContext&, const jwks::v1::GetPublicKeysRequest&) override {
    return MakeError(ErrorReason::kInternal, "not for sessions");
  }
  absl::StatusOr<jwks::v1::CreateJwtResponse> CreateJwt(
      rpc::CallContext&, const jwks::v1::CreateJwtRequest&) override {
    return MakeError(ErrorReason::kInternal, "not for sessions");
  }
  absl::StatusOr<jwks::v1::GetSigningKeysResponse> GetSigningKeys(
      rpc::CallContext&, const jwks::v1::GetSigningKeysRequest& request) override {
    ++calls;
    if (request.refresh()) ++refreshes;
    if (request.with_static_key()) ++static_requests;
    if (down) return MakeError(ErrorReason::kDependencyDown, "down");
    auto response = keys;
    if (!request.with_static_key() && !request.refresh()) response.clear_static_keys();
    return response;
  }

  FakeJwks() {
    AddDynamic("d-1700000000000");
    auto& fixed = *keys.add_static_keys();
    fixed.set_key_id("s-static");
    fixed.set_key_pair(std::string(crypto::core_vectors::kKeyPair));
    fixed.set_created_at_ms(1'600'000'000'000);
    keys.set_refresh_at_ms(INT64_MAX);
  }
  void AddDynamic(std::string_view key_id) {
    auto& key = *keys.add_dynamic_keys();
    key.set_key_id(std::string(key_id));
    key.set_key_pair(std::string(crypto::core_vectors::kKeyPair));
    key.set_created_at_ms(1'700'000'000'000);
    key.set_expires_at_ms(4'000'000'000'000);
    keys.set_current_dynamic_key_id(std::string(key_id));
  }

  jwks::v1::GetSigningKeysResponse keys;
  std::atomic<int> calls = 0;
  std::atomic<int> refreshes = 0;
  std::atomic<int> static_requests = 0;
  bool down = false;
};

class FakeAppSettings final : public tenants::v1::AppSettingsService {
 public:
  absl::StatusOr<tenants::v1::GetOrCreateSettingResponse> GetOrCreateSetting(
      rpc::CallContext&, const tenants::v1::GetOrCreateSettingRequest& request) override {
    EXPECT_EQ(request.name(), "refresh_token_key");
    tenants::v1::GetOrCreateSettingResponse response;
    response.set_value(std::string(crypto::core_vectors::kMasterKey));
    return response;
  }
  absl::StatusOr<tenants::v1::GetSettingResponse> GetSetting(
      rpc::CallContext&, const tenants::v1::GetSettingRequest&) override {
    return MakeError(ErrorReason::kInternal, "unexpected");
  }
  absl::StatusOr<tenants::v1::SetSettingResponse> SetSetting(
      rpc::CallContext&, const tenants::v1::SetSettingRequest&) override {
    return MakeError(ErrorReason::kInternal, "unexpected");
  }
  absl::StatusOr<tenants::v1::DeleteSettingResponse> DeleteSetting(
      rpc::CallContext&, const tenants::v1::DeleteSettingRequest&) override {
    return MakeError(ErrorReason::kInternal, "unexpected");
  }
};

// Knows the users that a test adds, by any of their ids.
class FakeRegistry final : public users::v1::RegistryService {
 public:
  absl::StatusOr<users::v1::ResolveUserIdsResponse> ResolveUserIds(
      rpc::CallContext&, const users::v1::ResolveUserIdsRequest& request) override {
    ++asked;
    if (down) return MakeError(ErrorReason::kDependencyDown, "down");
    users::v1::ResolveUserIdsResponse response;
    for (const std::string& id : request.user_ids()) {
      auto& user = *response.add_users();
      if (const auto it = users.find(id); it != users.end()) {
        user = it->second;
        if (!request.include_linked()) user.clear_linked_recipe_user_ids();
      }
      user.set_input(id);
    }
    return response;
  }
  absl::StatusOr<users::v1::RecordActivityResponse> RecordActivity(
      rpc::CallContext& context, const users::v1::RecordActivityRequest& request) override {
    const std::lock_guard lock(mutex);
    ++notes;
    note_deadline = context.deadline;
    if (down) return MakeError(ErrorReason::kDependencyDown, "down");
    ++active[request.supertokens_user_id()];
    return users::v1::RecordActivityResponse();
  }
  absl::StatusOr<users::v1::SignInOrUpResponse> SignInOrUp(
      rpc::CallContext&, const users::v1::SignInOrUpRequest&) override {
    return MakeError(ErrorReason::kInternal, "unexpected");
  }
  absl::StatusOr<users::v1::ChangeIdentityResponse> ChangeIdentity(
      rpc::CallContext&, const users::v1::ChangeIdentityRequest&) override {
    return MakeError(ErrorReason::kInternal, "unexpected");
  }

  // A user whose external id is `external`, linked to the primary user `primary` (internal) whose
  // external id is `primary_external`.
  void Add(std::string internal, std::string external, std::string primary,
           std::string primary_external, std::vector<std::string> linked = {}) {
    users::v1::ResolvedUser user;
    user.set_found(true);
    user.set_supertokens_user_id(internal);
    user.set_recipe_user_id(external);
    user.set_primary_supertokens_user_id(std::move(primary));
    user.set_primary_user_id(std::move(primary_external));
    for (std::string& id : linked) user.add_linked_recipe_user_ids(std::move(id));
    users[external] = user;
    users[std::move(internal)] = std::move(user);
  }

  std::map<std::string, users::v1::ResolvedUser> users;
  std::mutex mutex;  // of the next three
  int notes = 0;
  absl::Time note_deadline;  // of the last one
  std::map<std::string, int> active;
  std::atomic<int> asked = 0;
  bool down = false;
};

class SessionServiceTest : public ::testing::Test {
 protected:
  explicit SessionServiceTest(
      std::string_view base_config = R"({"access_token_validity_jitter":0})", int pool_size = 4)
      : database(gatehouse::testing::TestPostgres::Shared().CreateDatabase(pool_size)),
        tenants(*database, base_config) {}

  rpc::CallContext Context() {
    return {.caller = "gateway", .deadline = gatehouse::testing::Soon()};
  }

  v1::CreateSessionRequest NewRequest(
      std::string_view user_id = "user",
      v1::AccessTokenVersion version = v1::ACCESS_TOKEN_VERSION_V5) {
    v1::CreateSessionRequest request;
    *request.mutable_scope() = scope;
    request.set_user_id(std::string(user_id));
    request.set_user_data_in_jwt_json(R"({"role":"x"})");
    request.set_user_data_in_database_json(R"({"n":1.0})");
    request.set_access_token_version(version);
    request.set_use_static_key(false);
    return request;
  }
  v1::IssuedSession Create(const v1::CreateSessionRequest& request) {
    auto context = Context();
    auto response = service.CreateSession(context, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? response->issued() : v1::IssuedSession();
  }
  v1::IssuedSession Create() { return Create(NewRequest()); }

  absl::StatusOr<v1::VerifySessionResponse> Verify(std::string_view token, bool check_database,
                                                   bool stateless) {
    v1::VerifySessionRequest request;
    *request.mutable_scope() = scope;
    request.set_access_token(std::string(token));
    request.set_check_database(check_database);
    request.set_stateless(stateless);
    auto context = Context();
    return service.VerifySession(context, request);
  }

  v1::RefreshSessionRequest RefreshRequest(std::string_view token, bool eager) {
    v1::RefreshSessionRequest request;
    *request.mutable_scope() = scope;
    request.set_refresh_token(std::string(token));
    request.set_access_token_version(v1::ACCESS_TOKEN_VERSION_V5);
    request.set_eager_rotation(eager);
    return request;
  }
  v1::RefreshSessionResponse Refresh(const v1::RefreshSessionRequest& request) {
    auto context = Context();
    auto response = service.RefreshSession(context, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return response.ok() ? *std::move(response) : v1::RefreshSessionResponse();
  }
  v1::RefreshSessionResponse Refresh(const v1::IssuedSession& session, bool eager) {
    return Refresh(RefreshRequest(session.refresh_token().token(), eager));
  }

  // A user whose external id is `external`, linked to the primary user `primary` (internal) whose
  // external id is `primary_external`: in the registry, and in the database of tests.
  void AddUser(const std::string& internal, const std::string& external, const std::string& primary,
               const std::string& primary_external, std::vector<std::string> linked = {}) {
    registry.Add(internal, external, primary, primary_external, std::move(linked));
    static constexpr db::Statement kUser = {
        "test_user",
        "INSERT INTO {app_id_to_user_id} (app_id, user_id, recipe_id, primary_or_recipe_user_id)"
        " VALUES ('public', $1, 'emailpassword', $2) ON CONFLICT (app_id, user_id) DO UPDATE"
        " SET primary_or_recipe_user_id = EXCLUDED.primary_or_recipe_user_id"};
    static constexpr db::Statement kMapping = {
        "test_mapping",
        "INSERT INTO {userid_mapping} (app_id, supertokens_user_id, external_user_id)"
        " VALUES ('public', $1, $2) ON CONFLICT DO NOTHING"};
    const auto execute = [&](const db::Statement& statement, const db::Params& params) {
      const auto result = database->Execute(gatehouse::testing::Soon(), statement, params);
      EXPECT_TRUE(result.ok()) << result.status();
    };
    execute(kUser, {primary, primary});
    execute(kUser, {internal, primary});
    if (external != internal) execute(kMapping, {internal, external});
    if (primary_external != primary) execute(kMapping, {primary, primary_external});
  }

  std::optional<SessionRow> Row(const std::string& handle) {
    auto tenant = tenants.directory().Find(scope);
    auto row = store.Get(**tenant, handle, gatehouse::testing::Soon());
    EXPECT_TRUE(row.ok()) << row.status();
    return row.ok() ? *row : std::nullopt;
  }
  static std::string Hash2(const v1::Token& token) { return Hash2OfHash1(Hash1(token.token())); }

  // The content of an access token's claims.
  static AccessToken Read(const v1::Token& token) {
    const auto raw = SplitAccessToken(token.token());
    EXPECT_TRUE(raw.ok()) << raw.status();
    auto read = ReadAccessToken(*raw);
    EXPECT_TRUE(read.ok()) << read.status();
    return *std::move(read);
  }

  common::v1::Scope scope = gatehouse::testing::ScopeOf("public");
  gatehouse::testing::FakeClock clock;
  std::unique_ptr<db::Database> database;
  gatehouse::testing::TestTenants tenants;
  FakeJwks jwks;
  FakeAppSettings settings;
  FakeRegistry registry;
  PgSessionStore store{tenants};
  KeyCache keys{jwks, clock};
  MasterKeys master_keys{settings};
  UserDirectory users{registry, tenants.directory(), clock, /*test_mode=*/false};
  UntoldRotations untold;
  gatehouse::testing::FakeActivityLog audit;
  activity::ActivityLog activities{audit, clock};
  SessionService service{
      {tenants.directory(), store, keys, master_keys, users, untold, activities, clock}};
};

}  // namespace gatehouse::session
