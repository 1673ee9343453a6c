#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/lru_cache.h"
#include "libs/crypto/rsa_key.h"
#include "services/session/access_token.h"

namespace gatehouse::session {

// A token whose signature is good.
struct VerifiedToken {
  // As ReadAccessToken returned it, without its user data: a tree of many small values would take
  // twenty times its text's memory.
  absl::StatusOr<AccessToken> content;
  std::string user_data_json;  // as Serialize writes them
};

// Tokens whose signatures were found good before: one that comes with every request of its session
// then costs a hash instead of an RSA operation and the reading of its claims. The claims are kept
// by a digest, without the signature, so that nobody can get a token from here; whoever has no good
// signature adds nothing. Whether the key may still be used, and the token is still valid, is the
// caller's to know. Thread-safe; bounded: the least recently used token is forgotten first.
class VerifiedTokens {
 public:
  explicit VerifiedTokens(size_t capacity);

  // Null unless `key` has signed the token.
  std::shared_ptr<const VerifiedToken> Verify(const RawAccessToken& raw,
                                              const crypto::RsaPublicKey& key);

  size_t size() const;

 private:
  struct Known {
    // Null for a long token: its claims, which a client may have chosen, are read each time.
    std::shared_ptr<const VerifiedToken> token;
  };
  // By digest of key and token. Several, each for a share of the digests, so that threads seldom
  // meet in one.
  std::vector<std::unique_ptr<LruCache<const Known>>> parts_;
};

}  // namespace gatehouse::session
