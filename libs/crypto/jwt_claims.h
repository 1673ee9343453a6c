#pragma once

// The JSON of JWTs as every SuperTokens core writes it: header members and claims in its order, so
// that clients see no difference between tokens. Thread-safe.

#include <optional>
#include <string>
#include <string_view>

#include "libs/base/json.h"

namespace gatehouse::crypto {

// `{"kid":...,"typ":"JWT","version":"5","alg":"RS256"}`; `version` only in access tokens.
std::string JwtHeader(std::string_view key_id, std::optional<int> version);

// `registered` claims first, then the members of `payload`, which replace registered ones of the
// same name where they stand. As in the original's library, an `aud` list of one string becomes
// that string, and non-strings in `aud` are left out.
json::Value MergeClaims(json::Value registered, const json::Value& payload);

// Whether some number in `value` is an integer that does not fit in 64 bits: no JWT can carry it.
bool HasOversizedInteger(const json::Value& value);

}  // namespace gatehouse::crypto
