#include "services/session/access_token.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <span>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"
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
// Their places in it.
enum Claim { kSub, kExp, kIat, kHandle, kHash1, kParentHash1, kAntiCsrf, kTenantId, kRecipeUserId };
static_assert(std::size(kClaims) == kRecipeUserId + 1);

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

absl::Status MissingClaim(std::string_view claim) {
  return absl::FailedPreconditionError(
      StrCat("Access token does not contain all the information. Maybe the structure has "
             "changed? ",
             claim));
}

// `value` may be null; its text is moved.
absl::Status ReadText(json::Value* value, std::string_view claim, std::string& out) {
  if (value == nullptr) return WrongType(claim);
  if (value->is_string()) {
    out = value->TakeString();
  } else if (const auto number = value->AsNumberText()) {
    out = std::string(*number);
  } else {
    return WrongType(claim);
  }
  return absl::OkStatus();
}

absl::Status ReadOptionalText(json::Value* value, std::string_view claim,
                              std::optional<std::string>& out) {
  if (value == nullptr || value->is_null()) return absl::OkStatus();
  return ReadText(value, claim, out.emplace());
}

absl::Status ReadTime(const json::Value* value, std::string_view claim, int64_t unit_ms,
                      int64_t& out_ms) {
  const auto number = value == nullptr ? std::nullopt : value->AsInt64();
  // The limit is some 290,000 years away; it keeps the product in range.
  constexpr int64_t kMaxMs = INT64_MAX / 1000;
  if (!number.has_value() || *number > kMaxMs || *number < -kMaxMs) return WrongType(claim);
  out_ms = *number * unit_ms;
  return absl::OkStatus();
}

json::Value* FindIn(std::vector<json::Member>& members, std::string_view key) {
  const auto found = std::find_if(members.begin(), members.end(),
                                  [key](const json::Member& member) { return member.key == key; });
  return found == members.end() ? nullptr : &found->value;
}

absl::StatusOr<AccessToken> ReadLegacyClaims(TokenVersion version,
                                             std::vector<json::Member> members) {
  for (const std::string_view claim : kLegacyClaims) {
    if (FindIn(members, claim) == nullptr) return MissingClaim(claim);
  }
  AccessToken token;
  token.version = version;
  const auto read_text = [&](std::string_view claim, std::string& out) {
    return ReadText(FindIn(members, claim), claim, out);
  };
  const auto read_optional = [&](std::string_view claim, std::optional<std::string>& out) {
    return ReadOptionalText(FindIn(members, claim), claim, out);
  };
  RETURN_IF_ERROR(read_text("sessionHandle", token.session_handle));
  RETURN_IF_ERROR(read_text("refreshTokenHash1", token.refresh_token_hash1));
  RETURN_IF_ERROR(read_optional("parentRefreshTokenHash1", token.parent_refresh_token_hash1));
  RETURN_IF_ERROR(read_optional("antiCsrfToken", token.anti_csrf_token));
  RETURN_IF_ERROR(read_text("userId", token.user_id));
  token.recipe_user_id = token.user_id;
  RETURN_IF_ERROR(ReadTime(FindIn(members, "expiryTime"), "expiryTime", 1, token.expiry_ms));
  RETURN_IF_ERROR(ReadTime(FindIn(members, "timeCreated"), "timeCreated", 1, token.created_ms));
  json::Value* user_data = FindIn(members, "userData");
  if (user_data == nullptr || !user_data->is_object()) return WrongType("userData");
  token.user_data = std::move(*user_data);
  return token;
}

absl::StatusOr<AccessToken> ReadClaims(TokenVersion version, std::vector<json::Member> members) {
  const auto own = OwnClaims(version);
  std::array<json::Value*, std::size(kClaims)> values{};
  size_t of_others = 0;
  for (json::Member& member : members) {
    const auto claim = std::find(own.begin(), own.end(), member.key);
    if (claim == own.end()) {
      ++of_others;
    } else {
      values[claim - own.begin()] = &member.value;
    }
  }
  for (size_t i = 0; i < own.size(); ++i) {
    if (values[i] == nullptr) return MissingClaim(own[i]);
  }

  AccessToken token;
  token.version = version;
  const auto read_text = [&](Claim claim, std::string& out) {
    return ReadText(values[claim], kClaims[claim], out);
  };
  const auto read_optional = [&](Claim claim, std::optional<std::string>& out) {
    return ReadOptionalText(values[claim], kClaims[claim], out);
  };
  const auto read_seconds = [&](Claim claim, int64_t& out_ms) {
    return ReadTime(values[claim], kClaims[claim], 1000, out_ms);
  };
  RETURN_IF_ERROR(read_text(kHandle, token.session_handle));
  RETURN_IF_ERROR(read_text(kHash1, token.refresh_token_hash1));
  RETURN_IF_ERROR(read_optional(kParentHash1, token.parent_refresh_token_hash1));
  RETURN_IF_ERROR(read_optional(kAntiCsrf, token.anti_csrf_token));
  RETURN_IF_ERROR(read_text(kSub, token.user_id));
  if (version >= TokenVersion::kV5) {
    RETURN_IF_ERROR(read_text(kRecipeUserId, token.recipe_user_id));
  } else {
    token.recipe_user_id = token.user_id;
  }
  if (version >= TokenVersion::kV4) RETURN_IF_ERROR(read_text(kTenantId, token.tenant_id));
  RETURN_IF_ERROR(read_seconds(kExp, token.expiry_ms));
  RETURN_IF_ERROR(read_seconds(kIat, token.created_ms));
  token.user_data = json::Value::Object();
  if (of_others == 0) return token;
  for (json::Member& member : members) {
    if (std::find(own.begin(), own.end(), member.key) == own.end()) {
      token.user_data.Set(std::move(member.key), std::move(member.value));
    }
  }
  return token;
}

absl::StatusOr<AccessTokenHeader> ReadHeader(std::string_view part) {
  const auto text = crypto::DecodeJwtPart(part);
  const auto header = text.ok() ? json::Parse(*text) : absl::StatusOr<json::Value>(text.status());
  if (!header.ok() || !header->is_object()) return NotAJwt();
  if (header->FindString("typ") != "JWT") return NotAnAccessToken("JWT header mismatch - typ");
  if (header->FindString("alg") != "RS256") return NotAnAccessToken("JWT header mismatch - alg");
  AccessTokenHeader out;
  ASSIGN_OR_RETURN(out.version, VersionFromHeader(*header));
  out.says_version = header->Find("version") != nullptr;
  const json::Value* key_id = header->Find("kid");
  if (key_id == nullptr) {
    return BadInput(Problem::kMissing, "The access token's header names no key",
                    {{"field", "accessToken.kid"}});
  }
  if (!key_id->is_string()) return NotAnAccessToken("JWT header mismatch - kid");
  out.key_id = std::string(*key_id->AsString());
  return out;
}

// Headers that were read before: all tokens that a key has signed have the same one, and an app has
// few keys. Anybody can send others: they are forgotten together when there are many.
class KnownHeaders {
 public:
  static KnownHeaders& OfThisThread() {
    thread_local KnownHeaders known;
    return known;
  }
  // Null if it is not known. Valid until the next Add.
  const AccessTokenHeader* Find(std::string_view part) const {
    const auto found = headers_.find(part);
    return found == headers_.end() ? nullptr : &found->second;
  }
  void Add(std::string_view part, const AccessTokenHeader& header) {
    if (part.size() > kMaxSize) return;
    if (headers_.size() >= kMost) headers_.clear();
    headers_.try_emplace(std::string(part), header);
  }

 private:
  static constexpr size_t kMost = 1024;
  static constexpr size_t kMaxSize = 256;  // the core's own have some 100 characters

  // Lets views be looked up; differs from process to process, as anybody can send headers.
  struct Hash : absl::Hash<std::string_view> {
    using is_transparent = void;
  };
  // By the token's part.
  std::unordered_map<std::string, AccessTokenHeader, Hash, std::equal_to<>> headers_;
};

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
  KnownHeaders& known = KnownHeaders::OfThisThread();
  if (const AccessTokenHeader* header = known.Find(raw.parts.header)) {
    raw.header() = *header;
    return raw;
  }
  ASSIGN_OR_RETURN(raw.header(), ReadHeader(raw.parts.header));
  known.Add(raw.parts.header, raw);
  return raw;
}

absl::StatusOr<AccessToken> ReadAccessToken(const RawAccessToken& raw) {
  const auto text = crypto::DecodeJwtPart(raw.parts.payload);
  auto payload = text.ok() ? json::Parse(*text) : absl::StatusOr<json::Value>(text.status());
  if (!payload.ok() || !payload->is_object()) return NotAJwt();
  return IsLegacy(raw.version) ? ReadLegacyClaims(raw.version, payload->TakeMembers())
                               : ReadClaims(raw.version, payload->TakeMembers());
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
