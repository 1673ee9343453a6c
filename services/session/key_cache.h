#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "gatehouse/session/v1/session_service.pb.h"
#include "libs/base/call_context.h"
#include "libs/base/clock.h"
#include "libs/base/lru_cache.h"
#include "libs/crypto/rsa_key.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/session/verified_tokens.h"

namespace gatehouse::jwks::v1 {
class JwksService;
}

namespace gatehouse::session {

struct SigningKey {
  std::string key_id;
  std::shared_ptr<const crypto::RsaKeyPair> pair;
  int64_t created_at_ms = 0;
  int64_t expires_at_ms = 0;  // when it stops verifying; 0: never
};

// An app's keys from the jwks service, parsed. Immutable.
struct KeySet {
  std::vector<SigningKey> dynamic_keys;  // newest first, not empty
  std::vector<SigningKey> static_keys;   // newest first; may be empty unless asked for
  size_t current = 0;                    // the dynamic key that signs
  int64_t refresh_at_ms = 0;

  // DEPENDENCY_DOWN when the static key is required and could not be fetched.
  absl::StatusOr<const SigningKey*> ToSign(bool use_static) const;
  // Null when there is no such key, or it has expired.
  const SigningKey* Find(std::string_view key_id, int64_t now_ms) const;
};

// The signing keys of apps, cached so that a verification needs no call. Fetched again when a new
// one is about to take over. Thread-safe; bounded.
class KeyCache {
 public:
  // Both must outlive this.
  KeyCache(jwks::v1::JwksService& jwks, const Clock& clock);
  ~KeyCache();

  // `app` is the app's public tenant. A static key is among the keys if `with_static`, unless the
  // jwks service does not answer. A caller that does not need one spares the app's first session
  // its generation.
  absl::StatusOr<std::shared_ptr<const KeySet>> Get(CallContext& context,
                                                    const tenancy::Tenant& app, bool with_static);
  // The key of `keys` that signs. Fetches the static one if it is required and missing.
  absl::StatusOr<SigningKey> ToSign(CallContext& context, const tenancy::Tenant& app,
                                    const KeySet& keys, bool use_static);
  // All keys, bypassing every cache, since a token was signed with none of `known`. Returns `known`
  // itself if that was tried a moment ago: anybody can send unknown key ids.
  absl::StatusOr<std::shared_ptr<const KeySet>> Refetch(CallContext& context,
                                                        const tenancy::Tenant& app,
                                                        std::shared_ptr<const KeySet> known);

  // What these keys signed.
  VerifiedTokens& tokens() { return tokens_; }

 private:
  struct Entry;
  std::shared_ptr<Entry> EntryOf(const tenancy::Tenant& app);
  absl::StatusOr<std::shared_ptr<const KeySet>> Fetch(CallContext& context,
                                                      const tenancy::Tenant& app, Entry& entry,
                                                      bool with_static, bool refresh);

  jwks::v1::JwksService& jwks_;
  const Clock& clock_;
  LruCache<Entry> entries_;
  VerifiedTokens tokens_;
};

// The keys in the form for SDKs before JWKS (formats: 2.10). Fails as KeySet::ToSign does.
absl::StatusOr<v1::LegacyKeys> MakeLegacyKeys(const KeySet& keys,
                                              const config::CoreConfig& app_config, int64_t now_ms);

}  // namespace gatehouse::session
