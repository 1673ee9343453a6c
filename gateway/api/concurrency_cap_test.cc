#include "gateway/api/concurrency_cap.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

namespace gatehouse::gateway {
namespace {

const absl::Time kNow = absl::FromUnixSeconds(1'700'000'000);

class ConcurrencyCapTest : public ::testing::Test {
 protected:
  std::optional<ConcurrencyCap::Slot> Enter(const std::string& domain, int64_t cap,
                                            int64_t percent = 25, absl::Time now = kNow) {
    return cap_.Enter(domain, {.cap = cap, .pool_size = 10, .reserved_percent = percent}, now,
                      logs_);
  }

  ConcurrencyCap cap_;
  bool logs_ = false;
};

TEST_F(ConcurrencyCapTest, WithoutACapNobodyIsRefused) {
  std::vector<ConcurrencyCap::Slot> slots;
  for (int i = 0; i < 100; ++i) {
    auto slot = Enter("a", 0);
    ASSERT_TRUE(slot.has_value());
    slots.push_back(*std::move(slot));
  }
  EXPECT_EQ(cap_.InFlight("a"), 100);
  slots.clear();
  EXPECT_EQ(cap_.InFlight("a"), 0);
}

// With all of the pool reserved the cap is hard.
TEST_F(ConcurrencyCapTest, OneMoreThanTheCapIsRefused) {
  auto first = Enter("a", 2, 100);
  auto second = Enter("a", 2, 100);
  EXPECT_TRUE(first.has_value() && second.has_value());
  EXPECT_FALSE(Enter("a", 2, 100).has_value());
  EXPECT_TRUE(Enter("b", 2, 100).has_value()) << "another domain";
  second->Release();
  EXPECT_TRUE(Enter("a", 2, 100).has_value());
  EXPECT_EQ(cap_.InFlight("a"), 1);
}

// 10 - 10 * 25 / 100 = 8: until then a domain has what nobody else uses.
TEST_F(ConcurrencyCapTest, WhatNobodyUsesIsLent) {
  std::vector<ConcurrencyCap::Slot> slots;
  for (int i = 0; i < 8; ++i) {
    auto slot = Enter("a", 2);
    ASSERT_TRUE(slot.has_value()) << i;
    slots.push_back(*std::move(slot));
  }
  EXPECT_FALSE(Enter("a", 2).has_value());
  EXPECT_TRUE(Enter("b", 2).has_value());
}

// At least one thread is always left to others.
TEST_F(ConcurrencyCapTest, ASmallReserveIsOneThread) {
  std::vector<ConcurrencyCap::Slot> slots;
  for (int i = 0; i < 9; ++i) {
    auto slot = Enter("a", 2, 1);
    ASSERT_TRUE(slot.has_value()) << i;
    slots.push_back(*std::move(slot));
  }
  EXPECT_FALSE(Enter("a", 2, 1).has_value());
}

TEST_F(ConcurrencyCapTest, ADomainIsLoggedOnceAMinute) {
  auto held = Enter("a", 1, 100);
  EXPECT_FALSE(Enter("a", 1, 100, kNow).has_value());
  EXPECT_TRUE(logs_);
  EXPECT_FALSE(Enter("a", 1, 100, kNow + absl::Seconds(59)).has_value());
  EXPECT_FALSE(logs_);
  EXPECT_FALSE(Enter("a", 1, 100, kNow + absl::Seconds(60)).has_value());
  EXPECT_TRUE(logs_);
}

TEST_F(ConcurrencyCapTest, ASlotIsGivenBackOnce) {
  auto slot = Enter("a", 0);
  ConcurrencyCap::Slot moved = *std::move(slot);
  slot.reset();
  EXPECT_EQ(cap_.InFlight("a"), 1);
  moved.Release();
  moved.Release();
  EXPECT_EQ(cap_.InFlight("a"), 0);
  EXPECT_EQ(cap_.InFlight("none"), 0);
}

TEST_F(ConcurrencyCapTest, ThreadsNeverExceedIt) {
  std::atomic<int> running = 0;
  std::atomic<bool> exceeded = false;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 8; ++i) {
    threads.emplace_back([&] {
      for (int round = 0; round < 2000; ++round) {
        bool logs = false;
        auto slot = cap_.Enter("a", {.cap = 3, .pool_size = 10, .reserved_percent = 100}, kNow,
                               logs);
        if (!slot.has_value()) continue;
        if (++running > 3) exceeded = true;
        --running;
      }
    });
  }
  threads.clear();
  EXPECT_FALSE(exceeded);
  EXPECT_EQ(cap_.InFlight("a"), 0);
}

}  // namespace
}  // namespace gatehouse::gateway
