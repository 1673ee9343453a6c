#pragma once

// Secrets and one-time tokens that the services generate. Thread-safe.

#include <string>

namespace gatehouse::crypto {

// A new master string, `1000:<128 hex digits of salt>:<128 hex digits of key>`, as stored in
// key_value `refresh_token_key`. The whole string, colons included, is what Encrypt takes.
std::string GenerateSigningKey();

// The token that a user gets by mail to reset a password: 128 characters, letters and digits only.
// The database stores Sha256Hex of it.
std::string NewPasswordResetToken();

// The token that a user gets by mail to verify an address: 128 characters, letters and digits only.
// The database stores Sha256Hex of it.
std::string NewEmailVerificationToken();

}  // namespace gatehouse::crypto
