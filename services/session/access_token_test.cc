#include "services/session/access_token.h"

#include <gtest/gtest.h>

#include "libs/base/status.h"
#include "libs/crypto/bytes.h"
#include "libs/crypto/core_vectors.h"

namespace gatehouse::session {
namespace {

namespace vectors = crypto::core_vectors;

const crypto::RsaKeyPair& Key() {
  static const auto key = *crypto::RsaKeyPair::FromStored(vectors::kKeyPair);
  return *key;
}

AccessToken Sample(TokenVersion version) {
  AccessToken token;
  token.version = version;
  token.session_handle = "handle";
  token.user_id = "primary";
  token.recipe_user_id = "recipe";
  token.tenant_id = "t1";
  token.refresh_token_hash1 = "hash";
  token.created_ms = 1'700'000'000'123;
  token.expiry_ms = 1'700'003'600'456;
  token.user_data = *json::Parse(R"({"n":1.50,"z":null,"a":[1]})");
  return token;
}

struct Written {
  SignedToken token;
  std::string header, payload;
};

Written Write(const AccessToken& content) {
  Written out;
  out.token = *SignAccessToken(content, "d-1", Key());
  const auto parts = crypto::SplitJwt(out.token.token);
  EXPECT_TRUE(crypto::VerifyJwtSignature(*parts, Key().public_key()));
  out.header = *crypto::DecodeJwtPart(parts->header);
  out.payload = *crypto::DecodeJwtPart(parts->payload);
  return out;
}

AccessToken ReadBack(const std::string& token) {
  const auto raw = SplitAccessToken(token);
  EXPECT_TRUE(raw.ok()) << raw.status();
  const auto read = ReadAccessToken(*raw);
  EXPECT_TRUE(read.ok()) << read.status();
  return *read;
}

TEST(AccessTokenTest, V5HasItsHeaderAndClaimsInOrder) {
  const Written written = Write(Sample(TokenVersion::kV5));
  EXPECT_EQ(written.header, R"({"kid":"d-1","typ":"JWT","version":"5","alg":"RS256"})");
  EXPECT_EQ(written.payload,
            R"({"iat":1700000000,"exp":1700003600,"sub":"primary","tId":"t1","rsub":"recipe",)"
            R"("sessionHandle":"handle","refreshTokenHash1":"hash","parentRefreshTokenHash1":null,)"
            R"("antiCsrfToken":null,"n":1.50,"z":null,"a":[1]})");
  EXPECT_EQ(written.token.expiry_ms, 1'700'003'600'000);
  EXPECT_EQ(written.token.created_ms, 1'700'000'000'000);
}

TEST(AccessTokenTest, V3AndV4LeaveOutWhatCameLater) {
  EXPECT_EQ(Write(Sample(TokenVersion::kV4)).payload,
            R"({"iat":1700000000,"exp":1700003600,"sub":"primary","tId":"t1",)"
            R"("sessionHandle":"handle","refreshTokenHash1":"hash","parentRefreshTokenHash1":null,)"
            R"("antiCsrfToken":null,"n":1.50,"z":null,"a":[1]})");
  AccessToken v3 = Sample(TokenVersion::kV3);
  v3.user_data = *json::Parse(R"({"tId":"mine"})");
  v3.parent_refresh_token_hash1 = "parent";
  v3.anti_csrf_token = "csrf";
  EXPECT_EQ(Write(v3).payload,
            R"({"iat":1700000000,"exp":1700003600,"sub":"primary",)"
            R"("sessionHandle":"handle","refreshTokenHash1":"hash",)"
            R"("parentRefreshTokenHash1":"parent","antiCsrfToken":"csrf","tId":"mine"})");
  // A claim called tId says nothing about the tenant there.
  EXPECT_EQ(ReadBack(Write(v3).token.token).tenant_id, "public");
}

TEST(AccessTokenTest, LegacyContainersHaveAFixedHeaderAndNestedUserData) {
  const Written v2 = Write(Sample(TokenVersion::kV2));
  EXPECT_TRUE(
      v2.token.token.starts_with("eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsInZlcnNpb24iOiIyIn0=."));
  EXPECT_EQ(v2.payload,
            R"({"userId":"primary","expiryTime":1700003600456,"timeCreated":1700000000123,)"
            R"("sessionHandle":"handle","refreshTokenHash1":"hash",)"
            R"("userData":{"n":1.50,"z":null,"a":[1]}})");
  EXPECT_EQ(v2.token.expiry_ms, 1'700'003'600'456);
  const AccessToken v1 = ReadBack(Write(Sample(TokenVersion::kV1)).token.token);
  EXPECT_EQ(v1.version, TokenVersion::kV1);
  EXPECT_EQ(v1.recipe_user_id, "primary");
}

TEST(AccessTokenTest, ReadsBackWhatItWrote) {
  for (const auto version :
       {TokenVersion::kV2, TokenVersion::kV3, TokenVersion::kV4, TokenVersion::kV5}) {
    AccessToken content = Sample(version);
    content.parent_refresh_token_hash1 = "parent";
    content.anti_csrf_token = "csrf";
    const AccessToken read = ReadBack(Write(content).token.token);
    EXPECT_EQ(read.version, version);
    EXPECT_EQ(read.session_handle, "handle");
    EXPECT_EQ(read.user_id, "primary");
    EXPECT_EQ(read.recipe_user_id, version == TokenVersion::kV5 ? "recipe" : "primary");
    EXPECT_EQ(read.tenant_id, version >= TokenVersion::kV4 ? "t1" : "public");
    EXPECT_EQ(read.refresh_token_hash1, "hash");
    EXPECT_EQ(read.parent_refresh_token_hash1, "parent");
    EXPECT_EQ(read.anti_csrf_token, "csrf");
    EXPECT_EQ(read.user_data, content.user_data);
  }
}

TEST(AccessTokenTest, ReadsTokensOfTheOriginal) {
  const AccessToken v2 = ReadBack(std::string(vectors::kAccessTokenV2));
  EXPECT_EQ(v2.user_id, "1d5fa806-6aa5-4442-bd86-6cd9c45d8945");
  EXPECT_EQ(v2.session_handle, "99654d17-53ee-4eb4-b527-94d57930550b");
  EXPECT_EQ(v2.expiry_ms, 1'881'767'185'349);
  EXPECT_EQ(json::Serialize(v2.user_data),
            R"({"iss":"https://api.example.com/auth","n":1.5,"nested":{"a":[1,null,"x"]}})");
  const AccessToken v5 = ReadBack(std::string(vectors::kAccessTokenV5));
  EXPECT_EQ(v5.session_handle, vectors::kSessionHandleV5);
  EXPECT_EQ(v5.anti_csrf_token, vectors::kAntiCsrfTokenV5);
  EXPECT_EQ(v5.expiry_ms, 1'881'767'187'000);
  EXPECT_EQ(v5.user_data, v2.user_data);
}

TEST(AccessTokenTest, WritesTheOriginalsTokensByteForByte) {
  for (const std::string_view token : {vectors::kAccessTokenV2, vectors::kAccessTokenV5}) {
    const AccessToken content = ReadBack(std::string(token));
    EXPECT_EQ(SignAccessToken(content, "d-1795367165218", Key())->token, token);
  }
}

std::string Encoded(std::string_view header, std::string_view payload) {
  return crypto::Base64UrlEncode(header) + "." + crypto::Base64UrlEncode(payload) + ".c2ln";
}

TEST(AccessTokenTest, TellsBadInputFromWhatIsNoAccessToken) {
  constexpr char kHeader[] = R"({"kid":"k","typ":"JWT","version":"5","alg":"RS256"})";
  for (const std::string& token :
       {std::string(), std::string("  "), std::string("a.b"), std::string("a.b.c.d"),
        Encoded(R"({"kid":"k","typ":"JWE","alg":"RS256"})", "{}"),
        Encoded(R"({"kid":"k","typ":"JWT","alg":"none"})", "{}"),
        Encoded(R"({"kid":5,"typ":"JWT","alg":"RS256"})", "{}"),
        Encoded(R"({"kid":"k","typ":"JWT","version":"2","alg":"RS256"})", "{}"),
        Encoded(R"({"kid":"k","typ":"JWT","version":5,"alg":"RS256"})", "{}")}) {
    const auto raw = SplitAccessToken(token);
    EXPECT_FALSE(raw.ok()) << token;
    EXPECT_EQ(ReasonOf(raw.status()), ErrorReason::kUnspecified) << token;
  }
  for (const std::string& token :
       {std::string("a.b.c"), " " + Encoded(kHeader, "{}"), Encoded("[]", "{}"),
        Encoded(R"({"typ":"JWT","alg":"RS256"})", "{}"),
        Encoded(R"({"kid":"k","typ":"JWT","version":"9","alg":"RS256"})", "{}")}) {
    EXPECT_EQ(ReasonOf(SplitAccessToken(token).status()), ErrorReason::kBadInput) << token;
  }
  const std::string no_object = Encoded(kHeader, "[]");
  EXPECT_EQ(ReasonOf(ReadAccessToken(*SplitAccessToken(no_object)).status()),
            ErrorReason::kBadInput);
  const std::string missing = Encoded(kHeader, R"({"sub":"u","exp":1,"iat":1})");
  EXPECT_EQ(ReadAccessToken(*SplitAccessToken(missing)).status().message(),
            "Access token does not contain all the information. Maybe the structure has changed? "
            "sessionHandle");
  const std::string wrong = Encoded(
      kHeader, R"({"sub":"u","exp":1e99,"iat":1,"sessionHandle":"h","refreshTokenHash1":"r",)"
               R"("parentRefreshTokenHash1":null,"antiCsrfToken":null,"tId":"public","rsub":"u"})");
  EXPECT_EQ(ReasonOf(ReadAccessToken(*SplitAccessToken(wrong)).status()), ErrorReason::kBadInput);
}

TEST(AccessTokenTest, ReadsAHeaderThatItHasSeenLikeANewOne) {
  const auto token = [](std::string_view header) {
    return crypto::Base64UrlEncode(header) + ".e30.c2ln";
  };
  // More than are remembered, and each version that has a key, in turn.
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 300; ++i) {
      const std::string version = std::to_string(3 + i % 3);
      const std::string text =
          token(R"({"kid":"k)" + std::to_string(i) + R"(","typ":"JWT","version":")" + version +
                R"(","alg":"RS256"})");
      const auto raw = SplitAccessToken(text);
      ASSERT_TRUE(raw.ok()) << raw.status();
      EXPECT_EQ(raw->key_id, "k" + std::to_string(i));
      EXPECT_EQ(static_cast<int>(raw->version), 3 + i % 3);
      EXPECT_TRUE(raw->says_version);
      EXPECT_EQ(raw->parts.payload, "e30");
    }
    const auto general = SplitAccessToken(token(R"({"kid":"k1","typ":"JWT","alg":"RS256"})"));
    ASSERT_TRUE(general.ok());
    EXPECT_FALSE(general->says_version);
    EXPECT_FALSE(SplitAccessToken(token(R"({"kid":"k1","typ":"JWT","alg":"none"})")).ok());
    EXPECT_FALSE(SplitAccessToken(token("[]")).ok());
  }
}

TEST(AccessTokenTest, VersionsProtectTheirClaims) {
  const auto with = [](std::string_view claim) { return json::Value::Object({{claim, "x"}}); };
  EXPECT_FALSE(HasProtectedClaim(TokenVersion::kV2, with("userId")));
  EXPECT_TRUE(HasOwnClaim(TokenVersion::kV2, with("userId")));
  EXPECT_FALSE(HasOwnClaim(TokenVersion::kV2, with("sub")));
  EXPECT_TRUE(HasProtectedClaim(TokenVersion::kV3, with("sub")));
  EXPECT_TRUE(HasProtectedClaim(TokenVersion::kV3, with("antiCsrfToken")));
  EXPECT_FALSE(HasProtectedClaim(TokenVersion::kV3, with("tId")));
  EXPECT_TRUE(HasProtectedClaim(TokenVersion::kV4, with("tId")));
  EXPECT_FALSE(HasProtectedClaim(TokenVersion::kV4, with("rsub")));
  EXPECT_TRUE(HasProtectedClaim(TokenVersion::kV5, with("rsub")));
  EXPECT_FALSE(HasProtectedClaim(TokenVersion::kV5, with("iss")));
}

TEST(AccessTokenTest, HandlesNameTheirTenant) {
  EXPECT_EQ(*TenantOfHandle("uuid"), "public");
  EXPECT_EQ(*TenantOfHandle(""), "public");
  EXPECT_EQ(*TenantOfHandle("uuid_t1"), "t1");
  EXPECT_EQ(*TenantOfHandle("uuid_t1_x"), "t1");
  EXPECT_EQ(*TenantOfHandle("_t1"), "t1");
  EXPECT_EQ(*TenantOfHandle("uuid_"), "public");
  EXPECT_EQ(ReasonOf(TenantOfHandle("_").status()), ErrorReason::kBadInput);
  EXPECT_EQ(ReasonOf(TenantOfHandle("___").status()), ErrorReason::kBadInput);
}

}  // namespace
}  // namespace gatehouse::session
