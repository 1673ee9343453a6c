#include "services/dashboard/credential_rules.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse::dashboard {
namespace {

TEST(CredentialRulesTest, Emails) {
  for (const char* email : {"a@x.io", "first.last+tag@sub.example.co", "a@b@example.com", "ü@x-y.de",
                            "a@1-2.museum", "a b@example.com"}) {
    EXPECT_TRUE(IsValidEmail(email)) << email;
  }
  for (const char* email : {"", "@", "bad", "weak", "a@", "a@x", "@x.io", "a@x.i", "a@.io", "a@x.1", "a@x.io ",
                            "a@x.io\n", "a\n@x.io", "a@x.i0"}) {
    EXPECT_FALSE(IsValidEmail(email)) << email;
  }
}

TEST(CredentialRulesTest, AnEmailIsReadInOnePass) {
  EXPECT_FALSE(IsValidEmail(std::string(1'000'000, '@')));
  EXPECT_FALSE(IsValidEmail("a@" + std::string(1'000'000, '-')));
}

TEST(CredentialRulesTest, Passwords) {
  EXPECT_EQ(WeaknessOf("validPass1"), std::nullopt);
  EXPECT_EQ(WeaknessOf("short1"), "Password must contain at least 8 characters, including a number");
  EXPECT_EQ(WeaknessOf("12345678"), "Password must contain at least one alphabet");
  EXPECT_EQ(WeaknessOf("nodigitshere"), "Password must contain at least one number");
  EXPECT_EQ(WeaknessOf("a1" + std::string(97, 'x')), std::nullopt);
  EXPECT_EQ(WeaknessOf("a1" + std::string(98, 'x')),
            "Password's length must be lesser than 100 characters");
}

TEST(CredentialRulesTest, APasswordsLengthCountsUtf16Units) {
  EXPECT_EQ(WeaknessOf("a1äöüßäö"), std::nullopt);
  EXPECT_NE(WeaknessOf("a1äöüßä"), std::nullopt);
  EXPECT_EQ(WeaknessOf("a1😀😀😀"), std::nullopt);
}

}  // namespace
}  // namespace gatehouse::dashboard
