#include "libs/crypto/jwt_claims.h"

#include <gtest/gtest.h>

namespace gatehouse::crypto {
namespace {

json::Value ParseOrDie(std::string_view text) {
  auto value = json::Parse(text);
  EXPECT_TRUE(value.ok()) << text;
  return *std::move(value);
}

std::string Merged(std::string_view registered, std::string_view payload) {
  return json::Serialize(MergeClaims(ParseOrDie(registered), ParseOrDie(payload)));
}

TEST(JwtClaimsTest, HeaderHasTheOrderOfTheOriginal) {
  EXPECT_EQ(JwtHeader("d-1700000000000", 5),
            R"({"kid":"d-1700000000000","typ":"JWT","version":"5","alg":"RS256"})");
  EXPECT_EQ(JwtHeader("s-x", std::nullopt), R"({"kid":"s-x","typ":"JWT","alg":"RS256"})");
}

TEST(JwtClaimsTest, PayloadReplacesRegisteredClaimsInPlace) {
  EXPECT_EQ(Merged(R"({"iat":1,"exp":2,"iss":"d"})", R"({"b":1.0,"exp":6,"n":null})"),
            R"({"iat":1,"exp":6,"iss":"d","b":1.0,"n":null})");
}

TEST(JwtClaimsTest, AudienceOfOneIsAString) {
  EXPECT_EQ(Merged("{}", R"({"aud":["x"]})"), R"({"aud":"x"})");
  EXPECT_EQ(Merged("{}", R"({"aud":["x","y"]})"), R"({"aud":["x","y"]})");
  EXPECT_EQ(Merged("{}", R"({"aud":"x"})"), R"({"aud":"x"})");
  EXPECT_EQ(Merged("{}", R"({"aud":[1,"x"]})"), R"({"aud":"x"})");
  EXPECT_EQ(Merged("{}", R"({"aud":[]})"), "{}");
  EXPECT_EQ(Merged("{}", R"({"aud":5})"), "{}");
}

TEST(JwtClaimsTest, FindsIntegersBeyond64Bits) {
  EXPECT_TRUE(HasOversizedInteger(ParseOrDie(R"({"a":[{"b":9223372036854775808}]})")));
  EXPECT_TRUE(HasOversizedInteger(ParseOrDie(R"({"a":-9223372036854775809})")));
  EXPECT_FALSE(HasOversizedInteger(
      ParseOrDie(R"({"a":9223372036854775807,"b":1e300,"c":1.5,"d":"9223372036854775808"})")));
}

}  // namespace
}  // namespace gatehouse::crypto
