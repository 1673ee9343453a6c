#include "services/jwks/jwt_maker.h"

#include "libs/base/json.h"
#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/crypto/jwt.h"
#include "libs/crypto/jwt_claims.h"

namespace gatehouse::jwks {
namespace {

// Wraps around like the original's arithmetic: a validity of any size is accepted.
int64_t ExpirySeconds(int64_t now_ms, int64_t validity_s) {
  const auto expiry_ms = static_cast<int64_t>(static_cast<uint64_t>(now_ms) +
                                              static_cast<uint64_t>(validity_s) * 1000u);
  return expiry_ms / 1000 - (expiry_ms % 1000 < 0 ? 1 : 0);
}

}  // namespace

absl::StatusOr<std::string> MakeJwt(const AppKey& key, std::string_view payload_json,
                                    std::string_view jwks_domain, int64_t validity_s,
                                    int64_t now_ms) {
  const auto payload = json::Parse(payload_json);
  if (!payload.ok() || !payload->is_object()) {
    return BadInput(Problem::kMalformed, "Field name 'payload' is invalid in JSON input",
                    {{"field", "payload"}});
  }
  if (crypto::HasOversizedInteger(*payload)) {
    return BadInput(Problem::kOutOfRange, "The payload contains a number that is too large",
                    {{"field", "payload"}});
  }
  const json::Value claims =
      crypto::MergeClaims(json::Value::Object({{"iat", now_ms / 1000},
                                               {"exp", ExpirySeconds(now_ms, validity_s)},
                                               {"iss", jwks_domain}}),
                          *payload);
  return crypto::EncodeJwt(crypto::JwtHeader(key.key_id, std::nullopt), json::Serialize(claims),
                           *key.pair);
}

}  // namespace gatehouse::jwks
