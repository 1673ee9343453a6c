#include "services/session/refresh_token.h"

#include <gtest/gtest.h>

#include "libs/crypto/aes_envelope.h"
#include "libs/crypto/core_vectors.h"
#include "libs/crypto/digest.h"

namespace gatehouse::session {
namespace {

namespace vectors = crypto::core_vectors;

TEST(RefreshTokenTest, OpensATokenOfTheOriginal) {
  const auto token = OpenRefreshToken(vectors::kRefreshToken, vectors::kMasterKey);
  ASSERT_TRUE(token.ok()) << token.status();
  EXPECT_EQ(token->session_handle, vectors::kSessionHandleV5);
  EXPECT_EQ(token->user_id, "b9591cb3-1d38-4bf3-a979-b5029d17dce1");
  EXPECT_EQ(token->anti_csrf_token, vectors::kAntiCsrfTokenV5);
  EXPECT_TRUE(token->parent_hash1.has_value());
  EXPECT_EQ(token->tenant_id, "public");
}

TEST(RefreshTokenTest, OpensWhatItSealed) {
  const RefreshToken content = {.session_handle = "h_t1",
                                .user_id = "<u&'=>",
                                .parent_hash1 = "p",
                                .anti_csrf_token = "a",
                                .tenant_id = "t1"};
  const std::string token = SealRefreshToken(content, vectors::kMasterKey);
  const auto opened = OpenRefreshToken(token, vectors::kMasterKey);
  ASSERT_TRUE(opened.ok()) << opened.status();
  EXPECT_EQ(opened->session_handle, content.session_handle);
  EXPECT_EQ(opened->user_id, content.user_id);
  EXPECT_EQ(opened->parent_hash1, content.parent_hash1);
  EXPECT_EQ(opened->anti_csrf_token, content.anti_csrf_token);
  EXPECT_EQ(opened->tenant_id, "t1");
}

TEST(RefreshTokenTest, PayloadIsAsTheOriginalWritesIt) {
  const std::string token =
      SealRefreshToken({.session_handle = "h", .user_id = "a<b"}, vectors::kMasterKey);
  const std::string encrypted = token.substr(0, token.find('.'));
  const std::string nonce = token.substr(encrypted.size() + 1, 64);
  EXPECT_EQ(token.substr(encrypted.size() + 1 + 64), ".V2");
  EXPECT_EQ(*crypto::Decrypt(encrypted, vectors::kMasterKey),
            R"({"sessionHandle":"h","userId":"a\u003cb","nonce":")" + nonce + R"("})");
}

TEST(RefreshTokenTest, RefusesEverythingElse) {
  const std::string good =
      SealRefreshToken({.session_handle = "h", .user_id = "u"}, vectors::kMasterKey);
  const auto message = [](std::string_view token) {
    const auto opened = OpenRefreshToken(token, vectors::kMasterKey);
    EXPECT_FALSE(opened.ok()) << token;
    return std::string(opened.status().message());
  };
  for (const std::string& token : {std::string(), std::string(" "), " " + good + " ",
                                   good.substr(0, good.size() - 1), std::string("a.b.c")}) {
    EXPECT_EQ(message(token), "version of refresh token not recognised");
  }
  std::string other_nonce = good;
  other_nonce[good.find('.') + 1] ^= 1;
  std::string tampered = good;
  tampered[5] = tampered[5] == 'A' ? 'B' : 'A';
  for (const std::string& token :
       {std::string("8b9c0a52-0000-4000-8000-000000000000.V0"), std::string("V2"),
        std::string("a.b.c.V2"), std::string("..V2"), other_nonce, tampered}) {
    EXPECT_EQ(message(token), "Invalid refresh token");
  }
  EXPECT_FALSE(OpenRefreshToken(good, "1000:00:00").ok());
  EXPECT_TRUE(OpenRefreshToken(good.substr(0, good.size() - 2) + "v1", vectors::kMasterKey).ok());
}

TEST(RefreshTokenTest, StoredHashIsTheHashOfTheHashsText) {
  EXPECT_EQ(Hash1("x"), crypto::Sha256Hex("x"));
  EXPECT_EQ(Hash2OfHash1(Hash1("x")), crypto::Sha256Hex(crypto::Sha256Hex("x")));
}

}  // namespace
}  // namespace gatehouse::session
