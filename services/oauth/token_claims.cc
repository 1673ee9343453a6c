#include "services/oauth/token_claims.h"

#include <algorithm>
#include <array>

#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/crypto/bytes.h"
#include "libs/crypto/digest.h"

namespace gatehouse::oauth {
namespace {

using json::Value;

// The original's list.
constexpr std::array<std::string_view, 18> kOwnClaims = {
    "kid", "typ", "alg", "aud",     "iss", "iat",       "exp", "nbf", "jti",
    "ext", "sid", "rat", "at_hash", "gid", "client_id", "scp", "sub", "stt"};

void AddCallersClaims(const Value& callers, Value& claims) {
  for (const json::Member& member : callers.members()) {
    if (std::find(kOwnClaims.begin(), kOwnClaims.end(), member.key) == kOwnClaims.end()) {
      claims.Set(member.key, member.value);
    }
  }
}

Value Strings(const std::vector<std::string>& strings) {
  Value list = Value::Array();
  for (const std::string& text : strings) list.Append(text);
  return list;
}

}  // namespace

Value AccessTokenJson(const AccessTokenClaims& claims, const Value& callers) {
  Value made = Value::Object({{"iat", claims.issued_at_s}, {"exp", claims.expires_at_s}});
  // One alone becomes a string when the token is made.
  if (!claims.audience.empty()) made.Set("aud", Strings(claims.audience));
  made.Set("client_id", claims.client_id);
  made.Set("iss", claims.issuer);
  made.Set("jti", claims.jti);
  made.Set("nbf", claims.issued_at_s);
  made.Set("scp", Strings(claims.scopes));
  made.Set("sub", claims.subject);
  made.Set("stt", 1);
  made.Set("gid", claims.gid);
  if (claims.grant != nullptr) {
    made.Set("tId", claims.grant->tenant_id());
    made.Set("rsub", claims.grant->recipe_user_id());
    made.Set("sessionHandle", claims.grant->session_handle());
  }
  AddCallersClaims(callers, made);
  return made;
}

Value IdTokenJson(const v1::Grant& grant, const IdTokenClaims& claims, const Value& callers) {
  Value made = Value::Object({{"iat", claims.issued_at_s}, {"exp", claims.expires_at_s}});
  if (!grant.acr().empty()) made.Set("acr", grant.acr());
  if (!grant.amr().empty()) made.Set("amr", Strings({grant.amr().begin(), grant.amr().end()}));
  if (!claims.at_hash.empty()) made.Set("at_hash", claims.at_hash);
  made.Set("aud", Strings({grant.client_id()}));
  made.Set("auth_time", grant.authenticated_at_ms() / 1000);
  if (!claims.c_hash.empty()) made.Set("c_hash", claims.c_hash);
  made.Set("iss", claims.issuer);
  made.Set("jti", crypto::NewUuid4());
  if (!grant.nonce().empty()) made.Set("nonce", grant.nonce());
  made.Set("rat", grant.requested_at_ms() / 1000);
  made.Set("sid", grant.session_handle());
  made.Set("sub", grant.subject());
  made.Set("stt", 2);
  // The original's id tokens have one that is nobody's.
  made.Set("gid", crypto::NewUuid4());
  AddCallersClaims(callers, made);
  return made;
}

std::string HalfHash(std::string_view text) {
  return crypto::Base64UrlEncode(crypto::Sha256(text).substr(0, 16));
}

absl::StatusOr<Value> ParseClaims(std::string_view text) {
  absl::StatusOr<Value> claims = json::Parse(text);
  if (claims.ok() && claims->is_object()) return claims;
  return BadInput(Problem::kMalformed, "Claims must be a JSON object", {{"field", "claims"}});
}

int64_t LifespanSeconds(bool has, const google::protobuf::Duration& lifespan, int64_t otherwise_s) {
  return has ? lifespan.seconds() : otherwise_s;
}

std::optional<std::string> SessionHandleOf(const json::Value& claims, std::string_view claim) {
  constexpr size_t kMaxLength = 128;
  const std::optional<std::string_view> handle = claims.FindString(claim);
  if (!handle.has_value() || handle->size() > kMaxLength) return std::nullopt;
  return std::string(*handle);
}

}  // namespace gatehouse::oauth
