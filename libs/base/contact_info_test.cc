#include "libs/base/contact_info.h"

#include <gtest/gtest.h>

namespace gatehouse {
namespace {

TEST(NormaliseEmailTest, TrimsAndLowers) {
  EXPECT_EQ(NormaliseEmail(" \tA.B+c@Example.COM\n"), "a.b+c@example.com");
  EXPECT_EQ(NormaliseEmail("ÜÄÑ@Ω.Я"), "üäñ@ω.я");
  EXPECT_EQ(NormaliseEmail("ŁŽČŐ@x"), "łžčő@x");
  EXPECT_EQ(NormaliseEmail("\u0130@x"), "i\u0307@x");
  EXPECT_EQ(NormaliseEmail("ԱΣ@x"), "աς@x");
  EXPECT_EQ(NormaliseEmail(""), "");
}

TEST(NormalisePhoneNumberTest, PunctuationGoesFromInternationalNumbers) {
  EXPECT_EQ(NormalisePhoneNumber(" +1 (415) 555-0001 "), "+14155550001");
  EXPECT_EQ(NormalisePhoneNumber("+44 20 7183.8750"), "+442071838750");
  EXPECT_EQ(NormalisePhoneNumber("+358401234567"), "+358401234567");
}

TEST(NormalisePhoneNumberTest, WhatLibphonenumberReads) {
  EXPECT_EQ(NormalisePhoneNumber("+44 (0) 20 7183 8750"), "+442071838750");
  EXPECT_EQ(NormalisePhoneNumber("tel:+1-415-555-0001"), "+14155550001");
  EXPECT_EQ(NormalisePhoneNumber("+1 800 FLOWERS"), "+18003569377");
  EXPECT_EQ(NormalisePhoneNumber("＋１４１５５５５０００１"), "+14155550001");
}

TEST(NormalisePhoneNumberTest, OtherTextStays) {
  EXPECT_EQ(NormalisePhoneNumber(" 0123 456 "), "0123 456");
  EXPECT_EQ(NormalisePhoneNumber("+999"), "+999");
  EXPECT_EQ(NormalisePhoneNumber("call me"), "call me");
  EXPECT_EQ(NormalisePhoneNumber(""), "");
  EXPECT_EQ(NormalisePhoneNumber(std::string("+1\0", 3)), std::string("+1\0", 3).substr(0, 2));
  EXPECT_EQ(NormalisePhoneNumber(std::string(5000, '+')), std::string(5000, '+'));
  EXPECT_EQ(NormalisePhoneNumber("+"), "+");
}

}  // namespace
}  // namespace gatehouse
