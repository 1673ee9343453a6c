#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/config/core_config.h"

namespace gatehouse::oauth {

// Secrets of clients. They are stored as the original stores them: encrypted with the
// installation's key, since an application may read them. Thread-safe.

// 26 characters that need no escaping in a URL, 155 bits.
std::string NewClientSecret();

// BAD_INPUT while no key is configured: a secret is never stored in clear text.
absl::StatusOr<std::string> EncryptClientSecret(const config::CoreConfig& config,
                                                std::string_view secret);
// INTERNAL when another key has encrypted it.
absl::StatusOr<std::string> DecryptClientSecret(const config::CoreConfig& config,
                                                std::string_view stored);

// In a time that depends on neither where they differ nor how long `secret` is.
bool IsClientSecret(std::string_view given, std::string_view secret);

}  // namespace gatehouse::oauth
