#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gatehouse/oauth/v1/client.pb.h"
#include "gatehouse/oauth/v1/flow.pb.h"
#include "google/protobuf/duration.pb.h"
#include "libs/base/json.h"

namespace gatehouse::oauth {

// What an access token says.
struct AccessTokenClaims {
  std::string issuer;
  std::string subject;
  std::string client_id;
  std::vector<std::string> scopes;
  std::vector<std::string> audience;
  std::string gid;  // of the grant
  std::string jti;
  int64_t issued_at_s = 0;
  int64_t expires_at_s = 0;
  // Of a user's grant; null for a client's own.
  const v1::Grant* grant = nullptr;
};

// What an id token says of a grant (OpenID Connect Core, 2).
struct IdTokenClaims {
  std::string issuer;
  std::string at_hash;  // empty: no access token comes with it
  std::string c_hash;   // empty: no code does
  int64_t issued_at_s = 0;
  int64_t expires_at_s = 0;
};

// The claims in the original's order, then the caller's: those that are the provider's own can't be
// replaced.
json::Value AccessTokenJson(const AccessTokenClaims& claims, const json::Value& callers);

json::Value IdTokenJson(const v1::Grant& grant, const IdTokenClaims& claims,
                        const json::Value& callers);

// The left half of the SHA-256 of a token or code (OpenID Connect Core, 3.1.3.6).
std::string HalfHash(std::string_view text);

// A caller's claims; BAD_INPUT unless `text` is a JSON object.
absl::StatusOr<json::Value> ParseClaims(std::string_view text);

// Seconds; `otherwise_s` if the client has none of its own.
int64_t LifespanSeconds(bool has, const google::protobuf::Duration& lifespan, int64_t otherwise_s);

// By its form.
inline bool IsRefreshToken(std::string_view token) { return token.starts_with("st_rt_"); }

// The original's.
inline constexpr int64_t kAccessTokenLifetimeS = 3600;
inline constexpr int64_t kIdTokenLifetimeS = 3600;
inline constexpr int64_t kRefreshTokenLifetimeS = 30 * 24 * 3600;

// The handle of the session that a token belongs to. nullopt: there is none, or the claim is longer
// than any session's handle (and than the columns for it), so that no session ends the token.
std::optional<std::string> SessionHandleOf(const json::Value& claims,
                                           std::string_view claim = "sessionHandle");

}  // namespace gatehouse::oauth
