#include "services/users/listing/settle_period.h"

#include <gtest/gtest.h>

namespace gatehouse::users {
namespace {

TEST(SettlePeriodTest, AMinuteFromTheStartFromARemovalAndFromAFailure) {
  SettlePeriod period;
  EXPECT_TRUE(period.Due(1, 1'000));
  EXPECT_TRUE(period.Due(1, 60'999));
  EXPECT_FALSE(period.Due(1, 61'000));
  EXPECT_TRUE(period.Due(2, 100'000));
  EXPECT_TRUE(period.Due(2, 159'999));
  period.Extend(159'999);
  EXPECT_TRUE(period.Due(2, 200'000));
  EXPECT_FALSE(period.Due(2, 300'000));
}

}  // namespace
}  // namespace gatehouse::users
