#pragma once

#include <string_view>

#include "absl/status/status.h"
#include "libs/config/core_config.h"

namespace gatehouse::passwords {

enum class HashKind { kAny, kArgon2, kBcrypt, kFirebaseScrypt };

// Whether a hash that is imported has the form of its kind. BAD_INPUT with the original's text; also
// for a Firebase hash without a signer key.
absl::Status CheckImportFormat(const config::CoreConfig& config, std::string_view hash,
                               HashKind kind);

}  // namespace gatehouse::passwords
