#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/base/lru_cache.h"
#include "libs/crypto/rsa_key.h"
#include "services/jwks/key_store.h"
#include "services/jwks/key_timeline.h"

namespace gatehouse::jwks {

// A signing key, parsed. Immutable.
struct AppKey {
  std::string key_id;
  int64_t created_at_ms = 0;
  std::shared_ptr<const crypto::RsaKeyPair> pair;
};

// An app's keys as they stood when they were read. Immutable. Each list is newest first.
struct AppKeys {
  std::vector<AppKey> dynamic_keys;  // not empty
  std::vector<AppKey> static_keys;   // empty as long as nobody needed one
};

// Whether a caller can do without a static key, which takes as long to make as a dynamic one.
enum class StaticKey { kOptional, kRequired };

// AppKeys at a moment: which of them count, and until when.
struct KeysNow {
  std::shared_ptr<const AppKeys> keys;
  KeyTimeline timeline;
  int64_t now_ms = 0;
  size_t verifiable = 0;     // so many of dynamic_keys, from the front, verify
  size_t signing = 0;        // index in dynamic_keys of the one that signs
  int64_t change_at_ms = 0;  // when `signing` changes or a rotation is due

  const AppKey& dynamic_signing_key() const { return keys->dynamic_keys[signing]; }
  // Only for who required one.
  const AppKey& static_signing_key() const { return keys->static_keys.front(); }
};

// Signing keys of apps: made on first need, rotated in time, kept in memory between. Thread-safe.
//
// While an app's keys are fresh, reading them costs no statement. `app` is always the app's public
// tenant.
class SigningKeys {
 public:
  // Takes what an older core left for the app, before its keys are first read. May fail: the next
  // reading tries again.
  using Inherit = std::function<absl::Status(const tenancy::Tenant& app, absl::Time deadline)>;

  // All must outlive this; `inherit` may be null.
  SigningKeys(KeyStore& store, crypto::KeyPairPool& pairs, const Clock& clock,
              Inherit inherit = nullptr);
  ~SigningKeys();

  absl::StatusOr<KeysNow> Get(const tenancy::Tenant& app, StaticKey static_key,
                              absl::Time deadline);
  // The same, a static key included, after reading the database, unless that was done a moment
  // ago: somebody met a key that is not among those he knows, which another instance may have made.
  absl::StatusOr<KeysNow> GetFresh(const tenancy::Tenant& app, absl::Time deadline);

 private:
  struct Entry;
  std::shared_ptr<Entry> EntryOf(const tenancy::Tenant& app);
  // Returns when, in epoch milliseconds, what it read was all that was needed: with the shortest of
  // intervals and the slowest of databases, a rotation may be due again when it has returned.
  absl::StatusOr<int64_t> Reload(const tenancy::Tenant& app, Entry& entry, StaticKey static_key,
                                 absl::Time deadline);

  KeyStore& store_;
  crypto::KeyPairPool& pairs_;
  const Clock& clock_;
  const Inherit inherit_;
  LruCache<Entry> entries_;
};

}  // namespace gatehouse::jwks
