// Several instances on one database, and their watchers.

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "libs/base/strings.h"
#include "libs/db/migrator.h"
#include "services/tenants/component_test_env.h"

namespace gatehouse::tenants {
namespace {

// It may come from another replica, which made a change that this one does not know yet.
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
  // If that can't be read, it goes elsewhere.
  run("test_break", "ALTER TABLE {tenant_configs} RENAME COLUMN core_config TO gone");
  EXPECT_EQ(watch(knows), nullptr);
  EXPECT_EQ(watch(knows), nullptr);
  run("test_mend", "ALTER TABLE {tenant_configs} RENAME COLUMN gone TO core_config");
  EXPECT_NE(watch(knows), nullptr);
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

}  // namespace
}  // namespace gatehouse::tenants
