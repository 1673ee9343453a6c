#include "services/jwks/jwt_maker.h"

#include <gtest/gtest.h>

#include "libs/base/status.h"
#include "libs/crypto/core_vectors.h"
#include "libs/crypto/jwt.h"

namespace gatehouse::jwks {
namespace {

constexpr int64_t kNowMs = 1'700'000'000'123;

AppKey TestKey() {
  return {"s-key", kNowMs, *crypto::RsaKeyPair::FromStored(crypto::core_vectors::kKeyPair)};
}

struct Decoded {
  std::string header, payload;
};

Decoded MakeAndDecode(std::string_view payload, std::string_view domain, int64_t validity_s) {
  const AppKey key = TestKey();
  const auto jwt = MakeJwt(key, payload, domain, validity_s, kNowMs);
  EXPECT_TRUE(jwt.ok()) << jwt.status();
  const auto parts = crypto::SplitJwt(*jwt);
  EXPECT_TRUE(parts.ok());
  EXPECT_TRUE(crypto::VerifyJwtSignature(*parts, key.pair->public_key()));
  return {*crypto::DecodeJwtPart(parts->header), *crypto::DecodeJwtPart(parts->payload)};
}

TEST(JwtMakerTest, WritesHeaderAndClaims) {
  const Decoded jwt = MakeAndDecode(R"({"a":1,"n":null})", "http://d", 100);
  EXPECT_EQ(jwt.header, R"({"kid":"s-key","typ":"JWT","alg":"RS256"})");
  EXPECT_EQ(jwt.payload, R"({"iat":1700000000,"exp":1700000100,"iss":"http://d","a":1,"n":null})");
}

TEST(JwtMakerTest, PayloadWins) {
  EXPECT_EQ(MakeAndDecode(R"({"iss":"me","iat":5,"exp":6})", "http://d", 100).payload,
            R"({"iat":5,"exp":6,"iss":"me"})");
}

TEST(JwtMakerTest, HugeValidityWrapsRound) {
  EXPECT_EQ(MakeAndDecode("{}", "", 9'999'999'999'999'999).payload,
            R"({"iat":1700000000,"exp":-8446742373709553,"iss":""})");
}

TEST(JwtMakerTest, RefusesWhatNoJwtCanCarry) {
  for (const char* payload : {"[]", "", R"({"a":9223372036854775808})"}) {
    const auto jwt = MakeJwt(TestKey(), payload, "", 1, kNowMs);
    EXPECT_EQ(ReasonOf(jwt.status()), ErrorReason::kBadInput) << payload;
  }
}

}  // namespace
}  // namespace gatehouse::jwks
