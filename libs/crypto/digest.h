#pragma once

// Digests and key derivation. Thread-safe; they abort only if OpenSSL itself is broken.

#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>

namespace gatehouse::crypto {

// 32 raw bytes.
std::string Sha256(std::string_view data);
// Of the pieces one after the other.
std::string Sha256(std::initializer_list<std::string_view> pieces);
// 64 lower-case hex digits, the form in which tokens are stored.
std::string Sha256Hex(std::string_view data);

// 20 raw bytes (RFC 2104), for one-time codes: as a MAC, SHA-1 is unbroken.
std::string HmacSha1(std::string_view key, std::string_view data);
// 32 raw bytes (RFC 2104).
std::string HmacSha256(std::string_view key, std::string_view data);

// PBKDF2 with HMAC-SHA-512 (RFC 8018). `iterations` and `length_bytes` are at least 1.
std::string Pbkdf2HmacSha512(std::string_view password, std::string_view salt, int iterations,
                             size_t length_bytes);

}  // namespace gatehouse::crypto
