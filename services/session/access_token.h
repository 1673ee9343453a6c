#pragma once

// Access tokens V1 to V5: their content, and how it is written and read (formats: 2). Pure
// functions, thread-safe.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/base/json.h"
#include "libs/crypto/jwt.h"
#include "libs/crypto/rsa_key.h"

namespace gatehouse::session {

enum class TokenVersion { kV1 = 1, kV2 = 2, kV3 = 3, kV4 = 4, kV5 = 5 };

// V1 and V2 have their own container; V3 and later are JWTs.
constexpr bool IsLegacy(TokenVersion version) { return version <= TokenVersion::kV2; }

// The content of an access token.
struct AccessToken {
  TokenVersion version = TokenVersion::kV5;
  std::string session_handle;
  std::string user_id;         // of the primary user
  std::string recipe_user_id;  // as user_id before V5
  std::string tenant_id = "public";
  std::string refresh_token_hash1;
  std::optional<std::string> parent_refresh_token_hash1;
  std::optional<std::string> anti_csrf_token;
  int64_t expiry_ms = 0;   // whole seconds from V3 on
  int64_t created_ms = 0;  // likewise
  json::Value user_data;   // an object
};

// What a token's header says.
struct AccessTokenHeader {
  TokenVersion version = TokenVersion::kV5;
  // False: the header names no version. Sessions' tokens name theirs; a general-purpose JWT of the
  // app (POST /recipe/jwt) is signed with the same keys, and can have any claims.
  bool says_version = true;
  std::string key_id;  // empty before V3: any key may have signed
};

// A token split into its parts, before anything is verified: views into the token, which must
// outlive this.
struct RawAccessToken : AccessTokenHeader {
  crypto::JwtParts parts;
  AccessTokenHeader& header() { return *this; }
};

// InvalidArgument without a reason when this is another kind of JWT or no JWT at all. BAD_INPUT for
// cases in which the original has a specific error: a header that is not a JSON object, names no
// key, or states an unknown version.
absl::StatusOr<RawAccessToken> SplitAccessToken(std::string_view token);

// Reads the claims. FailedPrecondition, with a message for the client, when a claim is missing;
// BAD_INPUT when one is of the wrong type.
absl::StatusOr<AccessToken> ReadAccessToken(const RawAccessToken& raw);

// Whether `user_data` has a member with the name of a claim that the version reserves.
bool HasOwnClaim(TokenVersion version, const json::Value& user_data);
// Whether it has one that would collide with the token's claims: legacy versions nest user data.
bool HasProtectedClaim(TokenVersion version, const json::Value& user_data);

struct SignedToken {
  std::string token;
  int64_t expiry_ms = 0;
  int64_t created_ms = 0;
};

// `content` as a token; its user data must have no protected claim. Times are cut to whole seconds
// from V3 on.
absl::StatusOr<SignedToken> SignAccessToken(const AccessToken& content, std::string_view key_id,
                                            const crypto::RsaKeyPair& key);

// The tenant of a session handle: the part after the first `_`, else public. BAD_INPUT for a handle
// that consists of `_` only.
absl::StatusOr<std::string> TenantOfHandle(std::string_view handle);

}  // namespace gatehouse::session
