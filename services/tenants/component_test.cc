// Apps and tenants come and go, on a real database, and what that costs.

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "gatehouse/tenants/v1/activity_log_service.rpc.h"
#include "gatehouse/tenants/v1/app_settings_service.rpc.h"
#include "libs/base/steady_time.h"
#include "libs/base/strings.h"
#include "libs/testing/policy_check.h"
#include "services/tenants/component_test_env.h"
#include "services/tenants/policy.h"

namespace gatehouse::tenants {
namespace {

TEST(TenantsPolicyTest, IsEnforced) {
  gatehouse::testing::ExpectPolicyIsEnforced(v1::TenantsService::Info(), TenantsPolicy());
  gatehouse::testing::ExpectPolicyIsEnforced(v1::TenantDirectoryService::Info(), DirectoryPolicy());
  gatehouse::testing::ExpectPolicyIsEnforced(v1::AppSettingsService::Info(), AppSettingsPolicy());
  gatehouse::testing::ExpectPolicyIsEnforced(v1::ActivityLogService::Info(), ActivityLogPolicy());
}

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
  // Created again without a notification: the directory still has the former one, unless it reads
  // the table just then because of the app's creation above.
  constexpr db::Statement kRemove = {"test_remove",
                                     "DELETE FROM {tenant_configs} WHERE app_id = 'a'"};
  constexpr db::Statement kMake = {
      "test_make",
      "INSERT INTO {tenant_configs} (connection_uri_domain, app_id, tenant_id, core_config,"
      " email_password_enabled, passwordless_enabled, third_party_enabled, is_first_factors_null)"
      " VALUES ('', 'a', 'public', '{}', true, true, true, true)"};
  const absl::Time give_up = Soon();
  common::v1::Scope former;
  for (bool still_has_it = false; !still_has_it;) {
    ASSERT_LT(SteadyNow(), give_up);
    const auto known = instance.tenants().Find(a);
    if (!known.ok()) {  // it has read the table between the two statements below
      ASSERT_TRUE(instance.PutApp("a").ok());
      continue;
    }
    former = (*known)->scope();
    for (const db::Statement& statement : {kRemove, kMake}) {
      ASSERT_TRUE(instance.database().Execute(Soon(), statement).ok());
    }
    still_has_it = instance.tenants().Find(former).ok();
  }
  for (const absl::Status& status : tried(former)) {
    EXPECT_EQ(ReasonOf(status), ErrorReason::kTenantNotFound) << status;
  }
  EXPECT_EQ(
      Count(instance.database(), "test_unchanged",
            "SELECT count(*) FROM {tenant_configs} WHERE app_id = 'a' AND core_config = '{}'"),
      1);
  EXPECT_TRUE(instance.Put(base, a, R"({"access_token_validity":77})").ok());
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
