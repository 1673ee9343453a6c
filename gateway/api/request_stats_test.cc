#include "gateway/api/request_stats.h"

#include <gtest/gtest.h>

namespace gatehouse::gateway {
namespace {

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kStartMs = 28'000'000 * kMinuteMs;

common::v1::Scope App(const char* id) {
  common::v1::Scope scope;
  scope.set_app_id(id);
  return scope;
}

TEST(RequestStatsTest, CountsByTheMinute) {
  RequestStats stats(kStartMs);
  for (int i = 0; i < 30; ++i) stats.Count(App("a"), kStartMs + 500);
  for (int i = 0; i < 90; ++i) stats.Count(App("a"), kStartMs + 7000);
  stats.Count(App("b"), kStartMs + 7000);
  const RequestStats::Day day = stats.Read(App("a"), kStartMs + 2 * kMinuteMs);
  EXPECT_EQ(day.at_minute, kStartMs / kMinuteMs + 2);
  ASSERT_EQ(day.average_per_second.size(), 1440u);
  EXPECT_EQ(day.average_per_second[1438], 2.0);
  EXPECT_EQ(day.peak_per_second[1438], 90);
  EXPECT_EQ(day.average_per_second[1439], 0);
  EXPECT_EQ(day.average_per_second[1437], -1) << "before counting began";
  EXPECT_EQ(stats.Read(App("b"), kStartMs + 2 * kMinuteMs).peak_per_second[1438], 1);
}

TEST(RequestStatsTest, ForgetsAfterADay) {
  RequestStats stats(kStartMs);
  stats.Count(App("a"), kStartMs);
  const RequestStats::Day day = stats.Read(App("a"), kStartMs + 1441 * kMinuteMs);
  for (const int peak : day.peak_per_second) EXPECT_EQ(peak, 0);
}

TEST(RequestStatsTest, AnUnknownAppHasNoRequests) {
  RequestStats stats(kStartMs);
  EXPECT_EQ(stats.Read(App("x"), kStartMs + kMinuteMs).peak_per_second[1439], 0);
}

}  // namespace
}  // namespace gatehouse::gateway
