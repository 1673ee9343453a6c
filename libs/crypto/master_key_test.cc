#include "libs/crypto/master_key.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libs/crypto/aes_envelope.h"
#include "libs/crypto/bytes.h"

namespace gatehouse::crypto {
namespace {

using testing::MatchesRegex;

TEST(MasterKeyTest, HasTheStoredFormAndEncrypts) {
  const std::string key = GenerateSigningKey();
  EXPECT_THAT(key, MatchesRegex("1000:[0-9a-f]{128}:[0-9a-f]{128}"));
  EXPECT_NE(key, GenerateSigningKey());
  EXPECT_EQ(Decrypt(Encrypt("plain", key), key).value(), "plain");
}

TEST(OneTimeTokenTest, Is128LettersAndDigitsAroundHex) {
  for (const auto make : {NewPasswordResetToken, NewEmailVerificationToken}) {
    const std::string token = make();
    EXPECT_THAT(token, MatchesRegex("[0-9A-Za-z]{128}"));
    EXPECT_THAT(Base64Decode(token).value(), MatchesRegex("[0-9a-f]{96}"));
    EXPECT_NE(token, make());
  }
}

}  // namespace
}  // namespace gatehouse::crypto
