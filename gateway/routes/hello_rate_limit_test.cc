#include "gateway/routes/hello_rate_limit.h"

#include <gtest/gtest.h>

namespace gatehouse::gateway {
namespace {

constexpr int64_t kNowMs = 1'700'000'000'000;
constexpr int64_t kHourMs = 3'600'000;

TEST(HelloRateLimitTest, FiveAtOnceAndFiveASecond) {
  HelloRateLimit limit;
  const common::v1::Scope scope;
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(limit.Admit(scope, kNowMs)) << i;
  EXPECT_FALSE(limit.Admit(scope, kNowMs));
  EXPECT_FALSE(limit.Admit(scope, kNowMs + 199));
  EXPECT_TRUE(limit.Admit(scope, kNowMs + 200));
  EXPECT_FALSE(limit.Admit(scope, kNowMs + 200));
  common::v1::Scope other;
  other.set_app_id("a1");
  EXPECT_TRUE(limit.Admit(other, kNowMs));
}

TEST(HelloRateLimitTest, AClockThatIsSetBackFillsTheBucket) {
  HelloRateLimit limit;
  const common::v1::Scope scope;
  for (int i = 0; i < 6; ++i) limit.Admit(scope, kNowMs);
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(limit.Admit(scope, kNowMs - kHourMs)) << i;
  EXPECT_FALSE(limit.Admit(scope, kNowMs - kHourMs));
}

}  // namespace
}  // namespace gatehouse::gateway
