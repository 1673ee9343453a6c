#pragma once

// Public keys from their numbers, for checking the signatures of others: authenticators' keys.

#include <memory>
#include <string_view>

#include "absl/status/statusor.h"

struct evp_pkey_st;

namespace gatehouse::crypto {

enum class EcCurve { kP256, kP384, kP521 };
enum class HashFunction { kSha1, kSha256, kSha384, kSha512 };

// Immutable, cheap to copy, thread-safe. Numbers are unsigned and big-endian. The makers return
// InvalidArgument for what is no key.
class VerifyingKey {
 public:
  // `x` and `y` as wide as the curve's field (32, 48, 66 bytes); the point must be on the curve.
  static absl::StatusOr<VerifyingKey> FromEcPoint(EcCurve curve, std::string_view x,
                                                  std::string_view y);
  // 2048 to 8192 bits (beyond that a verification would cost too much); an odd exponent of at most
  // 64 bits.
  static absl::StatusOr<VerifyingKey> FromRsa(std::string_view n, std::string_view e);
  // 32 bytes (RFC 8032).
  static absl::StatusOr<VerifyingKey> FromEd25519(std::string_view key);

  // Whether `signature` is this key's signature of `data`: ECDSA in DER, RSA by PKCS #1 v1.5,
  // Ed25519, whose hash is its own.
  bool Verify(HashFunction hash, std::string_view data, std::string_view signature) const;

 private:
  VerifyingKey(std::shared_ptr<evp_pkey_st> pkey, bool has_own_hash)
      : pkey_(std::move(pkey)), has_own_hash_(has_own_hash) {}

  std::shared_ptr<evp_pkey_st> pkey_;
  bool has_own_hash_;
};

}  // namespace gatehouse::crypto
