#include "services/oauth/hydra/session_data.h"

#include <gtest/gtest.h>

namespace gatehouse::oauth::hydra {
namespace {

// AES-256-GCM by another program: a nonce of zeros, the SHA-256 of "sixteen characters", and the
// text {"id_token":{"subject":"user"}}.
constexpr char kEncrypted[] =
    "AAAAAAAAAAAAAAAAAXUKObWPqTT0jfN-w0S-WjieY1v9YmV2wWOE9iRW-u25BjCWWFo-N7h3Se82f-M=";

absl::StatusCode CodeOf(std::string_view data, std::string_view secrets = "") {
  return ReadSession(data, SystemSecrets::Read(secrets)).status().code();
}

TEST(HydraSessionTest, OneOfTheSecretsDecrypts) {
  for (const char* secrets : {"sixteen characters", "another\n  sixteen characters \r\n",
                              "another one,sixteen characters"}) {
    const auto session = ReadSession(kEncrypted, SystemSecrets::Read(secrets));
    ASSERT_TRUE(session.ok()) << session.status();
    EXPECT_EQ(session->grant.subject(), "user");
    EXPECT_EQ(session->expires_at_s, 0);
  }
  EXPECT_EQ(CodeOf(kEncrypted, "another"), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(CodeOf(kEncrypted), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(CodeOf(kEncrypted, " \n,"), absl::StatusCode::kFailedPrecondition);
  std::string damaged = kEncrypted;
  damaged[30] = damaged[30] == 'A' ? 'B' : 'A';
  for (const std::string& text : {damaged, std::string("not base64!"), std::string("AAAA")}) {
    EXPECT_EQ(CodeOf(text, "sixteen characters"), absl::StatusCode::kPermissionDenied) << text;
  }
}

TEST(HydraSessionTest, DamagedSessionsAreRefused) {
  for (const char* text :
       {"{", R"({"id_token":{"subject":1}})", R"({"id_token":{"subject":"a\u0000b"}})",
        R"({"id_token":{"id_token_claims":{"amr":"pwd"}}})",
        R"({"id_token":{"id_token_claims":{"amr":[1]}}})",
        R"({"id_token":{"id_token_claims":{"auth_time":"yesterday"}}})",
        R"({"id_token":{"id_token_claims":{"rat":"infinite-future"}}})",
        R"({"id_token":{"expires_at":{"refresh_token":17}}})", R"({"extra":{"gid":[]}})",
        "{\"id_token\":{\"subject\":\"\xff\"}}"}) {
    EXPECT_EQ(CodeOf(text), absl::StatusCode::kInvalidArgument) << text;
  }
  EXPECT_EQ(CodeOf(R"({"id_token":{"subject":")" + std::string(100'000, 'x') + "\"}}"),
            absl::StatusCode::kInvalidArgument);
}

TEST(HydraSessionTest, WhatIsMissingIsEmpty) {
  const auto session =
      ReadSession(R"({"id_token":{"id_token_claims":{"auth_time":"0001-01-01T00:00:00Z",)"
                  R"("amr":null,"nonce":null}},"extra":null})",
                  SystemSecrets());
  ASSERT_TRUE(session.ok()) << session.status();
  EXPECT_EQ(session->grant.authenticated_at_ms(), 0);
  EXPECT_EQ(session->grant.SerializeAsString(), "");
}

}  // namespace
}  // namespace gatehouse::oauth::hydra
