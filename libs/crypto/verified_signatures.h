#pragma once

#include <cstddef>

#include "libs/base/lru_cache.h"
#include "libs/crypto/jwt.h"

namespace gatehouse::crypto {

// Signatures that were found good before: a token that comes with every request of its session
// then costs a hash instead of an RSA operation. Only digests are kept, no tokens; whoever has no
// good signature adds nothing. Whether the key may still be used is the caller's to know.
// Thread-safe; bounded: the least recently used signature is forgotten first.
class VerifiedSignatures {
 public:
  explicit VerifiedSignatures(size_t capacity) : known_(capacity) {}

  // As VerifyJwtSignature.
  bool Verify(const JwtParts& parts, const RsaPublicKey& key);

  size_t size() const { return known_.size(); }

 private:
  LruCache<const bool> known_;  // by digest of key, text and signature
};

}  // namespace gatehouse::crypto
