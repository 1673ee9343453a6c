#pragma once

// RSA keys in the stored form: base64 of DER, not PEM. Signatures are RS256 (PKCS #1 v1.5 with
// SHA-256), encryption is RSAES-OAEP.

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>

#include "absl/status/statusor.h"

struct evp_pkey_st;

namespace gatehouse::crypto {

// A public key, parsed once. Immutable, cheap to copy, thread-safe.
class RsaPublicKey {
 public:
  // From base64 of an X.509 SubjectPublicKeyInfo. InvalidArgument unless it is an RSA key of 1024
  // to 8192 bits (beyond that a verification would cost too much).
  static absl::StatusOr<RsaPublicKey> FromSpkiBase64(std::string_view spki);

  // Whether `signature` (raw bytes) is this key's RS256 signature of `data`.
  bool VerifySha256(std::string_view data, std::string_view signature) const;

  // The JWK members: base64url of the unsigned big-endian number.
  const std::string& jwk_n() const { return parts_->n; }
  const std::string& jwk_e() const { return parts_->e; }
  // Standard base64 of the SubjectPublicKeyInfo.
  const std::string& spki_base64() const { return parts_->spki; }
  // SHA-256 of that text, raw.
  const std::string& fingerprint() const { return parts_->fingerprint; }

 private:
  friend class RsaKeyPair;
  struct Parts {
    std::shared_ptr<evp_pkey_st> pkey;
    std::string n;
    std::string e;
    std::string spki;
    std::string fingerprint;
  };
  explicit RsaPublicKey(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
  static absl::StatusOr<RsaPublicKey> FromPkey(std::shared_ptr<evp_pkey_st> pkey);

  std::shared_ptr<const Parts> parts_;
};

// The hashes that RSAES-OAEP is used with, for its label and for its mask (RFC 8017, 7.1).
enum class OaepHash { kSha1, kSha256, kSha384, kSha512 };

// A key pair, parsed once. Immutable and thread-safe: many threads sign with one object.
class RsaKeyPair {
 public:
  // A new key of 2048 bits, which takes 50 ms to 1 s of CPU: see KeyPairPool. Aborts only if
  // OpenSSL is broken.
  static std::shared_ptr<const RsaKeyPair> Generate();

  // From the stored text `<base64 SPKI>|<base64 PKCS #8>`; very old rows have `;` for `|`.
  // InvalidArgument when it is not that, or the halves don't belong together.
  static absl::StatusOr<std::shared_ptr<const RsaKeyPair>> FromStored(std::string_view pair);

  // The stored text, with `|`. A secret.
  std::string ToStored() const;

  // Raw signature bytes (256 for a 2048-bit key). Internal if OpenSSL fails.
  absl::StatusOr<std::string> SignSha256(std::string_view data) const;

  // What was encrypted for this key by RSAES-OAEP without a label: a secret. nullopt if it was not:
  // neither the answer nor the time it takes says why.
  std::optional<std::string> DecryptOaep(std::string_view cipher_text, OaepHash hash,
                                         OaepHash mask_hash) const;

  const RsaPublicKey& public_key() const { return public_key_; }

 private:
  friend class KeyPairPool;
  explicit RsaKeyPair(RsaPublicKey public_key) : public_key_(std::move(public_key)) {}
  // Null when `stop` is requested before the key is found.
  static std::shared_ptr<const RsaKeyPair> GenerateUnless(std::stop_token stop);

  RsaPublicKey public_key_;  // its pkey holds the private half too
};

// Keeps key pairs ready, because generating one would delay the request that needs it. Thread-safe.
// A background thread fills the pool; destruction interrupts it within milliseconds.
class KeyPairPool {
 public:
  struct Options {
    size_t ready_pairs = 0;  // kept ready; 0: no thread, and Take generates each pair itself
    // Each time the last ready pair is taken, twice as many are kept from then on, up to this.
    size_t most_ready_pairs = 0;
    // Whether the thread runs at low priority.
    bool low_priority = true;
  };
  explicit KeyPairPool(const Options& options);
  ~KeyPairPool();
  KeyPairPool(const KeyPairPool&) = delete;
  KeyPairPool& operator=(const KeyPairPool&) = delete;

  // A pair that nobody else gets: a ready one, or one generated now by the caller's thread.
  std::shared_ptr<const RsaKeyPair> Take();

  // Pairs that are ready now.
  size_t ready() const;
  // The number of pairs to keep ready.
  size_t target() const;

 private:
  void Fill(std::stop_token stop);

  const size_t most_ready_pairs_;
  const bool low_priority_;
  mutable std::mutex mutex_;
  size_t target_;
  std::condition_variable_any wake_;
  std::deque<std::shared_ptr<const RsaKeyPair>> ready_;
  std::jthread thread_;  // last: it uses the members above
};

}  // namespace gatehouse::crypto
