#pragma once

// The envelope around refresh-token payloads and OAuth client secrets, as stored by every
// SuperTokens core: base64(iv || ciphertext || tag) with AES-256-GCM, a 12-byte random iv and a
// key of PBKDF2-HMAC-SHA512(password = master string, salt = iv, 100 iterations). Thread-safe.

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gatehouse::crypto {

// Standard padded base64. `master` is the whole stored master string.
std::string Encrypt(std::string_view plain, std::string_view master);

// InvalidArgument for anything that Encrypt with this master did not produce; the text reveals
// nothing of the content.
absl::StatusOr<std::string> Decrypt(std::string_view envelope, std::string_view master);

namespace internal {
// For known-answer tests only: reusing an iv under one master breaks AES-GCM. `iv` has 12 bytes.
std::string EncryptWithIv(std::string_view plain, std::string_view master, std::string_view iv);
}  // namespace internal

}  // namespace gatehouse::crypto
