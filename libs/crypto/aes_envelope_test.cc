#include "libs/crypto/aes_envelope.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/crypto/bytes.h"
#include "libs/crypto/core_vectors.h"

namespace gatehouse::crypto {
namespace {

std::string_view FirstPart(std::string_view token) { return token.substr(0, token.find('.')); }

TEST(AesEnvelopeTest, DecryptsARefreshTokenOfTheOriginalCore) {
  const auto plain = Decrypt(FirstPart(core_vectors::kRefreshToken), core_vectors::kMasterKey);
  ASSERT_TRUE(plain.ok());
  EXPECT_THAT(*plain, testing::StartsWith("{\"sessionHandle\":\"" +
                                          std::string(core_vectors::kSessionHandleV5) + "\""));
  EXPECT_THAT(*plain, testing::HasSubstr("\"antiCsrfToken\":\"" +
                                         std::string(core_vectors::kAntiCsrfTokenV5) + "\""));
}

TEST(AesEnvelopeTest, EncryptsAsTheOriginalCoreDid) {
  const std::string raw = Base64Decode(FirstPart(core_vectors::kRefreshToken)).value();
  const std::string plain =
      Decrypt(FirstPart(core_vectors::kRefreshToken), core_vectors::kMasterKey).value();
  EXPECT_EQ(internal::EncryptWithIv(plain, core_vectors::kMasterKey, raw.substr(0, 12)),
            FirstPart(core_vectors::kRefreshToken));
}

TEST(AesEnvelopeTest, RoundTripsWithAFreshIvEachTime) {
  for (const std::string& plain : {std::string(), std::string("x"), std::string(5000, '\0')}) {
    const std::string first = Encrypt(plain, "master");
    const std::string second = Encrypt(plain, "master");
    EXPECT_NE(first, second);
    EXPECT_EQ(Decrypt(first, "master").value(), plain);
    EXPECT_EQ(Decrypt(second, "master").value(), plain);
  }
}

TEST(AesEnvelopeTest, EveryFlippedBitIsNoticed) {
  std::string raw = Base64Decode(Encrypt("payload", "master")).value();
  for (size_t bit = 0; bit < raw.size() * 8; ++bit) {
    raw[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_FALSE(Decrypt(Base64Encode(raw), "master").ok()) << bit;
    raw[bit / 8] ^= static_cast<char>(1 << bit % 8);
  }
  EXPECT_TRUE(Decrypt(Base64Encode(raw), "master").ok());
}

TEST(AesEnvelopeTest, RefusesOtherMastersAndOtherTexts) {
  const std::string envelope = Encrypt("payload", "master");
  EXPECT_FALSE(Decrypt(envelope, "Master").ok());
  EXPECT_FALSE(Decrypt("", "master").ok());
  EXPECT_FALSE(Decrypt("not base64!", "master").ok());
  EXPECT_FALSE(Decrypt(Base64Encode(std::string(27, 'x')), "master").ok());
  EXPECT_FALSE(Decrypt(Base64Encode(std::string(28, 'x')), "master").ok());
  EXPECT_FALSE(Decrypt(envelope.substr(0, envelope.size() - 4), "master").ok());
}

}  // namespace
}  // namespace gatehouse::crypto
