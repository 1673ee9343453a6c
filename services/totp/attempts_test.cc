#include "services/totp/attempts.h"

#include <gtest/gtest.h>

#include <vector>

namespace gatehouse::totp {
namespace {

constexpr int kMax = 3;
constexpr int64_t kCooldownMs = 10'000;
constexpr int64_t kNow = 1'000'000;

// Codes that failed, by how long ago.
std::vector<UsedCode> Failed(const std::vector<int64_t>& ages_ms) {
  std::vector<UsedCode> codes;
  for (const int64_t age_ms : ages_ms) codes.push_back({false, kNow - age_ms});
  return codes;
}

FailedAttempts Count(const std::vector<UsedCode>& newest_first) {
  return CountFailures(newest_first, kMax, kCooldownMs, kNow);
}

TEST(AttemptsTest, NothingCountsWithoutCodes) {
  EXPECT_EQ(Count({}).count, 0);
  EXPECT_FALSE(Count({}).retry_after_ms.has_value());
}

TEST(AttemptsTest, FailuresInARowCount) {
  EXPECT_EQ(Count(Failed({5})).count, 1);
  EXPECT_EQ(Count(Failed({5, 6})).count, 2);
  EXPECT_FALSE(Count(Failed({5, 6})).retry_after_ms.has_value());
  const FailedAttempts limited = Count(Failed({5, 6, 7}));
  EXPECT_EQ(limited.count, 3);
  EXPECT_EQ(limited.retry_after_ms, kCooldownMs - 5);
}

TEST(AttemptsTest, AnAcceptedCodeEndsTheRow) {
  EXPECT_EQ(
      Count({{false, kNow - 1}, {true, kNow - 2}, {false, kNow - 3}, {false, kNow - 4}}).count, 1);
  EXPECT_EQ(
      Count({{true, kNow - 1}, {false, kNow - 2}, {false, kNow - 3}, {false, kNow - 4}}).count, 0);
}

TEST(AttemptsTest, AfterTheCoolDownCountingStartsOver) {
  EXPECT_EQ(Count(Failed({kCooldownMs - 1, kCooldownMs, kCooldownMs})).retry_after_ms, 1);
  const FailedAttempts over = Count(Failed({kCooldownMs, kCooldownMs, kCooldownMs}));
  EXPECT_EQ(over.count, 0);
  EXPECT_FALSE(over.retry_after_ms.has_value());
  // The first failure since then: those before are too old to count with it.
  EXPECT_EQ(Count(Failed({0, kCooldownMs, kCooldownMs, kCooldownMs})).count, 1);
}

TEST(AttemptsTest, FailuresFarApartAreNotTooMany) {
  EXPECT_EQ(Count(Failed({0, 6'000, 12'000})).count, 2);
  EXPECT_FALSE(Count(Failed({0, 6'000, 12'000})).retry_after_ms.has_value());
}

TEST(AttemptsTest, ALimitOfOneRefusesTheSecondAttempt) {
  EXPECT_TRUE(CountFailures(Failed({1}), 1, kCooldownMs, kNow).retry_after_ms.has_value());
}

TEST(AttemptsTest, AClockThatIsBehindWaitsLonger) {
  const std::vector<UsedCode> codes = Failed({-100, -50, 0});
  EXPECT_EQ(Count(codes).retry_after_ms, kCooldownMs + 100);
}

}  // namespace
}  // namespace gatehouse::totp
