#include "libs/base/contact_info.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

TEST(NormaliseEmailTest, TrimsAndLowers) {
  EXPECT_EQ(NormaliseEmail(" \tA.B+c@Example.COM\n"), "a.b+c@example.com");
  EXPECT_EQ(NormaliseEmail("ÜÄÑ@Ω.Я"), "üäñ@ω.я");
  EXPECT_EQ(NormaliseEmail("ŁŽČŐ@x"), "łžčő@x");
  EXPECT_EQ(NormaliseEmail("\u0130@x"), "i\u0307@x");
  EXPECT_EQ(NormaliseEmail("日本@x"), "日本@x");
  EXPECT_EQ(NormaliseEmail(""), "");
}

TEST(NormalisePhoneNumberTest, PunctuationGoesFromInternationalNumbers) {
  EXPECT_EQ(NormalisePhoneNumber(" +1 (415) 555-0001 "), "+14155550001");
  EXPECT_EQ(NormalisePhoneNumber("+44 20 7183.8750"), "+442071838750");
  EXPECT_EQ(NormalisePhoneNumber("+358401234567"), "+358401234567");
}

TEST(NormalisePhoneNumberTest, OtherTextStays) {
  EXPECT_EQ(NormalisePhoneNumber(" 0123 456 "), "0123 456");
  EXPECT_EQ(NormalisePhoneNumber("+999"), "+999");
  EXPECT_EQ(NormalisePhoneNumber("+1 call me"), "+1 call me");
  EXPECT_EQ(NormalisePhoneNumber("+"), "+");
}

}  // namespace
}  // namespace gatehouse
