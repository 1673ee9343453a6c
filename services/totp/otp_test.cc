#include "services/totp/otp.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <utility>

namespace gatehouse::totp {
namespace {

constexpr char kRfcKey[] = "12345678901234567890";
constexpr int64_t kNowMs = 1'700'000'000'000;  // 20 s into a period of 30 s

std::string CodeAt(int64_t period) {
  return Hotp(kRfcKey, static_cast<uint64_t>(kNowMs / 30'000 + period), kCodeDigits);
}

TEST(HotpTest, Rfc4226AppendixD) {
  const char* const expected[] = {"755224", "287082", "359152", "969429", "338314",
                                  "254676", "287922", "162583", "399871", "520489"};
  for (uint64_t counter = 0; counter < 10; ++counter) {
    EXPECT_EQ(Hotp(kRfcKey, counter, 6), expected[counter]) << counter;
  }
}

TEST(HotpTest, Rfc6238AppendixB) {
  const std::pair<uint64_t, const char*> expected[] = {
      {59, "94287082"},         {1111111109, "07081804"}, {1111111111, "14050471"},
      {1234567890, "89005924"}, {2000000000, "69279037"}, {20000000000, "65353130"}};
  for (const auto& [seconds, code] : expected) {
    EXPECT_EQ(Hotp(kRfcKey, seconds / 30, 8), code) << seconds;
    const auto now_ms = static_cast<int64_t>(seconds) * 1000;
    EXPECT_TRUE(IsCodeOf(kRfcKey, 30, 0, now_ms, std::string_view(code).substr(2))) << seconds;
  }
}

TEST(IsCodeOfTest, TheSkewCountsPeriodsOnBothSides) {
  for (int skew : {0, 1, 3}) {
    for (int period = -5; period <= 5; ++period) {
      EXPECT_EQ(IsCodeOf(kRfcKey, 30, skew, kNowMs, CodeAt(period)), std::abs(period) <= skew)
          << skew << " " << period;
    }
  }
}

TEST(IsCodeOfTest, APeriodBeginsAtItsFirstMillisecond) {
  const std::string code = Hotp(kRfcKey, 7, kCodeDigits);
  EXPECT_FALSE(IsCodeOf(kRfcKey, 30, 0, 7 * 30'000 - 1, code));
  EXPECT_TRUE(IsCodeOf(kRfcKey, 30, 0, 7 * 30'000, code));
  EXPECT_TRUE(IsCodeOf(kRfcKey, 30, 0, 8 * 30'000 - 1, code));
  EXPECT_FALSE(IsCodeOf(kRfcKey, 30, 0, 8 * 30'000, code));
}

TEST(IsCodeOfTest, OnlyTheWholeCode) {
  const std::string code = CodeAt(0);
  EXPECT_FALSE(IsCodeOf(kRfcKey, 30, 1, kNowMs, ""));
  EXPECT_FALSE(IsCodeOf(kRfcKey, 30, 1, kNowMs, code.substr(1)));
  EXPECT_FALSE(IsCodeOf(kRfcKey, 30, 1, kNowMs, code + "0"));
  EXPECT_FALSE(IsCodeOf(kRfcKey, 30, 1, kNowMs, " " + code));
}

TEST(IsCodeOfTest, ThereIsNoPeriodBeforeTheFirst) {
  EXPECT_TRUE(IsCodeOf(kRfcKey, 30, 5, 0, "755224"));
  EXPECT_FALSE(IsCodeOf(kRfcKey, 30, 5, 0, Hotp(kRfcKey, ~uint64_t{0}, kCodeDigits)));
}

TEST(IsCodeOfTest, AHugeSkewOrPeriodCostsNoMoreThanTheLimit) {
  constexpr int32_t kHuge = std::numeric_limits<int32_t>::max();
  EXPECT_TRUE(IsCodeOf(kRfcKey, 30, kHuge, kNowMs, CodeAt(kMaxSkew)));
  EXPECT_TRUE(IsCodeOf(kRfcKey, 30, kHuge, kNowMs, CodeAt(-kMaxSkew)));
  EXPECT_FALSE(IsCodeOf(kRfcKey, 30, kHuge, kNowMs, CodeAt(kMaxSkew + 1)));
  EXPECT_TRUE(IsCodeOf(kRfcKey, kHuge, 0, kNowMs, "755224"));
  EXPECT_EQ(CodeLifetimeMs(kHuge, kHuge), int64_t{kHuge} * 1000 * (2 * kMaxSkew + 1));
}

TEST(CodeLifetimeTest, IsTheWindowInWhichTheCodeIsAccepted) {
  EXPECT_EQ(CodeLifetimeMs(30, 0), 30'000);
  EXPECT_EQ(CodeLifetimeMs(30, 1), 90'000);
  EXPECT_EQ(CodeLifetimeMs(20, 2), 100'000);
}

}  // namespace
}  // namespace gatehouse::totp
