// Many threads on the same user: whatever the order, the result is consistent.

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "libs/db/database.h"
#include "services/totp/totp_test_env.h"

namespace gatehouse::totp {
namespace {

constexpr db::Statement kRemoveTenant = {
    "test_remove_tenant", "DELETE FROM {tenants} WHERE app_id = 'app' AND tenant_id = 't1'"};
constexpr db::Statement kRemoveApp = {"test_remove_app", "DELETE FROM {apps} WHERE app_id = 'app'"};

class TotpRaceTest : public TotpTestEnv {
 protected:
  static void AtOnce(int count, const std::function<void(int)>& step) {
    std::barrier start(count);
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) {
      threads.emplace_back([&, i] {
        start.arrive_and_wait();
        step(i);
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
};

TEST_F(TotpRaceTest, OneCodeIsAcceptedOnce) {
  for (int round = 0; round < 3; ++round) {
    const std::string user = "u" + std::to_string(round);
    Imported(user, "a");
    std::atomic<int> accepted = 0, failed = 0, limited = 0;
    AtOnce(50, [&](int) {
      const auto response = TryVerify(user, Code(kSecret));
      EXPECT_TRUE(response.ok()) << response.status();
      if (!response.ok()) return;
      if (response->accepted()) ++accepted;
      if (response->has_refused()) ++(response->refused().has_retry_after_ms() ? limited : failed);
    });
    EXPECT_EQ(accepted, 1);
    EXPECT_EQ(failed, 3);  // the tenant's limit
    EXPECT_EQ(limited, 46);
  }
}

TEST_F(TotpRaceTest, FailuresAreCountedOneByOne) {
  Imported("u", "a");
  std::atomic<int> looked_at = 0;
  AtOnce(20, [&](int) {
    if (!Verify("u", "x").refused().has_retry_after_ms()) ++looked_at;
  });
  EXPECT_EQ(looked_at, 3);
}

TEST_F(TotpRaceTest, OneDeviceNameIsMadeOnce) {
  for (int round = 0; round < 5; ++round) {
    const std::string user = "u" + std::to_string(round);
    std::atomic<int> made = 0, taken = 0;
    AtOnce(16, [&](int) {
      const auto response = Import(user, "a", kSecret);
      EXPECT_TRUE(response.ok()) << response.status();
      ++(response->name_taken() ? taken : made);
    });
    EXPECT_EQ(made, 1);
    EXPECT_EQ(taken, 15);
  }
}

TEST_F(TotpRaceTest, DefaultNamesDiffer) {
  AtOnce(10, [&](int) { EXPECT_FALSE(Import("u", "", kSecret)->name_taken()); });
  EXPECT_EQ(Rows("SELECT count(DISTINCT device_name) FROM {totp_user_devices}"), "10");
  EXPECT_EQ(Rows("SELECT max(device_name) FROM {totp_user_devices}"), "TOTP Device 9");
}

TEST_F(TotpRaceTest, ADeviceThatIsGoneAcceptsNothingAndComesAndGoes) {
  Imported("u", "a");
  std::atomic<bool> stop = false;
  std::thread churn([&] {
    while (!stop) {
      Remove("u", "a");
      EXPECT_TRUE(Import("u", "a", kSecret).ok());
    }
  });
  AtOnce(4, [&](int i) {
    for (int round = 0; round < 40; ++round) {
      EXPECT_TRUE(TryVerify("u", "x" + std::to_string(i)).ok());
    }
  });
  stop = true;
  churn.join();
  EXPECT_TRUE(Remove("u", "a"));
  EXPECT_TRUE(Verify("u", Code(kSecret)).unknown_user());
}

TEST_F(TotpRaceTest, UsersTenantsAndAppsAreRemovedWhileCodesAreChecked) {
  for (int round = 0; round < 10; ++round) {
    if (round > 0) tenants.Add("app", "public");
    const common::v1::Scope t1 = AddTenant("app", "t1");
    for (const char* user : {"u", "v"}) {
      Imported(user, "a");
      for (const char* code : {"1", "2"}) {
        Verify(user, code);
        Verify(user, code, t1);
      }
    }
    AtOnce(8, [&](int i) {
      const std::string user = i % 2 == 0 ? "u" : "v";
      const absl::Time deadline = testing::Soon();
      absl::Status status;
      switch (i) {
        case 0:
        case 1: {
          common::v1::RemoveUsersRequest request;
          *request.mutable_scope() = app;
          request.add_user_ids(user);
          status = service.RemoveUsers(context, request).status();
          break;
        }
        case 2:
        case 3:
          status = TryVerify(user, "3", t1).status();
          break;
        case 4:
          status = TryVerify(user, Code(kSecret)).status();
          break;
        case 5:
          LeaveTenant(user, t1);
          break;
        case 6:
          status = database->Execute(deadline, kRemoveTenant).status();
          break;
        default:
          if (round % 2 == 1) status = database->Execute(deadline, kRemoveApp).status();
      }
      EXPECT_TRUE(status.ok() || ReasonOf(status) == ErrorReason::kTenantNotFound) << status;
    });
    if (round % 2 == 0) {
      EXPECT_TRUE(database->Execute(testing::Soon(), kRemoveTenant).ok());
      common::v1::RemoveUsersRequest request;
      *request.mutable_scope() = app;
      request.add_user_ids("u");
      request.add_user_ids("v");
      EXPECT_TRUE(service.RemoveUsers(context, request).ok());
    }
    EXPECT_EQ(Rows("SELECT count(*) FROM {totp_users}"), "0");
    EXPECT_EQ(Rows("SELECT count(*) FROM {totp_used_codes}"), "0");
    EXPECT_EQ(Rows("SELECT count(*) FROM {totp_user_devices}"), "0");
  }
}

}  // namespace
}  // namespace gatehouse::totp
