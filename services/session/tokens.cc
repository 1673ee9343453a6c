#include "services/session/tokens.h"

#include <cstring>
#include <utility>

#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/crypto/bytes.h"
#include "libs/crypto/jwt_claims.h"

namespace gatehouse::session {
namespace {

// Uniform in [0, 1).
double RandomFraction() {
  uint64_t bits = 0;
  const std::string bytes = crypto::RandomBytes(sizeof(bits));
  std::memcpy(&bits, bytes.data(), sizeof(bits));
  return static_cast<double>(bits >> 11) * 0x1.0p-53;
}

}  // namespace

absl::StatusOr<TokenVersion> MintedVersion(v1::AccessTokenVersion version) {
  if (version < v1::ACCESS_TOKEN_VERSION_V2 || version > v1::ACCESS_TOKEN_VERSION_V5) {
    return BadInput(Problem::kUnsupported, "The access token version is not one that can be made",
                    {{"field", "accessToken"}});
  }
  return static_cast<TokenVersion>(version);
}

absl::StatusOr<json::Value> ParseUserData(std::string_view text, std::string_view field) {
  auto value = json::Parse(text);
  if (!value.ok() || !value->is_object()) {
    return BadInput(Problem::kMalformed,
                    StrCat("Field name '", field, "' is invalid in JSON input"),
                    {{"field", std::string(field)}});
  }
  return *std::move(value);
}

json::Value StoredUserData(std::string_view text) {
  auto value = json::Parse(text);
  if (!value.ok() || !value->is_object()) return json::Value::Object();
  return *std::move(value);
}

absl::Status CheckUserData(TokenVersion version, const json::Value& user_data) {
  if (HasProtectedClaim(version, user_data)) {
    return BadInput(Problem::kReserved, kProtectedClaimMessage, {{"field", "userDataInJWT"}});
  }
  if (!IsLegacy(version) && crypto::HasOversizedInteger(user_data)) {
    return BadInput(Problem::kOutOfRange, "The user payload contains a number that is too large",
                    {{"field", "userDataInJWT"}});
  }
  return absl::OkStatus();
}

absl::Status CheckValidity(const config::CoreConfig& config, std::optional<int64_t> validity_ms) {
  if (!validity_ms.has_value()) return absl::OkStatus();
  if (*validity_ms > 0 && *validity_ms <= config.access_token_validity_ms()) {
    return absl::OkStatus();
  }
  return BadInput(Problem::kOutOfRange,
                  StrCat("accessTokenValidity must be greater than 0 and at most the configured "
                         "access_token_validity (",
                         std::to_string(config.access_token_validity_ms()), " ms)"),
                  {{"field", "accessTokenValidity"}});
}

int64_t FreshValidityMs(const config::CoreConfig& config, std::optional<int64_t> asked_ms) {
  if (asked_ms.has_value()) return *asked_ms;
  const int64_t validity_ms = config.access_token_validity_ms();
  const double jitter = config.access_token_validity_jitter();
  if (jitter <= 0) return validity_ms;
  return static_cast<int64_t>(static_cast<double>(validity_ms) * (1 - RandomFraction() * jitter));
}

absl::Status Mint(const AccessToken& content, const SigningKey& key, v1::Token& out) {
  ASSIGN_OR_RETURN(SignedToken signed_token, SignAccessToken(content, key.key_id, *key.pair));
  FillToken(std::move(signed_token.token), signed_token.expiry_ms, signed_token.created_ms, out);
  return absl::OkStatus();
}

void FillToken(std::string token, int64_t expiry_ms, int64_t created_ms, v1::Token& out) {
  out.set_token(std::move(token));
  out.set_expiry_ms(expiry_ms);
  out.set_created_ms(created_ms);
}

void FillSession(const AccessToken& content, v1::Session& out) {
  FillSession(content, json::Serialize(content.user_data), out);
}

void FillSession(const AccessToken& content, std::string user_data_json, v1::Session& out) {
  out.set_handle(content.session_handle);
  out.set_user_id(content.user_id);
  out.set_recipe_user_id(content.recipe_user_id);
  out.set_tenant_id(content.tenant_id);
  out.set_user_data_in_jwt_json(std::move(user_data_json));
}

}  // namespace gatehouse::session
