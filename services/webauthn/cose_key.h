#pragma once

#include <string_view>
#include <utility>

#include "absl/status/statusor.h"
#include "libs/crypto/verifying_key.h"
#include "services/webauthn/cbor_reader.h"

namespace gatehouse::webauthn {

// A credential's public key in the form of COSE (RFC 9052, section 7), with its algorithm: ES256,
// ES384, ES512, each on its own curve; EdDSA on Ed25519; RS1, RS256, RS384, RS512. A value.
class CoseKey {
 public:
  // Reads a key at the reader's place. InvalidArgument for another algorithm, for what is no key,
  // and for a label that occurs twice.
  static absl::StatusOr<CoseKey> Read(CborReader& reader);

  // Whether `signature` is this key's, by its algorithm.
  bool Verify(std::string_view data, std::string_view signature) const {
    return key_.Verify(hash_, data, signature);
  }

 private:
  CoseKey(crypto::VerifyingKey key, crypto::HashFunction hash)
      : key_(std::move(key)), hash_(hash) {}

  crypto::VerifyingKey key_;
  crypto::HashFunction hash_;
};

}  // namespace gatehouse::webauthn
