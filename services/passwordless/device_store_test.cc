// Codes and devices on a real database: the rules of login_codes.h over PgDeviceStore.

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "libs/testing/fake_clock.h"
#include "libs/testing/pg_test_server.h"
#include "libs/testing/test_tenants.h"
#include "services/passwordless/login_codes.h"
#include "services/passwordless/pg_device_cleanup.h"
#include "services/passwordless/pg_device_store.h"

namespace gatehouse::passwordless {
namespace {

using Result = CodeTryOutcome::Result;

class DeviceStoreTest : public ::testing::Test {
 protected:
  NewCode Create(const std::string& email = "a@x.io") {
    return *codes.CreateDevice(where, {true, email}, std::nullopt);
  }
  static CodeProof Typed(const NewCode& code, const std::string& input) {
    return {code.device_id_hash, std::nullopt, code.device_id, input};
  }
  static CodeProof Typed(const NewCode& code) { return Typed(code, code.user_input_code); }
  static CodeProof Link(const NewCode& code) {
    return {code.device_id_hash, code.link_code, "", ""};
  }
  Result Try(const CodeProof& proof) { return codes.Try(where, proof)->result; }
  // Tries a code, and uses it up if it is right.
  Result Use(const CodeProof& proof) {
    const CodeTryOutcome outcome = *codes.Try(where, proof);
    if (outcome.result != Result::kRight) return outcome.result;
    return *codes.UseUp(where, outcome) ? Result::kRight : Result::kRestart;
  }
  size_t DevicesOf(const std::string& email = "a@x.io") {
    return store.ListOf(where, {true, email})->size();
  }

  const std::unique_ptr<db::Database> database = testing::TestPostgres::Shared().CreateDatabase();
  testing::TestTenants tenants{*database};
  tenancy::TenantPtr tenant = *tenants.directory().Find(testing::ScopeOf("public"));
  Where where{tenant, testing::Soon()};
  PgDeviceStore store{tenants};
  testing::FakeClock clock;
  LoginCodes codes{store, clock};
};

TEST_F(DeviceStoreTest, RightCodeIsUsedOnceWithAllDevicesOfTheContact) {
  const NewCode first = Create(), second = Create(), other = Create("b@x.io");
  EXPECT_EQ(Try(Typed(first)), Result::kRight);
  EXPECT_EQ(DevicesOf(), 2u);
  EXPECT_EQ(Use(Link(first)), Result::kRight);
  EXPECT_EQ(DevicesOf(), 0u);
  EXPECT_EQ(Try(Link(first)), Result::kRestart);
  EXPECT_EQ(Try(Typed(second)), Result::kRestart);
  EXPECT_EQ(Use(Typed(other)), Result::kRight);
}

TEST_F(DeviceStoreTest, WrongCodesAreCountedAndEndTheDevice) {
  const NewCode code = Create();
  for (int attempt = 1; attempt < 5; ++attempt) {
    const auto outcome = codes.Try(where, Typed(code, "wrong"));
    EXPECT_EQ(outcome->result, Result::kWrong);
    EXPECT_EQ(outcome->failed_attempts, attempt);
  }
  EXPECT_EQ(store.ListById(where, code.device_id_hash)->at(0).device.failed_attempts, 4);
  EXPECT_EQ(Try(Typed(code, "wrong")), Result::kRestart);
  EXPECT_EQ(Try(Typed(code)), Result::kRestart);
  EXPECT_EQ(DevicesOf(), 0u);
}

TEST_F(DeviceStoreTest, ExpiredCodesAreTold) {
  const NewCode code = Create();
  clock.AdvanceMs(tenant->config->passwordless_code_lifetime_ms());
  EXPECT_EQ(Try(Typed(code)), Result::kRight);
  clock.AdvanceMs(1);
  EXPECT_EQ(Try(Typed(code)), Result::kExpired);
  EXPECT_EQ(Try(Link(code)), Result::kRestart);
}

TEST_F(DeviceStoreTest, ResendingKeepsTheDeviceAndItsTypedCodesApart) {
  const NewCode first = Create();
  auto again = *codes.AddCode(where, first.device_id, std::nullopt);
  EXPECT_EQ(std::get<NewCode>(again).device_id_hash, first.device_id_hash);
  EXPECT_EQ(std::get<NoCode>(*codes.AddCode(where, first.device_id, first.user_input_code)),
            NoCode::kUserInputCodeUsed);
  EXPECT_EQ(store.ListById(where, first.device_id_hash)->at(0).codes.size(), 2u);
  EXPECT_EQ(Use(Typed(first)), Result::kRight);
  EXPECT_EQ(std::get<NoCode>(*codes.AddCode(where, first.device_id, std::nullopt)),
            NoCode::kRestartFlow);
}

TEST_F(DeviceStoreTest, ResendingAsOftenAsOneLikesLeavesTheNewestCodes) {
  std::vector<NewCode> made = {Create()};
  for (int i = 0; i < 3 * kMaxCodesOfDevice; ++i) {
    clock.AdvanceMs(i % 2);  // some in the same millisecond
    made.push_back(std::get<NewCode>(*codes.AddCode(where, made[0].device_id, std::nullopt)));
    EXPECT_EQ(Try(Typed(made.back())), Result::kRight);
    EXPECT_EQ(Try(Link(made.back())), Result::kRight);
  }
  EXPECT_EQ(store.ListById(where, made[0].device_id_hash)->at(0).codes.size(),
            static_cast<size_t>(kMaxCodesOfDevice));
  EXPECT_EQ(Try(Link(made[0])), Result::kRestart);
  EXPECT_EQ(Try(Typed(made[0])), Result::kWrong);
  EXPECT_EQ(Use(Typed(made.back())), Result::kRight);
}

TEST_F(DeviceStoreTest, ResendingAtOnceLeavesNoMore) {
  const NewCode first = Create();
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 5; ++n) {
        EXPECT_TRUE(codes.AddCode(where, first.device_id, std::nullopt).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(store.ListById(where, first.device_id_hash)->at(0).codes.size(),
            static_cast<size_t>(kMaxCodesOfDevice));
}

TEST_F(DeviceStoreTest, ForeignDeviceIsRefusedWithoutAnAttempt) {
  const NewCode first = Create(), second = Create();
  CodeProof proof = Typed(first, "wrong");
  proof.device_id_hash = second.device_id_hash;
  EXPECT_EQ(codes.Try(where, proof).status().message(),
            "preAuthSessionId and deviceId doesn't match");
  EXPECT_EQ(store.ListById(where, first.device_id_hash)->at(0).device.failed_attempts, 0);
  proof = Typed(first);
  proof.device_id_hash += "=";
  EXPECT_EQ(Try(proof), Result::kRight);
}

TEST_F(DeviceStoreTest, LastCodeTakesItsDeviceAlong) {
  const NewCode first = Create();
  const NewCode second =
      std::get<NewCode>(*codes.AddCode(where, first.device_id, std::nullopt));
  EXPECT_TRUE(store.RemoveCode(where, first.code_id).ok());
  EXPECT_EQ(Try(Typed(second)), Result::kRight);
  EXPECT_TRUE(store.RemoveCode(where, second.code_id).ok());
  EXPECT_TRUE(store.RemoveCode(where, second.code_id).ok());
  EXPECT_EQ(DevicesOf(), 0u);
}

TEST_F(DeviceStoreTest, OfManyAtOnceOneUsesACodeOfTheContact) {
  for (int round = 0; round < 10; ++round) {
    std::vector<NewCode> made;
    for (int i = 0; i < 8; ++i) made.push_back(Create());
    std::atomic<int> right = 0, restart = 0;
    std::vector<std::thread> threads;
    for (const NewCode& code : made) {
      threads.emplace_back(
          [&, &code = code] { ++(Use(Typed(code)) == Result::kRight ? right : restart); });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(right, 1);
    EXPECT_EQ(restart, 7);
    EXPECT_EQ(DevicesOf(), 0u);
  }
  EXPECT_EQ(database->stats().retries, 0);  // the server aborted no transaction
}

TEST_F(DeviceStoreTest, ACodeThatIsTakenBackIsNotUsedUp) {
  const NewCode first = Create();
  ASSERT_TRUE(codes.AddCode(where, first.device_id, std::nullopt).ok());
  const CodeTryOutcome outcome = *codes.Try(where, Typed(first));
  EXPECT_TRUE(store.RemoveCode(where, first.code_id).ok());
  EXPECT_FALSE(*codes.UseUp(where, outcome));
  EXPECT_EQ(DevicesOf(), 1u);
}

TEST_F(DeviceStoreTest, CleanUpRemovesDevicesWhoseCodesAreAllExpired) {
  const NewCode old = Create("old@x.io"), resent = Create("resent@x.io");
  clock.AdvanceMs(tenant->config->passwordless_code_lifetime_ms() + 1);
  ASSERT_TRUE(codes.AddCode(where, resent.device_id, std::nullopt).ok());
  ASSERT_TRUE(DeleteExpiredDevices(tenants.directory(), tenants, clock, where.deadline).ok());
  EXPECT_EQ(DevicesOf("old@x.io"), 0u);
  EXPECT_EQ(store.ListById(where, resent.device_id_hash)->at(0).codes.size(), 2u);
  EXPECT_EQ(Try(Typed(old)), Result::kRestart);
}

}  // namespace
}  // namespace gatehouse::passwordless
