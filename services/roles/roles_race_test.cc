// Many threads on the same role: whatever the order, what is left makes sense.

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "libs/base/status.h"
#include "libs/testing/pg_test_server.h"
#include "libs/testing/test_tenants.h"
#include "services/roles/pg_role_store.h"
#include "services/roles/roles.h"

namespace gatehouse::roles {
namespace {

constexpr int kRounds = 40;

class RolesRaceTest : public ::testing::Test {
 protected:
  Where In(const tenancy::TenantPtr& tenant) { return {*tenant, testing::Soon()}; }

  // Runs the steps at the same time, many rounds.
  void Race(const std::vector<std::function<absl::Status()>>& steps) {
    std::vector<std::thread> threads;
    for (const auto& step : steps) {
      threads.emplace_back([&step] {
        for (int round = 0; round < kRounds; ++round) {
          const absl::Status status = step();
          EXPECT_TRUE(status.ok()) << status;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  const std::unique_ptr<db::Database> database =
      testing::TestPostgres::Shared().CreateDatabase(/*pool_size=*/8);
  const std::unique_ptr<db::Database> far_database =
      testing::TestPostgres::Shared().CreateDatabase();
  testing::TestTenants tenants{*database};
  const tenancy::TenantPtr app = tenants.Add("app", "public");
  PgRoleStore store{tenants};
};

TEST_F(RolesRaceTest, OneOfManyCreatesARole) {
  for (int round = 0; round < 10; ++round) {
    std::atomic<int> created = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&] {
        auto result = UpsertRole(store, In(app), "role" + std::to_string(round), {"b", "a"});
        EXPECT_TRUE(result.ok()) << result.status();
        if (result.ok() && *result) ++created;
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(created, 1);
  }
}

TEST_F(RolesRaceTest, NobodyKeepsADeletedRole) {
  Race({
      [&] {
        return UpsertRole(store, In(app), "r", {"a", "b"}).status();
      },
      [&] {
        return AssignRole(store, {In(app), In(app)}, "u1", "r").status();
      },
      [&] {
        return AssignRole(store, {In(app), In(app)}, "u2", "r").status();
      },
      [&] { return DeleteRole(store, {In(app)}, "r").status(); },
      [&] {
        return UnassignRole(store, {In(app), In(app)}, "u1", "r").status();
      },
  });
  ASSERT_TRUE(DeleteRole(store, {In(app)}, "r").ok());
  EXPECT_FALSE(*store.IsUserIdInUse(In(app), "u1"));
  EXPECT_FALSE(*store.IsUserIdInUse(In(app), "u2"));
}

// Every deletion is followed by a look: the user may have the role only while it exists.
TEST_F(RolesRaceTest, NobodyKeepsADeletedRoleInAnotherDatabase) {
  const tenancy::TenantPtr far = tenants.AddWithDatabase("app", "far", *far_database);
  for (int round = 0; round < kRounds; ++round) {
    ASSERT_TRUE(UpsertRole(store, In(app), "r", {}).ok());
    std::thread assigning([&] {
      EXPECT_TRUE(AssignRole(store, {In(app), In(far)}, "u", "r").ok());
    });
    EXPECT_TRUE(DeleteRole(store, {In(app), In(far)}, "r").ok());
    assigning.join();
    EXPECT_FALSE(*store.IsUserIdInUse(In(far), "u"));
  }
}

}  // namespace
}  // namespace gatehouse::roles
