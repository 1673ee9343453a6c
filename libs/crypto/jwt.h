#pragma once

// Compact JWTs (RFC 7515) and the older container of access tokens V1 and V2. This file only deals
// with JSON text and base64: its callers interpret the JSON and choose the key. Thread-safe.

#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/crypto/rsa_key.h"

namespace gatehouse::crypto {

// RS256 over `header_json` and `payload_json`, in base64url without padding.
absl::StatusOr<std::string> EncodeJwt(std::string_view header_json, std::string_view payload_json,
                                      const RsaKeyPair& key);

// The container of access tokens V1 and V2: three parts in standard padded base64 and a fixed
// header that names no key.
enum class LegacyTokenVersion { kV1 = 1, kV2 = 2 };
absl::StatusOr<std::string> EncodeLegacyJwt(LegacyTokenVersion version,
                                            std::string_view payload_json, const RsaKeyPair& key);

// The parts of a token, as views into it: the token must outlive them.
struct JwtParts {
  std::string_view header;       // still encoded
  std::string_view payload;      // still encoded
  std::string_view signature;    // still encoded
  std::string_view signed_text;  // what the signature covers: `header.payload`
  std::string_view whole;
};

// InvalidArgument unless the token has exactly three parts, none of them empty.
absl::StatusOr<JwtParts> SplitJwt(std::string_view token);

// The version whose fixed header this is, if it is one: compared as text, before any decoding.
std::optional<LegacyTokenVersion> LegacyVersionOf(const JwtParts& parts);

// Text of a part's JSON. Both base64 alphabets are accepted; else InvalidArgument.
absl::StatusOr<std::string> DecodeJwtPart(std::string_view part);

// Whether the signature is `key`'s. Also false for a signature that is not base64.
bool VerifyJwtSignature(const JwtParts& parts, const RsaPublicKey& key);

}  // namespace gatehouse::crypto
