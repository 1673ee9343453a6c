#include "libs/crypto/jwt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/crypto/core_vectors.h"

namespace gatehouse::crypto {
namespace {

std::shared_ptr<const RsaKeyPair> CoreKey() {
  return RsaKeyPair::FromStored(core_vectors::kKeyPair).value();
}

TEST(JwtTest, VerifiesAndRebuildsAV5TokenOfTheOriginalCore) {
  const JwtParts parts = SplitJwt(core_vectors::kAccessTokenV5).value();
  EXPECT_FALSE(LegacyVersionOf(parts).has_value());
  EXPECT_TRUE(VerifyJwtSignature(parts, CoreKey()->public_key()));
  const std::string header = DecodeJwtPart(parts.header).value();
  const std::string payload = DecodeJwtPart(parts.payload).value();
  EXPECT_EQ(header, R"({"kid":"d-1795367165218","typ":"JWT","version":"5","alg":"RS256"})");
  EXPECT_THAT(payload, testing::HasSubstr(std::string(core_vectors::kSessionHandleV5)));
  // RS256 is deterministic, so the same text and key give the same token.
  EXPECT_EQ(EncodeJwt(header, payload, *CoreKey()).value(), core_vectors::kAccessTokenV5);
}

TEST(JwtTest, VerifiesAndRebuildsAV2TokenOfTheOriginalCore) {
  const JwtParts parts = SplitJwt(core_vectors::kAccessTokenV2).value();
  EXPECT_EQ(LegacyVersionOf(parts), LegacyTokenVersion::kV2);
  EXPECT_TRUE(VerifyJwtSignature(parts, CoreKey()->public_key()));
  EXPECT_EQ(DecodeJwtPart(parts.header).value(), R"({"alg":"RS256","typ":"JWT","version":"2"})");
  const std::string payload = DecodeJwtPart(parts.payload).value();
  EXPECT_EQ(EncodeLegacyJwt(LegacyTokenVersion::kV2, payload, *CoreKey()).value(),
            core_vectors::kAccessTokenV2);
}

TEST(JwtTest, V1HeaderIsTold) {
  const std::string token = EncodeLegacyJwt(LegacyTokenVersion::kV1, "{}", *CoreKey()).value();
  const JwtParts parts = SplitJwt(token).value();
  EXPECT_EQ(LegacyVersionOf(parts), LegacyTokenVersion::kV1);
  EXPECT_EQ(DecodeJwtPart(parts.header).value(), R"({"alg":"RS256","typ":"JWT","version":"1"})");
  EXPECT_TRUE(VerifyJwtSignature(parts, CoreKey()->public_key()));
}

TEST(JwtTest, TamperedTokensFail) {
  const std::string token = EncodeJwt(R"({"alg":"RS256"})", R"({"a":1})", *CoreKey()).value();
  const JwtParts parts = SplitJwt(token).value();
  ASSERT_TRUE(VerifyJwtSignature(parts, CoreKey()->public_key()));
  for (size_t i = 0; i < parts.signed_text.size(); ++i) {
    std::string changed = token;
    if (changed[i] == '.') continue;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(VerifyJwtSignature(SplitJwt(changed).value(), CoreKey()->public_key())) << i;
  }
  EXPECT_FALSE(VerifyJwtSignature(parts, RsaKeyPair::Generate()->public_key()));
}

TEST(JwtTest, SignatureThatIsNoSignatureFails) {
  for (const char* token : {"a.b.!", "a.b.AAAA", "a.b.A"}) {
    EXPECT_FALSE(VerifyJwtSignature(SplitJwt(token).value(), CoreKey()->public_key())) << token;
  }
}

TEST(JwtTest, SplitsThreePartsOnly) {
  for (const char* token : {"", ".", "..", "a.b", "a.b.", ".b.c", "a..c", "a.b.c.d", "a.b.c."}) {
    EXPECT_FALSE(SplitJwt(token).ok()) << token;
  }
  const JwtParts parts = SplitJwt("aa.b.ccc").value();
  EXPECT_EQ(parts.header, "aa");
  EXPECT_EQ(parts.payload, "b");
  EXPECT_EQ(parts.signature, "ccc");
  EXPECT_EQ(parts.signed_text, "aa.b");
}

}  // namespace
}  // namespace gatehouse::crypto
