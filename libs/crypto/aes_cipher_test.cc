#include "libs/crypto/aes_cipher.h"

#include <gtest/gtest.h>

#include "absl/strings/escaping.h"

namespace gatehouse::crypto {
namespace {

constexpr std::string_view kText = "An assertion of 23 byte";

std::string Hex(const char* hex) { return absl::HexStringToBytes(hex); }
std::string Key(size_t bytes) {
  std::string key(bytes, '\0');
  for (size_t i = 0; i < bytes; ++i) key[i] = static_cast<char>(i);
  return key;
}

// Made by python's cryptography 48; in CBC with added bytes that are no zeros.
const std::string kCbc128 =
    Hex("6465666768696a6b6c6d6e6f707172731147deaa9e073f73d6ad5208c2e5bd7a9ee2df81d302e39411184d1a"
        "c3cf0562");
const std::string kGcm128 =
    Hex("6465666768696a6b6c6d6e6f5b0c6ec4a871dd88ef57387ea6a54dcc02bb589debddb89b503d5ab7edca36d3"
        "1a32fc9b08efce");
const std::string kCbc256 =
    Hex("6465666768696a6b6c6d6e6f70717273fc432fc2e8e7d1367a645dd813b2533956ffa5d8a01bdba7c0c2c228"
        "67df666e");
const std::string kGcm256 =
    Hex("6465666768696a6b6c6d6e6f0975fe070a9a33ec4a0b3086fa0a0cdd70f12668f21896ad5cb9ada13430f098"
        "4b00b822ff2db9");

TEST(AesCipherTest, Decrypts) {
  EXPECT_EQ(DecryptAes(AesMode::kCbc, Key(16), kCbc128), kText);
  EXPECT_EQ(DecryptAes(AesMode::kCbc, Key(32), kCbc256), kText);
  EXPECT_EQ(DecryptAes(AesMode::kGcm, Key(16), kGcm128), kText);
  EXPECT_EQ(DecryptAes(AesMode::kGcm, Key(32), kGcm256), kText);
}

TEST(AesCipherTest, NothingOfDamagedGcm) {
  for (size_t i = 0; i < kGcm256.size(); ++i) {
    std::string damaged = kGcm256;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    EXPECT_EQ(DecryptAes(AesMode::kGcm, Key(32), damaged), std::nullopt) << i;
    EXPECT_EQ(DecryptAes(AesMode::kGcm, Key(32), kGcm256.substr(0, i)), std::nullopt) << i;
  }
}

// The byte before the last block decides how many bytes the last one says were added.
TEST(AesCipherTest, AddedBytesOfCbc) {
  for (int change = 0; change < 256; ++change) {
    std::string damaged = kCbc256;
    damaged[31] = static_cast<char>(damaged[31] ^ change);
    const int added = 9 ^ change;
    const auto text = DecryptAes(AesMode::kCbc, Key(32), damaged);
    ASSERT_EQ(text.has_value(), added >= 1 && added <= 16) << added;
    if (text.has_value()) {
      EXPECT_EQ(text->size(), 32u - added);
    }
  }
}

TEST(AesCipherTest, OtherLengths) {
  for (size_t size = 0; size < kCbc256.size(); ++size) {
    if (size % 16 == 0 && size > 16) continue;
    EXPECT_EQ(DecryptAes(AesMode::kCbc, Key(32), kCbc256.substr(0, size)), std::nullopt) << size;
  }
  for (const size_t key : {0, 15, 24, 31, 33}) {
    EXPECT_EQ(DecryptAes(AesMode::kCbc, Key(key), kCbc256), std::nullopt) << key;
    EXPECT_EQ(DecryptAes(AesMode::kGcm, Key(key), kGcm256), std::nullopt) << key;
  }
}

}  // namespace
}  // namespace gatehouse::crypto
