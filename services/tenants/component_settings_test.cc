// What is configured for apps and tenants: settings, providers, databases of their own.

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

#include "gatehouse/tenants/v1/app_settings_service.rpc.h"
#include "libs/base/strings.h"
#include "services/tenants/component_test_env.h"

namespace gatehouse::tenants {
namespace {

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

}  // namespace
}  // namespace gatehouse::tenants
