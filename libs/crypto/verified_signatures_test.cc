#include "libs/crypto/verified_signatures.h"

#include <gtest/gtest.h>

#include "libs/crypto/core_vectors.h"

namespace gatehouse::crypto {
namespace {

std::shared_ptr<const RsaKeyPair> CoreKey() {
  return RsaKeyPair::FromStored(core_vectors::kKeyPair).value();
}

std::string Token(std::string_view payload) {
  return EncodeJwt(R"({"alg":"RS256"})", payload, *CoreKey()).value();
}

TEST(VerifiedSignaturesTest, SaysTheSameOfATokenEachTime) {
  VerifiedSignatures signatures(10);
  const RsaPublicKey key = CoreKey()->public_key();
  const std::string token = Token(R"({"a":1})");
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(signatures.Verify(SplitJwt(token).value(), key)) << i;
  EXPECT_EQ(signatures.size(), 1u);
}

TEST(VerifiedSignaturesTest, NoOtherTokenIsGoodBecauseOneWas) {
  VerifiedSignatures signatures(10);
  const RsaPublicKey key = CoreKey()->public_key();
  const std::string token = Token(R"({"a":1})");
  ASSERT_TRUE(signatures.Verify(SplitJwt(token).value(), key));
  for (size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '.') continue;
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    // The last character of a part has bits that are not part of it.
    const JwtParts parts = SplitJwt(changed).value();
    EXPECT_EQ(signatures.Verify(parts, key), VerifyJwtSignature(parts, key)) << i;
    if (i < parts.signed_text.size()) EXPECT_FALSE(signatures.Verify(parts, key)) << i;
  }
}

TEST(VerifiedSignaturesTest, AnotherKeyIsAnotherQuestion) {
  VerifiedSignatures signatures(10);
  const std::string token = Token("{}");
  ASSERT_TRUE(signatures.Verify(SplitJwt(token).value(), CoreKey()->public_key()));
  EXPECT_FALSE(
      signatures.Verify(SplitJwt(token).value(), RsaKeyPair::Generate()->public_key()));
}

TEST(VerifiedSignaturesTest, BadOnesLeaveNothingAndGoodOnesNoMoreThanTheBound) {
  VerifiedSignatures signatures(2);
  const RsaPublicKey key = CoreKey()->public_key();
  EXPECT_FALSE(signatures.Verify(SplitJwt("a.b.AAAA").value(), key));
  EXPECT_EQ(signatures.size(), 0u);
  for (const char* payload : {R"({"a":1})", R"({"a":2})", R"({"a":3})"}) {
    EXPECT_TRUE(signatures.Verify(SplitJwt(Token(payload)).value(), key));
  }
  EXPECT_EQ(signatures.size(), 2u);
}

}  // namespace
}  // namespace gatehouse::crypto
