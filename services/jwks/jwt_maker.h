#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "services/jwks/signing_keys.h"

namespace gatehouse::jwks {

// A general-purpose JWT (formats: 2.13) with `payload_json`'s claims, signed with `key`.
// `jwks_domain` becomes `iss` unless the payload has one; the payload's `iat` and `exp` take
// precedence too. BAD_INPUT when the payload is not a JSON object or has an integer beyond 64 bits.
absl::StatusOr<std::string> MakeJwt(const AppKey& key, std::string_view payload_json,
                                    std::string_view jwks_domain, int64_t validity_s,
                                    int64_t now_ms);

}  // namespace gatehouse::jwks
