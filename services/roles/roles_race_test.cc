// Many threads on the same role: whatever the order, the result is consistent.

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "libs/base/status.h"
#include "libs/testing/pg_test_server.h"
#include "libs/testing/test_tenants.h"
#include "services/roles/pg_role_store.h"
#include "services/roles/roles.h"

namespace gatehouse::roles {
namespace {

constexpr int kRounds = 100;

class RolesRaceTest : public ::testing::Test {
 protected:
  Where In(const tenancy::TenantPtr& tenant) { return {tenant, testing::Soon()}; }

  // Runs each step in its own thread, all started together.
  static void AtOnce(const std::vector<std::function<absl::Status()>>& steps) {
    std::barrier start(static_cast<std::ptrdiff_t>(steps.size()));
    std::vector<std::thread> threads;
    for (const auto& step : steps) {
      threads.emplace_back([&step, &start] {
        start.arrive_and_wait();
        const absl::Status status = step();
        EXPECT_TRUE(status.ok()) << status;
      });
    }
    for (std::thread& thread : threads) thread.join();
  }

  absl::Status Assign(std::string_view user) {
    return AssignRole(store, {In(app), In(app)}, user, "r").status();
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

// The test checks what a deletion leaves, so nothing is deleted again before the check.
TEST_F(RolesRaceTest, NobodyKeepsADeletedRole) {
  for (int round = 0; round < kRounds; ++round) {
    ASSERT_TRUE(UpsertRole(store, In(app), "r", {"a", "b"}).ok());
    AtOnce({
        [&] { return DeleteRole(store, {app}, testing::Soon(), "r").status(); },
        [&] { return Assign("u0"); },
        [&] { return Assign("u1"); },
        [&] { return Assign("u2"); },
        [&] { return Assign("u3"); },
        [&] { return Assign("u4"); },
        [&] {
          return UnassignRole(store, {In(app), In(app)}, "u0", "r").status();
        },
    });
    EXPECT_FALSE(*store.RoleExists(In(app), "r"));
    for (const char* user : {"u0", "u1", "u2", "u3", "u4"}) {
      EXPECT_FALSE(*store.IsUserIdInUse(In(app), user)) << user << " in round " << round;
    }
  }
}

TEST_F(RolesRaceTest, ARoleThatIsMadeWhileItIsDeletedIsThereOrNobodyHasIt) {
  int stayed = 0;
  for (int round = 0; round < kRounds; ++round) {
    ASSERT_TRUE(UpsertRole(store, In(app), "r", {"a", "b"}).ok());
    AtOnce({
        [&] { return DeleteRole(store, {app}, testing::Soon(), "r").status(); },
        [&] { return Assign("u0"); },
        [&] { return Assign("u1"); },
        [&] {
          return UpsertRole(store, In(app), "r", {"a", "b"}).status();
        },
    });
    const auto permissions = store.ListPermissions(In(app), "r");
    ASSERT_TRUE(permissions.ok()) << permissions.status();
    if (permissions->has_value()) {
      ++stayed;
      EXPECT_EQ(**permissions, (std::vector<std::string>{"a", "b"}));
      ASSERT_TRUE(DeleteRole(store, {app}, testing::Soon(), "r").ok());
    } else {
      EXPECT_FALSE(*store.IsUserIdInUse(In(app), "u0")) << "in round " << round;
      EXPECT_FALSE(*store.IsUserIdInUse(In(app), "u1")) << "in round " << round;
    }
  }
  EXPECT_LT(stayed, kRounds) << "no deletion came last: nothing was looked at";
}

// Every deletion is followed by a check: the user may have the role only while it exists.
TEST_F(RolesRaceTest, NobodyKeepsADeletedRoleInAnotherDatabase) {
  const tenancy::TenantPtr far = tenants.AddWithDatabase("app", "far", *far_database);
  for (int round = 0; round < kRounds; ++round) {
    ASSERT_TRUE(UpsertRole(store, In(app), "r", {}).ok());
    std::thread assigning([&] {
      EXPECT_TRUE(AssignRole(store, {In(app), In(far)}, "u", "r").ok());
    });
    EXPECT_TRUE(DeleteRole(store, {app, far}, testing::Soon(), "r").ok());
    assigning.join();
    EXPECT_FALSE(*store.IsUserIdInUse(In(far), "u"));
  }
}

}  // namespace
}  // namespace gatehouse::roles
