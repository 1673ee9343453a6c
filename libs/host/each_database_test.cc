#include "libs/host/each_database.h"

#include <gtest/gtest.h>

#include <set>

#include "libs/base/status.h"
#include "libs/testing/pg_test_server.h"
#include "libs/testing/test_tenants.h"

namespace gatehouse::host {
namespace {

TEST(EachDatabase, IsVisitedOnceAndAFailureKeepsNobodyFromTheOthers) {
  auto base = testing::TestPostgres::Shared().CreateDatabase();
  auto own = testing::TestPostgres::Shared().CreateDatabase();
  testing::TestTenants tenants(*base);
  tenants.Add("public", "public");
  tenants.Add("public", "t1");
  // Another pool to the base database.
  tenants.AddToDirectory("public", "t2", R"({"postgresql_connection_pool_size":1})");
  tenants.Add("other", "public");
  tenants.AddWithDatabase("other", "far", *own);

  for (db::Database* failing : {static_cast<db::Database*>(nullptr), base.get(), own.get()}) {
    std::multiset<db::Database*> visited;
    const absl::Status status = InEachDatabase(
        tenants.directory(), tenants, [&](db::Database& database, const tenancy::Tenant&) {
          visited.insert(&database);
          return &database == failing ? MakeError(ErrorReason::kDependencyDown, "away")
                                      : absl::OkStatus();
        });
    EXPECT_EQ(visited, (std::multiset<db::Database*>{base.get(), own.get()}));
    EXPECT_EQ(status.ok(), failing == nullptr);
  }
}

}  // namespace
}  // namespace gatehouse::host
