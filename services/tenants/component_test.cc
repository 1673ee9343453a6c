// The whole tenants service on a real database, alone and as two instances.

#include "services/tenants/component.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "absl/time/clock.h"
#include "gatehouse/tenants/v1/activity_log_service.rpc.h"
#include "gatehouse/tenants/v1/app_settings_service.rpc.h"
#include "gatehouse/tenants/v1/tenant_directory.rpc.h"
#include "gatehouse/tenants/v1/tenants_service.rpc.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/base/strings.h"
#include "libs/config/process_config.h"
#include "libs/db/migrator.h"
#include "libs/host/job_scheduler.h"
#include "libs/rpc/dispatcher.h"
#include "libs/tenancy/change_assembler.h"
#include "libs/tenancy/pg_tenant_databases.h"
#include "libs/testing/fake_clock.h"
#include "libs/testing/pg_test_server.h"
#include "libs/testing/policy_check.h"
#include "services/tenants/policy.h"

namespace gatehouse::tenants {
namespace {

using gatehouse::testing::Soon;
using gatehouse::testing::TestPostgres;
using tenancy::MakeScope;

TEST(TenantsPolicyTest, IsEnforced) {
  gatehouse::testing::ExpectPolicyIsEnforced(v1::TenantsService::Info(), TenantsPolicy());
  gatehouse::testing::ExpectPolicyIsEnforced(v1::TenantDirectoryService::Info(), DirectoryPolicy());
  gatehouse::testing::ExpectPolicyIsEnforced(v1::AppSettingsService::Info(), AppSettingsPolicy());
  gatehouse::testing::ExpectPolicyIsEnforced(v1::ActivityLogService::Info(), ActivityLogPolicy());
}

// One process with the tenants service in it, called as the gateway and as session.
class Instance final : public host::Environment {
 public:
  explicit Instance(const db::DatabaseOptions& options) {
    config_.base.test_mode = true;
    config_.core = *config::CoreConfig::Resolve(config_.base);
    base_ = gatehouse::testing::OpenDatabase(options);
    databases_ = std::make_unique<tenancy::PgTenantDatabases>(base_, config_.core->db());
  }

  absl::Status Start() {
    ASSIGN_OR_RETURN(component_, MakeTenantsComponent(*this));
    std::vector<rpc::Dispatcher*> all;
    for (const host::ExposedService& service : component_->services()) {
      ASSIGN_OR_RETURN(auto dispatcher, rpc::Dispatcher::Create(*service.handler, service.policy));
      all.push_back(dispatcher.get());
      dispatchers_.push_back(std::move(dispatcher));
    }
    gateway_ = rpc::MakeLocalChannel(all, "gateway");
    session_ = rpc::MakeLocalChannel(all, "session");
    stream_ = v1::TenantDirectoryServiceClient(*gateway_).SubscribeWatchTenants(
        Context(), {}, [this](const v1::WatchTenantsResponse& message, const auto& answer) {
          const auto change = changes_.Add(message);
          if (!change.has_value()) return;
          directory_.Apply(change->full(), change->base_config_json(),
                           {change->upserted().begin(), change->upserted().end()},
                           {change->removed().begin(), change->removed().end()});
          v1::WatchTenantsRequest applied;
          applied.set_applied_version(change->version());
          answer(applied);
        });
    return component_->Start();
  }

  rpc::Channel& ChannelTo(std::string_view) override { return *gateway_; }
  tenancy::TenantDirectory& tenants() override { return directory_; }
  tenancy::TenantDatabases& databases() override { return *databases_; }
  const config::ProcessConfig& config() const override { return config_; }
  const Clock& clock() const override { return clock_; }
  host::JobScheduler& jobs() override { return jobs_; }

  static rpc::CallContext Context() {
    rpc::CallContext context;
    context.deadline = Soon();
    return context;
  }
  db::Database& database() { return *base_; }
  gatehouse::testing::FakeClock& fake_clock() { return clock_; }

  absl::StatusOr<bool> Put(const common::v1::Scope& source, const common::v1::Scope& target,
                           std::string_view core_config = "{}") {
    v1::UpsertTenantRequest request;
    *request.mutable_scope() = source;
    *request.mutable_target() = target;
    request.set_style(v1::UPSERT_STYLE_FACTORS);
    request.set_core_config_json(std::string(core_config));
    auto context = Context();
    ASSIGN_OR_RETURN(auto response,
                     v1::TenantsServiceClient(*gateway_).UpsertTenant(context, request));
    return response.created_new();
  }
  absl::StatusOr<bool> PutApp(const std::string& app_id, std::string_view core_config = "{}") {
    return Put(MakeScope("", "", ""), MakeScope("", app_id, ""), core_config);
  }
  absl::StatusOr<bool> RemoveApp(const std::string& app_id) {
    v1::RemoveAppRequest request;
    *request.mutable_scope() = MakeScope("", "", "");
    request.set_app_id(app_id);
    auto context = Context();
    ASSIGN_OR_RETURN(auto response,
                     v1::TenantsServiceClient(*gateway_).RemoveApp(context, request));
    return response.did_exist();
  }
  absl::StatusOr<bool> RemoveTenant(const common::v1::Scope& app, const std::string& tenant_id) {
    v1::RemoveTenantRequest request;
    *request.mutable_scope() = app;
    request.set_tenant_id(tenant_id);
    auto context = Context();
    ASSIGN_OR_RETURN(auto response,
                     v1::TenantsServiceClient(*gateway_).RemoveTenant(context, request));
    return response.did_exist();
  }
  v1::GetTenantResponse Get(const common::v1::Scope& scope) {
    v1::GetTenantRequest request;
    *request.mutable_scope() = scope;
    auto context = Context();
    return v1::TenantsServiceClient(*gateway_).GetTenant(context, request).value();
  }
  bool Knows(const common::v1::Scope& scope) { return directory_.Find(scope).ok(); }

  rpc::Channel& gateway() { return *gateway_; }
  rpc::Channel& session() { return *session_; }

 private:
  config::ProcessConfig config_;
  gatehouse::testing::FakeClock clock_;
  std::shared_ptr<db::Database> base_;
  std::unique_ptr<tenancy::PgTenantDatabases> databases_;
  tenancy::ChangeAssembler changes_;
  tenancy::TenantDirectory directory_{/*test_mode=*/true};
  host::JobScheduler jobs_;
  std::unique_ptr<host::Component> component_;
  std::vector<std::unique_ptr<rpc::Dispatcher>> dispatchers_;
  std::unique_ptr<rpc::Channel> gateway_;
  std::unique_ptr<rpc::Channel> session_;
  std::unique_ptr<rpc::Subscription> stream_;
};

int64_t Count(db::Database& database, const char* name, const char* sql) {
  return database.Execute(Soon(), db::Statement{name, sql}).value().front().Int64(0);
}

// Of this thread, which calls the service: the listener's thread does other work.
int64_t Statements() { return db::ThreadStatements().statements; }

// Waits until another instance has been notified.
bool Eventually(absl::FunctionRef<bool()> condition) {
  const absl::Time give_up = Soon();
  while (SteadyNow() < give_up) {
    if (condition()) return true;
    absl::SleepFor(absl::Milliseconds(2));
  }
  return false;
}

class TenantsComponentTest : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(instance.Start().ok()); }
  db::DatabaseOptions options = TestPostgres::Shared().CreateDatabaseOptions();
  Instance instance{options};
};

TEST_F(TenantsComponentTest, AnAppIsCreatedOnceAndRemovedWhole) {
  EXPECT_EQ(instance.PutApp("a").value(), true);
  EXPECT_TRUE(instance.Knows(MakeScope("", "a", ""))) << "before the reply is given";
  EXPECT_EQ(instance.PutApp("a").value(), false);
  EXPECT_EQ(instance.Put(MakeScope("", "a", ""), MakeScope("", "a", "t")).value(), true);
  EXPECT_EQ(ReasonOf(instance.RemoveApp("a").status()), ErrorReason::kForbidden);
  EXPECT_EQ(instance.RemoveTenant(MakeScope("", "a", ""), "t").value(), true);
  EXPECT_EQ(instance.RemoveTenant(MakeScope("", "a", ""), "t").value(), false);
  EXPECT_EQ(instance.RemoveApp("a").value(), true);
  EXPECT_EQ(instance.RemoveApp("a").value(), false);
  EXPECT_FALSE(instance.Knows(MakeScope("", "a", "")));
  EXPECT_EQ(Count(instance.database(), "test_apps", "SELECT count(*) FROM {apps}"), 1);
  EXPECT_EQ(Count(instance.database(), "test_rows", "SELECT count(*) FROM {tenants}"), 1);
}

TEST_F(TenantsComponentTest, ATenantOfAnUnknownAppIsRefused) {
  EXPECT_EQ(ReasonOf(instance.Put(MakeScope("", "no", ""), MakeScope("", "no", "t")).status()),
            ErrorReason::kTenantNotFound);
}

TEST_F(TenantsComponentTest, CreatingAnAppIsAFewStatementsAndLookingItUpNone) {
  ASSERT_TRUE(instance.PutApp("first").ok());
  const int64_t before = Statements();
  ASSERT_TRUE(instance.PutApp("second").ok());
  EXPECT_LE(Statements() - before, 6);
  const int64_t created = Statements();
  EXPECT_TRUE(instance.Get(MakeScope("", "second", "")).has_tenant());
  EXPECT_EQ(Statements(), created);
}

TEST_F(TenantsComponentTest, AnAppThatIsMadeAgainHasAnotherNumber) {
  ASSERT_TRUE(instance.PutApp("a").ok());
  const auto first = *instance.tenants().Find(MakeScope("", "a", ""));
  EXPECT_GT(first->record.incarnation(), 0);
  ASSERT_TRUE(instance.PutApp("a", R"({"access_token_validity":77})").ok());
  EXPECT_EQ((*instance.tenants().Find(first->scope()))->record.incarnation(),
            first->record.incarnation())
      << "a change makes no other";
  ASSERT_TRUE(instance.RemoveApp("a").ok());
  ASSERT_TRUE(instance.PutApp("a").ok());
  EXPECT_GT((*instance.tenants().Find(MakeScope("", "a", "")))->record.incarnation(),
            first->record.incarnation());
  EXPECT_EQ(ReasonOf(instance.tenants().Find(first->scope()).status()),
            ErrorReason::kTenantNotFound);
}

TEST_F(TenantsComponentTest, ARequestThatDidNotSeeItsSourceChangesNothing) {
  const common::v1::Scope a = MakeScope("", "a", "");
  const common::v1::Scope base = MakeScope("", "", "");
  const auto tried = [&](const common::v1::Scope& source) {
    v1::PutThirdPartyProviderRequest provider;
    *provider.mutable_scope() = source;
    provider.mutable_provider()->set_third_party_id("google");
    v1::RemoveThirdPartyProviderRequest remove;
    *remove.mutable_scope() = source;
    remove.set_third_party_id("google");
    v1::ListTenantsRequest list;
    *list.mutable_scope() = source;
    list.set_range(v1::ListTenantsRequest::RANGE_APP);
    v1::TenantsServiceClient client(instance.gateway());
    auto context = Instance::Context();
    return std::vector<absl::Status>{
        instance.Put(source, a, R"({"access_token_validity":77})").status(),
        instance.Put(source, MakeScope("", "a", "t")).status(),
        instance.RemoveTenant(source, "t").status(),
        client.PutThirdPartyProvider(context, provider).status(),
        client.RemoveThirdPartyProvider(context, remove).status(),
        client.ListTenants(context, list).status()};
  };
  ASSERT_TRUE(instance.PutApp("a").ok());
  for (const absl::Status& status : tried(tenancy::Admit(a, nullptr, nullptr))) {
    EXPECT_EQ(ReasonOf(status), ErrorReason::kTenantNotFound) << status;
  }
  EXPECT_FALSE(instance.Get(tenancy::Admit(a, nullptr, nullptr)).has_tenant());
  // Created again without a notification: the directory still has the former one.
  const common::v1::Scope former = (*instance.tenants().Find(a))->scope();
  ASSERT_TRUE(instance.database()
                  .Execute(Soon(), db::Statement{"test_remove",
                                                 "DELETE FROM {tenant_configs} WHERE app_id = 'a'"})
                  .ok());
  ASSERT_TRUE(
      instance.database()
          .Execute(Soon(),
                   db::Statement{"test_make",
                                 "INSERT INTO {tenant_configs} (connection_uri_domain, app_id, "
                                 "tenant_id, core_config, email_password_enabled, "
                                 "passwordless_enabled, third_party_enabled, "
                                 "is_first_factors_null) "
                                 "VALUES ('', 'a', 'public', '{}', true, true, true, true)"})
          .ok());
  ASSERT_TRUE(instance.tenants().Find(former).ok());
  for (const absl::Status& status : tried(former)) {
    EXPECT_EQ(ReasonOf(status), ErrorReason::kTenantNotFound) << status;
  }
  EXPECT_EQ(
      Count(instance.database(), "test_unchanged",
            "SELECT count(*) FROM {tenant_configs} WHERE app_id = 'a' AND core_config = '{}'"),
      1);
  EXPECT_TRUE(instance.Put(base, a, R"({"access_token_validity":77})").ok());
}

// It may come from another replica, which made a change that this one has not heard of yet.
TEST_F(TenantsComponentTest, AWatcherBeginsWithWhatTheDatabaseHas) {
  const auto run = [&](const char* name, const char* sql) {
    const auto done = instance.database().Execute(Soon(), db::Statement{name, sql});
    ASSERT_TRUE(done.ok()) << done.status();
  };
  const auto watch = [&](bool& knows) {
    return v1::TenantDirectoryServiceClient(instance.session())
        .SubscribeWatchTenants(Instance::Context(), {},
                               [&knows](const v1::WatchTenantsResponse& message, const auto&) {
                                 for (const v1::Tenant& tenant : message.upserted()) {
                                   knows = knows || tenant.scope().app_id() == "quiet";
                                 }
                               });
  };
  run("test_quiet",
      "INSERT INTO {tenant_configs} (connection_uri_domain, app_id, tenant_id, core_config, "
      "email_password_enabled, passwordless_enabled, third_party_enabled, is_first_factors_null) "
      "VALUES ('', 'quiet', 'public', '{}', true, true, true, true)");
  bool knows = false;
  EXPECT_NE(watch(knows), nullptr);
  EXPECT_TRUE(knows);
  // Where that can't be read, it goes elsewhere.
  run("test_break", "ALTER TABLE {tenant_configs} RENAME COLUMN core_config TO gone");
  EXPECT_EQ(watch(knows), nullptr);
  EXPECT_EQ(watch(knows), nullptr);
  run("test_mend", "ALTER TABLE {tenant_configs} RENAME COLUMN gone TO core_config");
  EXPECT_NE(watch(knows), nullptr);
}

TEST_F(TenantsComponentTest, EntriesOfManyNamesAreOneStatement) {
  ASSERT_TRUE(instance.PutApp("a").ok());
  ASSERT_TRUE(instance.Put(MakeScope("", "a", ""), MakeScope("", "a", "t")).ok());
  v1::TenantDirectoryServiceClient client(instance.gateway());
  auto context = Instance::Context();
  v1::GetDirectoryEntriesRequest request;
  for (const char* tenant : {"", "t", "none"}) *request.add_scopes() = MakeScope("", "a", tenant);
  for (int i = 0; i < 497; ++i) {
    *request.add_scopes() = MakeScope("", StrCat("app", std::to_string(i)), "");
  }
  const int64_t before = Statements();
  const auto response = client.GetDirectoryEntries(context, request);
  EXPECT_EQ(Statements() - before, 1);
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_EQ(response->tenants_size(), 2);
  for (const v1::Tenant& tenant : response->tenants()) {
    EXPECT_EQ(tenant.SerializeAsString(),
              (*instance.tenants().Find(tenant.scope()))->record.SerializeAsString());
  }
  *request.add_scopes() = MakeScope("", "b", "");
  EXPECT_EQ(ReasonOf(client.GetDirectoryEntries(context, request).status()),
            ErrorReason::kBadInput);
}

TEST_F(TenantsComponentTest, ConfigurationIsCheckedAndInherited) {
  ASSERT_TRUE(instance.PutApp("a", R"({"access_token_validity":77})").ok());
  ASSERT_TRUE(instance.Put(MakeScope("", "a", ""), MakeScope("", "a", "t")).ok());
  EXPECT_EQ((*instance.tenants().Find(MakeScope("", "a", "t")))->config->access_token_validity_s(),
            77);
  const auto conflict = instance.Put(MakeScope("", "a", ""), MakeScope("", "a", "t"),
                                     R"({"access_token_validity":78})");
  EXPECT_EQ(conflict.status().message(),
            "Invalid core config: You cannot set different values for access_token_validity for "
            "the same appId");
  EXPECT_EQ(instance.PutApp("a", R"({"nonsense":1})").status().message(),
            "Invalid core config: Invalid config key: nonsense");
  ASSERT_TRUE(instance.PutApp("a", R"({"access_token_validity":null})").ok());
  EXPECT_EQ(instance.Get(MakeScope("", "a", "")).tenant().tenant().core_config_json(), "{}");
  EXPECT_NE((*instance.tenants().Find(MakeScope("", "a", "t")))->config->access_token_validity_s(),
            77);
}

TEST_F(TenantsComponentTest, AMigrationModeOnlyGoesForward) {
  const auto put = [&](std::string_view core_config) {
    return instance.PutApp("a", core_config).status();
  };
  constexpr std::string_view kLegacy = R"({"migration_mode":"LEGACY"})";
  constexpr std::string_view kDual = R"({"migration_mode":"dual_write_read_new"})";
  constexpr std::string_view kMigrated = R"({"migration_mode":"MIGRATED"})";
  EXPECT_EQ(put(kLegacy).message(),
            "Invalid core config: migration_mode LEGACY is not available: this server reads the "
            "new tables only. Use DUAL_WRITE_READ_NEW or MIGRATED");
  EXPECT_FALSE(instance.Knows(MakeScope("", "a", "")));
  EXPECT_TRUE(put(kDual).ok());
  EXPECT_EQ(ReasonOf(put(R"({"migration_mode":"DUAL_WRITE_READ_OLD"})")), ErrorReason::kBadInput);
  EXPECT_TRUE(put(R"({"access_token_validity":77})").ok());
  EXPECT_TRUE(put(kDual).ok());
  EXPECT_TRUE(put(kMigrated).ok());
  EXPECT_TRUE(put(kMigrated).ok());
  EXPECT_EQ(put(kDual).message(),
            "Invalid core config: migration_mode is currently MIGRATED, which is terminal. Old "
            "tables are stale and cannot be re-introduced into the read path without first being "
            "repopulated out of band. Refusing transition to DUAL_WRITE_READ_NEW.");
  // No value means the inherited one, which is MIGRATED here.
  EXPECT_TRUE(put(R"({"migration_mode":null})").ok());
  EXPECT_EQ(ReasonOf(put(kDual)), ErrorReason::kBadInput);
}

TEST_F(TenantsComponentTest, ATenantFromALegacyCoreCanBeChangedAndMigrated) {
  ASSERT_TRUE(instance.PutApp("a").ok());
  ASSERT_TRUE(instance.database()
                  .Execute(Soon(), db::Statement{"test_legacy",
                                                 "UPDATE {tenant_configs} SET core_config = "
                                                 "'{\"migration_mode\":\"LEGACY\"}'"
                                                 " WHERE app_id = 'a'"})
                  .ok());
  Instance restarted(options);
  ASSERT_TRUE(restarted.Start().ok());
  EXPECT_TRUE(restarted.PutApp("a", R"({"access_token_validity":77})").ok());
  EXPECT_TRUE(restarted.PutApp("a", R"({"migration_mode":"MIGRATED"})").ok());
}

TEST_F(TenantsComponentTest, ProvidersAreKeptAsTheyCame) {
  v1::PutThirdPartyProviderRequest request;
  *request.mutable_scope() = MakeScope("", "", "");
  v1::ThirdPartyProvider& provider = *request.mutable_provider();
  provider.set_third_party_id("google");
  provider.set_require_email(false);
  provider.set_user_info_endpoint_headers_json(R"({"h":"1","n":null})");
  provider.mutable_user_info_from_id_token_payload()->set_user_id("sub");
  provider.mutable_user_info_from_user_info_api();
  auto* client = provider.add_clients();
  client->set_client_type("web");
  client->set_client_id("id");
  for (const char* scope : {"a", "b \"c\"", ""}) client->mutable_scope()->add_values(scope);
  client->set_force_pkce(true);
  client->set_additional_config_json(R"({"k":{"x":1.0},"n":null})");
  v1::TenantsServiceClient tenants(instance.gateway());
  auto context = Instance::Context();
  EXPECT_TRUE(tenants.PutThirdPartyProvider(context, request)->created_new());
  EXPECT_FALSE(tenants.PutThirdPartyProvider(context, request)->created_new());

  v1::ListTenantsRequest list;
  *list.mutable_scope() = MakeScope("", "", "");
  list.set_range(v1::ListTenantsRequest::RANGE_ALL);
  const auto listed = tenants.ListTenants(context, list);
  ASSERT_EQ(listed->tenants(0).third_party_providers_size(), 1);
  EXPECT_EQ(listed->tenants(0).third_party_providers(0).SerializeAsString(),
            provider.SerializeAsString());
  EXPECT_EQ(instance.Get(list.scope()).tenant().third_party_providers(0).SerializeAsString(),
            provider.SerializeAsString());

  v1::RemoveThirdPartyProviderRequest remove;
  *remove.mutable_scope() = list.scope();
  remove.set_third_party_id("google");
  EXPECT_TRUE(tenants.RemoveThirdPartyProvider(context, remove)->did_exist());
  EXPECT_FALSE(tenants.RemoveThirdPartyProvider(context, remove)->did_exist());
  EXPECT_EQ(Count(instance.database(), "test_clients",
                  "SELECT count(*) FROM {tenant_thirdparty_provider_clients}"),
            0);
}

TEST_F(TenantsComponentTest, ATenantMayHaveADatabaseOfItsOwn) {
  ASSERT_TRUE(instance.PutApp("a", R"({"postgresql_table_schema":"own_schema"})").ok());
  EXPECT_EQ(Count(instance.database(), "test_own",
                  "SELECT count(*) FROM own_schema.tenants WHERE app_id = 'a'"),
            1);
  EXPECT_EQ(
      Count(instance.database(), "test_base", "SELECT count(*) FROM {tenants} WHERE app_id = 'a'"),
      0);
  EXPECT_NE((*instance.tenants().Find(MakeScope("", "a", "")))->storage_id, "");
  ASSERT_TRUE(instance.Put(MakeScope("", "a", ""), MakeScope("", "a", "t")).ok());
  EXPECT_EQ(Count(instance.database(), "test_own_t",
                  "SELECT count(*) FROM own_schema.tenants WHERE tenant_id = 't'"),
            1);
  EXPECT_TRUE(instance.RemoveTenant(MakeScope("", "a", ""), "t").value());
  EXPECT_TRUE(instance.RemoveApp("a").value());
  EXPECT_EQ(Count(instance.database(), "test_own_gone", "SELECT count(*) FROM own_schema.apps"), 0);
}

TEST_F(TenantsComponentTest, ADomainNeedsADatabaseOfItsOwnAndGoesWithIt) {
  const auto domain = MakeScope("x.example", "", "");
  EXPECT_EQ(ReasonOf(instance.Put(MakeScope("", "", ""), domain).status()), ErrorReason::kBadInput);
  ASSERT_TRUE(
      instance.Put(MakeScope("", "", ""), domain, R"({"postgresql_table_schema":"domain_schema"})")
          .ok());
  EXPECT_TRUE(instance.tenants().HasConnectionUriDomain("x.example"));
  v1::RemoveConnectionUriDomainRequest remove;
  *remove.mutable_scope() = MakeScope("", "", "");
  remove.set_connection_uri_domain("x.example");
  auto context = Instance::Context();
  const auto removed =
      v1::TenantsServiceClient(instance.gateway()).RemoveConnectionUriDomain(context, remove);
  ASSERT_TRUE(removed.ok()) << removed.status();
  EXPECT_TRUE(removed->did_exist());
  EXPECT_FALSE(instance.tenants().HasConnectionUriDomain("x.example"));
  EXPECT_TRUE(instance.Knows(MakeScope("", "", "")));
  EXPECT_EQ(Count(instance.database(), "test_base_app", "SELECT count(*) FROM {apps}"), 1);
}

TEST_F(TenantsComponentTest, AnUnusableDatabaseChangesNothing) {
  const auto put = instance.PutApp("a", R"({"postgresql_host":"127.0.0.1","postgresql_port":1,
      "postgresql_user":"u","postgresql_password":"p"})");
  EXPECT_EQ(ReasonOf(put.status()), ErrorReason::kBadInput);
  EXPECT_FALSE(instance.Knows(MakeScope("", "a", "")));
  EXPECT_FALSE(instance.Get(MakeScope("", "a", "")).has_tenant());
}

TEST_F(TenantsComponentTest, OfManyProposalsOneSettingIsStored) {
  std::vector<std::string> values(8);
  {
    std::vector<std::jthread> threads;
    for (size_t i = 0; i < values.size(); ++i) {
      threads.emplace_back([&, i] {
        v1::GetOrCreateSettingRequest request;
        *request.mutable_scope() = MakeScope("", "", "");
        request.set_name("refresh_token_key");
        request.set_proposed_value(StrCat("key", std::to_string(i)));
        auto context = Instance::Context();
        values[i] = v1::AppSettingsServiceClient(instance.session())
                        .GetOrCreateSetting(context, request)
                        .value()
                        .value();
      });
    }
  }
  for (const std::string& value : values) EXPECT_EQ(value, values[0]);
  EXPECT_NE(values[0], "");
}

TEST_F(TenantsComponentTest, SettingsOfAnAppThatGoesAreNotFoundAnyMore) {
  ASSERT_TRUE(instance.PutApp("a").ok());
  // As seen by another process that has not been notified yet.
  ASSERT_TRUE(
      instance.database()
          .Execute(Soon(), db::Statement{"test_drop", "DELETE FROM {apps} WHERE app_id = 'a'"})
          .ok());
  v1::GetOrCreateSettingRequest request;
  *request.mutable_scope() = MakeScope("", "a", "");
  request.set_name("n");
  request.set_proposed_value("v");
  auto context = Instance::Context();
  EXPECT_EQ(ReasonOf(v1::AppSettingsServiceClient(instance.session())
                         .GetOrCreateSetting(context, request)
                         .status()),
            ErrorReason::kTenantNotFound);
}

TEST_F(TenantsComponentTest, StorageIsLookedAtOnceASecond) {
  v1::TenantsServiceClient tenants(instance.gateway());
  v1::CheckStorageRequest request;
  *request.mutable_scope() = MakeScope("", "", "");
  auto context = Instance::Context();
  ASSERT_TRUE(tenants.CheckStorage(context, request).ok());
  const int64_t before = db::ThreadStatements().round_trips;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(tenants.CheckStorage(context, request).ok());
  EXPECT_EQ(db::ThreadStatements().round_trips, before);
  instance.fake_clock().AdvanceMs(1000);
  ASSERT_TRUE(tenants.CheckStorage(context, request).ok());
  EXPECT_GT(db::ThreadStatements().round_trips, before);
}

TEST_F(TenantsComponentTest, AChangeReachesOtherInstances) {
  Instance other(options);
  ASSERT_TRUE(other.Start().ok());
  ASSERT_TRUE(instance.PutApp("a", R"({"access_token_validity":77})").ok());
  ASSERT_TRUE(Eventually([&] { return other.Knows(MakeScope("", "a", "")); }));
  EXPECT_EQ((*other.tenants().Find(MakeScope("", "a", "")))->config->access_token_validity_s(), 77);
  EXPECT_EQ(other.RemoveApp("a").value(), true);
  EXPECT_TRUE(Eventually([&] { return !instance.Knows(MakeScope("", "a", "")); }));
}

TEST_F(TenantsComponentTest, OneAppCreatedByManyAtOnceIsCreatedOnce) {
  Instance other(options);
  ASSERT_TRUE(other.Start().ok());
  std::atomic<int> created = 0;
  std::atomic<int> failed = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] {
        const auto outcome = (i % 2 == 0 ? instance : other).PutApp("a");
        if (!outcome.ok()) ++failed;
        if (outcome.ok() && *outcome) ++created;
      });
    }
  }
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(created, 1);
}

// Tenants are added to an app while it is removed: it is removed completely or stays, and nothing
// is left over.
TEST_F(TenantsComponentTest, RemovingAnAppWhileTenantsAreAddedLeavesNothingBehind) {
  Instance other(options);
  ASSERT_TRUE(other.Start().ok());
  for (int round = 0; round < 10; ++round) {
    const std::string app = StrCat("app", std::to_string(round));
    ASSERT_TRUE(instance.PutApp(app).ok());
    ASSERT_TRUE(Eventually([&] { return other.Knows(MakeScope("", app, "")); }));
    {
      std::jthread adder([&] {
        const auto added = other.Put(MakeScope("", app, ""), MakeScope("", app, "t"));
        EXPECT_TRUE(added.ok() || ReasonOf(added.status()) == ErrorReason::kTenantNotFound)
            << added.status();
      });
      const auto removed = instance.RemoveApp(app);
      EXPECT_TRUE(removed.ok() || ReasonOf(removed.status()) == ErrorReason::kForbidden)
          << removed.status();
    }
  }
  EXPECT_EQ(Count(instance.database(), "test_orphans",
                  "SELECT count(*) FROM {tenant_configs} c WHERE NOT EXISTS (SELECT 1 FROM "
                  "{tenants} t WHERE t.app_id = c.app_id AND t.tenant_id = c.tenant_id)"),
            0);
}

TEST(TenantsStartTest, TwoInstancesStartAtOnceOnAnEmptyDatabase) {
  const db::DatabaseOptions options = TestPostgres::Shared().CreateEmptyDatabaseOptions();
  Instance first(options);
  Instance second(options);
  {
    const auto start = [](Instance& instance) {
      EXPECT_TRUE(db::Migrate(instance.database(), Soon()).ok());
      EXPECT_TRUE(instance.Start().ok());
    };
    std::jthread other([&] { start(second); });
    start(first);
  }
  EXPECT_TRUE(first.Knows(MakeScope("", "", "")));
  EXPECT_TRUE(second.Knows(MakeScope("", "", "")));
  EXPECT_EQ(Count(first.database(), "test_configs", "SELECT count(*) FROM {tenant_configs}"), 1);
}

TEST(TenantsStartTest, ThousandsOfTenantsDontMakeAChangeDearer) {
  const db::DatabaseOptions options = TestPostgres::Shared().CreateDatabaseOptions();
  Instance instance(options);
  ASSERT_TRUE(instance.database()
                  .ExecuteScript(Soon(),
                                 "INSERT INTO {apps} SELECT 'app' || i, 1 "
                                 "FROM generate_series(1, 4000) i;\n"
                                 "INSERT INTO {tenants} SELECT 'app' || i, 'public', 1 "
                                 "FROM generate_series(1, 4000) i;\n"
                                 "INSERT INTO {tenant_configs} SELECT '', 'app' || i, 'public', "
                                 "'{}', TRUE, TRUE, TRUE, TRUE FROM generate_series(1, 4000) i;\n")
                  .ok());
  ASSERT_TRUE(instance.Start().ok());
  EXPECT_EQ(instance.tenants().size(), 4001u);
  const tenancy::TenantPtr untouched = *instance.tenants().Find(MakeScope("", "app1", ""));
  const int64_t before = Statements();
  ASSERT_TRUE(instance.PutApp("new").ok());
  EXPECT_LE(Statements() - before, 6);
  EXPECT_EQ(*instance.tenants().Find(MakeScope("", "app1", "")), untouched)
      << "a change makes no new copies of what it does not concern";
}

}  // namespace
}  // namespace gatehouse::tenants
