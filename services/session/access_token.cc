#include "services/session/access_token.h"

#include <algorithm>
#include <span>
#include <utility>

#include "absl/strings/ascii.h"
#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/crypto/jwt_claims.h"

namespace gatehouse::session {
namespace {

constexpr std::string_view kLegacyClaims[] = {"userId", "expiryTime", "timeCreated",
                                              "sessionHandle", "refreshTokenHash1"};
// V4 adds the last but one, V5 the last.
constexpr std::string_view kClaims[] = {
    "sub",           "exp", "iat", "sessionHandle", "refreshTokenHash1", "parentRefreshTokenHash1",
    "antiCsrfToken", "tId", "rsub"};

// Required in a token and, from V3 on, excluded from user data.
std::span<const std::string_view> OwnClaims(TokenVersion version) {
  if (IsLegacy(version)) return kLegacyClaims;
  const size_t left_out = static_cast<size_t>(TokenVersion::kV5) - static_cast<size_t>(version);
  return std::span(kClaims).first(std::size(kClaims) - left_out);
}

absl::Status NotAnAccessToken(std::string_view what) {
  return absl::InvalidArgumentError(std::string(what));
}

absl::StatusOr<TokenVersion> VersionFromHeader(const json::Value& header) {
  const json::Value* version = header.Find("version");
  // Other JWTs have none; they are read as the latest version.
  if (version == nullptr) return TokenVersion::kV5;
  const auto text = version->AsString();
  if (!text.has_value() || *text == "1" || *text == "2") {
    return NotAnAccessToken("JWT header mismatch - version");
  }
  if (*text == "3") return TokenVersion::kV3;
  if (*text == "4") return TokenVersion::kV4;
  if (*text == "5") return TokenVersion::kV5;
  return BadInput(Problem::kUnsupported, "The access token's version is not known",
                  {{"field", "accessToken"}});
}

absl::Status NotAJwt() {
  return BadInput(Problem::kMalformed, "The access token is not a JWT", {{"field", "accessToken"}});
}

absl::Status WrongType(std::string_view claim) {
  return BadInput(Problem::kMalformed,
                  StrCat("The access token's claim '", claim, "' has the wrong type"),
                  {{"field", StrCat("accessToken.", claim)}});
}

absl::Status ReadText(const json::Value& payload, std::string_view claim, std::string& out) {
  const json::Value* value = payload.Find(claim);
  if (value == nullptr) return WrongType(claim);
  if (const auto text = value->AsString()) {
    out = std::string(*text);
  } else if (const auto number = value->AsNumberText()) {
    out = std::string(*number);
  } else {
    return WrongType(claim);
  }
  return absl::OkStatus();
}

absl::Status ReadOptionalText(const json::Value& payload, std::string_view claim,
                              std::optional<std::string>& out) {
  const json::Value* value = payload.Find(claim);
  if (value == nullptr || value->is_null()) return absl::OkStatus();
  return ReadText(payload, claim, out.emplace());
}

absl::Status ReadTime(const json::Value& payload, std::string_view claim, int64_t unit_ms,
                      int64_t& out_ms) {
  const json::Value* value = payload.Find(claim);
  const auto number = value == nullptr ? std::nullopt : value->AsInt64();
  // The limit is some 290,000 years away; it keeps the product in range.
  constexpr int64_t kMaxMs = INT64_MAX / 1000;
  if (!number.has_value() || *number > kMaxMs || *number < -kMaxMs) return WrongType(claim);
  out_ms = *number * unit_ms;
  return absl::OkStatus();
}

json::Value LegacyPayload(const AccessToken& content) {
  json::Value payload = json::Value::Object({{"userId", content.user_id},
                                             {"expiryTime", content.expiry_ms},
                                             {"timeCreated", content.created_ms},
                                             {"sessionHandle", content.session_handle},
                                             {"refreshTokenHash1", content.refresh_token_hash1}});
  if (content.parent_refresh_token_hash1.has_value()) {
    payload.Set("parentRefreshTokenHash1", *content.parent_refresh_token_hash1);
  }
  if (content.anti_csrf_token.has_value()) payload.Set("antiCsrfToken", *content.anti_csrf_token);
  payload.Set("userData", content.user_data);
  return payload;
}

json::Value OrNull(const std::optional<std::string>& text) {
  return text.has_value() ? json::Value(*text) : json::Value::Null();
}

json::Value JwtPayload(const AccessToken& content, int64_t expiry_ms, int64_t created_ms) {
  json::Value claims = json::Value::Object(
      {{"iat", created_ms / 1000}, {"exp", expiry_ms / 1000}, {"sub", content.user_id}});
  if (content.version >= TokenVersion::kV4) claims.Set("tId", content.tenant_id);
  if (content.version >= TokenVersion::kV5) claims.Set("rsub", content.recipe_user_id);
  claims.Set("sessionHandle", content.session_handle);
  claims.Set("refreshTokenHash1", content.refresh_token_hash1);
  claims.Set("parentRefreshTokenHash1", OrNull(content.parent_refresh_token_hash1));
  claims.Set("antiCsrfToken", OrNull(content.anti_csrf_token));
  return crypto::MergeClaims(std::move(claims), content.user_data);
}

}  // namespace

absl::StatusOr<RawAccessToken> SplitAccessToken(std::string_view token) {
  auto parts = crypto::SplitJwt(token);
  if (!parts.ok()) return NotAnAccessToken("Invalid JWT");
  RawAccessToken raw;
  raw.parts = *parts;
  if (const auto legacy = crypto::LegacyVersionOf(raw.parts)) {
    raw.version =
        *legacy == crypto::LegacyTokenVersion::kV1 ? TokenVersion::kV1 : TokenVersion::kV2;
    return raw;
  }
  const auto header_text = crypto::DecodeJwtPart(raw.parts.header);
  const auto header = header_text.ok() ? json::Parse(*header_text)
                                       : absl::StatusOr<json::Value>(header_text.status());
  if (!header.ok() || !header->is_object()) return NotAJwt();
  if (header->FindString("typ") != "JWT") return NotAnAccessToken("JWT header mismatch - typ");
  if (header->FindString("alg") != "RS256") return NotAnAccessToken("JWT header mismatch - alg");
  ASSIGN_OR_RETURN(raw.version, VersionFromHeader(*header));
  raw.says_version = header->Find("version") != nullptr;
  const json::Value* key_id = header->Find("kid");
  if (key_id == nullptr) {
    return BadInput(Problem::kMissing, "The access token's header names no key",
                    {{"field", "accessToken.kid"}});
  }
  if (!key_id->is_string()) return NotAnAccessToken("JWT header mismatch - kid");
  raw.key_id = std::string(*key_id->AsString());
  return raw;
}

absl::StatusOr<AccessToken> ReadAccessToken(const RawAccessToken& raw) {
  const auto text = crypto::DecodeJwtPart(raw.parts.payload);
  const auto payload = text.ok() ? json::Parse(*text) : absl::StatusOr<json::Value>(text.status());
  if (!payload.ok() || !payload->is_object()) return NotAJwt();
  for (const std::string_view claim : OwnClaims(raw.version)) {
    if (payload->Find(claim) == nullptr) {
      return absl::FailedPreconditionError(
          StrCat("Access token does not contain all the information. Maybe the structure has "
                 "changed? ",
                 claim));
    }
  }

  AccessToken token;
  token.version = raw.version;
  RETURN_IF_ERROR(ReadText(*payload, "sessionHandle", token.session_handle));
  RETURN_IF_ERROR(ReadText(*payload, "refreshTokenHash1", token.refresh_token_hash1));
  RETURN_IF_ERROR(
      ReadOptionalText(*payload, "parentRefreshTokenHash1", token.parent_refresh_token_hash1));
  RETURN_IF_ERROR(ReadOptionalText(*payload, "antiCsrfToken", token.anti_csrf_token));
  if (IsLegacy(raw.version)) {
    RETURN_IF_ERROR(ReadText(*payload, "userId", token.user_id));
    token.recipe_user_id = token.user_id;
    RETURN_IF_ERROR(ReadTime(*payload, "expiryTime", 1, token.expiry_ms));
    RETURN_IF_ERROR(ReadTime(*payload, "timeCreated", 1, token.created_ms));
    const json::Value* user_data = payload->Find("userData");
    if (user_data == nullptr || !user_data->is_object()) return WrongType("userData");
    token.user_data = *user_data;
    return token;
  }

  RETURN_IF_ERROR(ReadText(*payload, "sub", token.user_id));
  token.recipe_user_id = token.user_id;
  if (raw.version >= TokenVersion::kV5) {
    RETURN_IF_ERROR(ReadText(*payload, "rsub", token.recipe_user_id));
  }
  if (raw.version >= TokenVersion::kV4) {
    RETURN_IF_ERROR(ReadText(*payload, "tId", token.tenant_id));
  }
  RETURN_IF_ERROR(ReadTime(*payload, "exp", 1000, token.expiry_ms));
  RETURN_IF_ERROR(ReadTime(*payload, "iat", 1000, token.created_ms));
  token.user_data = json::Value::Object();
  const auto own = OwnClaims(raw.version);
  for (const json::Member& member : payload->members()) {
    if (std::find(own.begin(), own.end(), member.key) == own.end()) {
      token.user_data.Set(member.key, member.value);
    }
  }
  return token;
}

bool HasProtectedClaim(TokenVersion version, const json::Value& user_data) {
  return !IsLegacy(version) && HasOwnClaim(version, user_data);
}

bool HasOwnClaim(TokenVersion version, const json::Value& user_data) {
  const auto own = OwnClaims(version);
  return std::any_of(own.begin(), own.end(),
                     [&](std::string_view claim) { return user_data.Find(claim) != nullptr; });
}

absl::StatusOr<SignedToken> SignAccessToken(const AccessToken& content, std::string_view key_id,
                                            const crypto::RsaKeyPair& key) {
  SignedToken out;
  if (IsLegacy(content.version)) {
    out.expiry_ms = content.expiry_ms;
    out.created_ms = content.created_ms;
    ASSIGN_OR_RETURN(out.token,
                     crypto::EncodeLegacyJwt(content.version == TokenVersion::kV1
                                                 ? crypto::LegacyTokenVersion::kV1
                                                 : crypto::LegacyTokenVersion::kV2,
                                             json::Serialize(LegacyPayload(content)), key));
    return out;
  }
  out.expiry_ms = content.expiry_ms - content.expiry_ms % 1000;
  out.created_ms = content.created_ms - content.created_ms % 1000;
  ASSIGN_OR_RETURN(
      out.token,
      crypto::EncodeJwt(crypto::JwtHeader(key_id, static_cast<int>(content.version)),
                        json::Serialize(JwtPayload(content, out.expiry_ms, out.created_ms)), key));
  return out;
}

absl::StatusOr<std::string> TenantOfHandle(std::string_view handle) {
  const size_t separator = handle.find('_');
  if (separator == std::string_view::npos) return "public";
  if (handle.find_first_not_of('_') == std::string_view::npos) {
    return BadInput(Problem::kMalformed, "The session handle is not valid",
                    {{"field", "sessionHandle"}});
  }
  std::string_view tenant = handle.substr(separator + 1);
  tenant = tenant.substr(0, tenant.find('_'));
  if (tenant.empty()) return "public";
  return absl::AsciiStrToLower(std::string(tenant));
}

}  // namespace gatehouse::session
