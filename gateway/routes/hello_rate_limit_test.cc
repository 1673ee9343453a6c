#include "gateway/routes/hello_rate_limit.h"

#include <gtest/gtest.h>

namespace gatehouse::gateway {
namespace {

constexpr int64_t kNowMs = 1'700'000'000'000;
constexpr int64_t kHourMs = 3'600'000;

TEST(HelloRateLimitTest, FiveAtOnceAndFiveASecond) {
  HelloRateLimit limit;
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(limit.Admit("", "public", kNowMs)) << i;
  EXPECT_FALSE(limit.Admit("", "public", kNowMs));
  EXPECT_FALSE(limit.Admit("", "public", kNowMs + 199));
  EXPECT_TRUE(limit.Admit("", "public", kNowMs + 200));
  EXPECT_FALSE(limit.Admit("", "public", kNowMs + 200));
  EXPECT_TRUE(limit.Admit("", "other", kNowMs));
}

TEST(HelloRateLimitTest, AClockThatIsSetBackFillsTheBucket) {
  HelloRateLimit limit;
  for (int i = 0; i < 6; ++i) limit.Admit("", "public", kNowMs);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(limit.Admit("", "public", kNowMs - kHourMs)) << i;
  EXPECT_FALSE(limit.Admit("", "public", kNowMs - kHourMs));
}

}  // namespace
}  // namespace gatehouse::gateway
