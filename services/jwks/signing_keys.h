#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "gatehouse/common/v1/scope.pb.h"
#include "libs/base/clock.h"
#include "libs/base/lru_cache.h"
#include "libs/crypto/rsa_key.h"
#include "services/jwks/key_store.h"
#include "services/jwks/key_timeline.h"

namespace gatehouse::tenancy {
class TenantDirectory;
}

namespace gatehouse::jwks {

// A signing key, parsed. Immutable.
struct AppKey {
  std::string key_id;
  int64_t created_at_ms = 0;
  std::shared_ptr<const crypto::RsaKeyPair> pair;
};

// An app's keys at the time they were read. Immutable. Each list is newest first.
struct AppKeys {
  std::vector<AppKey> dynamic_keys;  // not empty
  std::vector<AppKey> static_keys;   // empty until one is needed
};

// Whether a caller needs a static key, which takes as long to generate as a dynamic one.
enum class StaticKey { kOptional, kRequired };

// AppKeys at a moment: which of them are in use, and until when.
struct KeysNow {
  std::shared_ptr<const AppKeys> keys;
  KeyTimeline timeline;
  int64_t now_ms = 0;
  size_t verifiable = 0;     // how many of dynamic_keys, from the front, verify
  size_t signing = 0;        // index in dynamic_keys of the one that signs
  int64_t change_at_ms = 0;  // when `signing` changes or a rotation is due

  const AppKey& dynamic_signing_key() const { return keys->dynamic_keys[signing]; }
  // Only if one was required.
  const AppKey& static_signing_key() const { return keys->static_keys.front(); }
};

// Signing keys of apps: created when first needed, rotated in time, cached in memory. Thread-safe.
//
// While an app's keys are fresh, reading them costs no statement. `app` is always the app's public
// tenant.
class SigningKeys {
 public:
  // Takes over what an older core left for the app, before its keys are first read. May fail: the
  // next read tries again.
  using Inherit = std::function<absl::Status(const tenancy::Tenant& app, absl::Time deadline)>;

  // All must outlive this; `inherit` may be null.
  SigningKeys(KeyStore& store, crypto::KeyPairPool& pairs, const Clock& clock,
              Inherit inherit = nullptr);
  ~SigningKeys();

  absl::StatusOr<KeysNow> Get(const tenancy::Tenant& app, StaticKey static_key,
                              absl::Time deadline);
  // The same, including a static key, after reading the database, unless that was done a moment
  // ago: for a caller that met an unknown key, which another instance may have created.
  absl::StatusOr<KeysNow> GetFresh(const tenancy::Tenant& app, absl::Time deadline);

  // Reads the keys of each app for which this instance created one some seconds ago. A SuperTokens
  // core of 12.2 or newer on the same database takes none of our row locks, so both may create a
  // key at a rotation, and verifiers need the other's as well. For a job that runs every few
  // seconds. Makes no key. Continues with the other apps when one fails, which is due again later;
  // returns the first error.
  absl::Status ReadWhatOthersMade(tenancy::TenantDirectory& directory, absl::Time deadline);

 private:
  struct Entry;
  struct Made {
    common::v1::Scope app;
    int64_t at_ms = 0;
  };
  // Whether Reload makes the keys that are missing or due for rotation, or leaves them.
  enum class Due { kMake, kLeave };
  std::shared_ptr<Entry> EntryOf(const tenancy::Tenant& app);
  // Returns the time, in epoch milliseconds, at which what it read was complete: with a very short
  // interval and a very slow database, a rotation may be due again when it returns.
  absl::StatusOr<int64_t> Reload(const tenancy::Tenant& app, Entry& entry, StaticKey static_key,
                                 absl::Time deadline, Due due);
  void NoteMade(const tenancy::Tenant& app, int64_t at_ms);

  KeyStore& store_;
  crypto::KeyPairPool& pairs_;
  const Clock& clock_;
  const Inherit inherit_;
  LruCache<Entry> entries_;
  std::mutex made_mutex_;
  std::map<std::string, Made> made_;  // by KeyOf
};

}  // namespace gatehouse::jwks
