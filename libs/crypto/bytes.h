#pragma once

// Random bytes, text encodings of bytes, and helpers for secrets. All functions are thread-safe. A
// failing random generator or allocator aborts the process: nothing based on weak randomness may be
// issued.

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace gatehouse::crypto {

// `count` bytes from the operating system's seeded generator. Aborts if it fails.
std::string RandomBytes(size_t count);

// RandomBytes(count) as 2 * count lower-case hex digits.
std::string RandomHex(size_t count);

// A random UUID version 4, lower-case, 36 characters.
std::string NewUuid4();

// Standard alphabet, padded (RFC 4648 section 4).
std::string Base64Encode(std::string_view bytes);
// URL-safe alphabet, without padding (RFC 4648 section 5, as in JWTs).
std::string Base64UrlEncode(std::string_view bytes);
// URL-safe alphabet, padded.
std::string Base64UrlEncodePadded(std::string_view bytes);

// Decodes either alphabet, even mixed, with or without trailing `=`. Any other character,
// misplaced padding or an impossible length is InvalidArgument. Unused low bits of the last
// character are ignored, as decoders commonly do.
absl::StatusOr<std::string> Base64Decode(std::string_view text);

// Compares in a time that does not reveal where the two differ. Their lengths are not secret.
bool ConstantTimeEqual(std::string_view a, std::string_view b);

// Overwrites the string's bytes in a way that the compiler keeps, and empties it.
void SecureWipe(std::string& secret);

// Wipes a secret at the end of the scope. The string must outlive it.
class ScopedWipe {
 public:
  explicit ScopedWipe(std::string& secret) : secret_(secret) {}
  ~ScopedWipe() { SecureWipe(secret_); }
  ScopedWipe(const ScopedWipe&) = delete;
  ScopedWipe& operator=(const ScopedWipe&) = delete;

 private:
  std::string& secret_;
};

}  // namespace gatehouse::crypto
