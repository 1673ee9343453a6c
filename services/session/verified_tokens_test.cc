#include "services/session/verified_tokens.h"

#include <gtest/gtest.h>

#include "libs/base/status.h"
#include "libs/crypto/core_vectors.h"

namespace gatehouse::session {
namespace {

std::shared_ptr<const crypto::RsaKeyPair> CoreKey() {
  return crypto::RsaKeyPair::FromStored(crypto::core_vectors::kKeyPair).value();
}

std::string Token(std::string_view payload) {
  return crypto::EncodeJwt(R"({"kid":"k","typ":"JWT","version":"5","alg":"RS256"})", payload,
                           *CoreKey())
      .value();
}

std::string TokenWith(std::string_view user_data) {
  return Token(R"({"sub":"u","exp":2,"iat":1,"sessionHandle":"h","refreshTokenHash1":"r",)"
               R"("parentRefreshTokenHash1":null,"antiCsrfToken":null,"tId":"public","rsub":"u")" +
               std::string(user_data) + "}");
}

// Without a look at its header.
RawAccessToken Raw(std::string_view token) {
  RawAccessToken raw;
  raw.parts = crypto::SplitJwt(token).value();
  return raw;
}

TEST(VerifiedTokensTest, SaysTheSameOfATokenEachTime) {
  VerifiedTokens tokens(10);
  const crypto::RsaPublicKey key = CoreKey()->public_key();
  // Long ones are not kept, but known.
  for (const std::string& data : {std::string(), std::string(R"(,"role":"x","n":1.0)"),
                                  R"(,"long":")" + std::string(5000, 'x') + '"'}) {
    const std::string token = TokenWith(data);
    for (int i = 0; i < 3; ++i) {
      const auto verified = tokens.Verify(Raw(token), key);
      ASSERT_NE(verified, nullptr) << i;
      ASSERT_TRUE(verified->content.ok()) << verified->content.status();
      EXPECT_EQ(verified->content->session_handle, "h");
      EXPECT_EQ(verified->content->expiry_ms, 2000);
      EXPECT_EQ(verified->content->user_data, json::Value()) << "only their text is kept";
      EXPECT_EQ(verified->user_data_json, data.empty() ? "{}" : '{' + data.substr(1) + '}') << i;
    }
  }
  EXPECT_EQ(tokens.size(), 3u);
}

TEST(VerifiedTokensTest, WhatIsNoAccessTokenStaysNone) {
  VerifiedTokens tokens(10);
  const std::string missing = Token(R"({"sub":"u"})");
  const std::string no_object = Token("[]");
  for (int i = 0; i < 2; ++i) {
    const auto lacks = tokens.Verify(Raw(missing), CoreKey()->public_key());
    ASSERT_NE(lacks, nullptr);
    EXPECT_EQ(lacks->content.status().code(), absl::StatusCode::kFailedPrecondition);
    const auto no_token = tokens.Verify(Raw(no_object), CoreKey()->public_key());
    ASSERT_NE(no_token, nullptr);
    EXPECT_EQ(ReasonOf(no_token->content.status()), ErrorReason::kBadInput);
  }
}

TEST(VerifiedTokensTest, NoOtherTokenIsGoodBecauseOneWas) {
  VerifiedTokens tokens(10);
  const crypto::RsaPublicKey key = CoreKey()->public_key();
  const std::string token = TokenWith("");
  ASSERT_NE(tokens.Verify(Raw(token), key), nullptr);
  for (size_t i = 0; i < token.size(); ++i) {
    if (token[i] == '.') continue;
    std::string changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    // The last character of a part has bits that are not part of it.
    const RawAccessToken raw = Raw(changed);
    EXPECT_EQ(tokens.Verify(raw, key) != nullptr, crypto::VerifyJwtSignature(raw.parts, key)) << i;
    if (i < raw.parts.signed_text.size()) {
      EXPECT_EQ(tokens.Verify(raw, key), nullptr) << i;
    }
  }
}

TEST(VerifiedTokensTest, AnotherKeyIsAnotherQuestion) {
  VerifiedTokens tokens(10);
  const std::string token = TokenWith("");
  ASSERT_NE(tokens.Verify(Raw(token), CoreKey()->public_key()), nullptr);
  EXPECT_EQ(tokens.Verify(Raw(token), crypto::RsaKeyPair::Generate()->public_key()), nullptr);
}

TEST(VerifiedTokensTest, BadOnesLeaveNothingAndGoodOnesNoMoreThanTheBound) {
  VerifiedTokens tokens(2);
  const crypto::RsaPublicKey key = CoreKey()->public_key();
  EXPECT_EQ(tokens.Verify(Raw("a.b.AAAA"), key), nullptr);
  EXPECT_EQ(tokens.size(), 0u);
  for (const char* data : {R"(,"a":1)", R"(,"a":2)", R"(,"a":3)"}) {
    EXPECT_NE(tokens.Verify(Raw(TokenWith(data)), key), nullptr);
  }
  EXPECT_EQ(tokens.size(), 2u);
}

}  // namespace
}  // namespace gatehouse::session
