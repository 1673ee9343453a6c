#include "services/oauth/client_limits.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse::oauth {
namespace {

TEST(RateLimitsTest, TenSecondsWorthAtOnceThenTheRate) {
  RateLimits limits;
  for (int i = 0; i < 10; ++i) EXPECT_EQ(limits.Take("a", 60, 0), 0);
  EXPECT_EQ(limits.Take("a", 60, 0), 1000);
  EXPECT_EQ(limits.Take("a", 60, 600), 400);
  EXPECT_EQ(limits.Take("a", 60, 1000), 0);
  EXPECT_EQ(limits.Take("a", 60, 1000), 1000);
  EXPECT_EQ(limits.Take("b", 60, 1000), 0);
  // Never more than ten seconds' worth.
  for (int i = 0; i < 10; ++i) EXPECT_EQ(limits.Take("a", 60, 3600000), 0);
  EXPECT_EQ(limits.Take("a", 60, 3600000), 1000);
}

TEST(RateLimitsTest, ARateBelowOneInTenSecondsIsOneAtATime) {
  RateLimits limits;
  EXPECT_EQ(limits.Take("a", 1, 0), 0);
  EXPECT_EQ(limits.Take("a", 1, 0), 60000);
  EXPECT_EQ(limits.Take("a", 1, 59999), 1);
  EXPECT_EQ(limits.Take("a", 1, 60000), 0);
}

TEST(RateLimitsTest, LookingTakesNothing) {
  RateLimits limits;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(limits.WaitMs("a", 6, 0), 0);
  EXPECT_EQ(limits.Take("a", 6, 0), 0);
  EXPECT_EQ(limits.WaitMs("a", 6, 0), 10000);
}

TEST(RateLimitsTest, AClockThatIsSetBackLocksNobodyOut) {
  RateLimits limits;
  EXPECT_EQ(limits.Take("a", 6, 1000000), 0);
  EXPECT_EQ(limits.Take("a", 6, 0), 0);
  EXPECT_EQ(limits.Take("a", 6, 0), 10000);
}

TEST(RateLimitsTest, MemoryIsBounded) {
  RateLimits limits;
  for (int i = 0; i < 50000; ++i) limits.Take(std::to_string(i), 60, i);
  EXPECT_LE(limits.size(), 20000u);
  // Those that are full again go first.
  EXPECT_EQ(limits.Take("x", 1, 50000), 0);
  for (int i = 0; i < 10000; ++i) limits.Take("y" + std::to_string(i), 60, 101000);
  EXPECT_GT(limits.WaitMs("x", 1, 101000), 0);
}

}  // namespace
}  // namespace gatehouse::oauth
