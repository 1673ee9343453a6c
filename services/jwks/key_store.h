#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace gatehouse::tenancy {
struct Tenant;
}

namespace gatehouse::jwks {

struct StoredKey {
  std::string key_id;    // "d-<created ms>" or "s-<uuid>"
  std::string key_pair;  // "<public b64 SPKI>|<private b64 PKCS8>"
  int64_t created_at_ms = 0;
};

// An app's keys, each kind newest first.
struct StoredKeys {
  std::vector<StoredKey> dynamic_keys;
  std::vector<StoredKey> static_keys;
};

// The signing keys of apps, in the database of each app's public tenant, given as `app`.
// Thread-safe.
class KeyStore {
 public:
  virtual ~KeyStore() = default;

  // Dynamic keys created at or after `created_from_ms`, and all static keys. One statement.
  virtual absl::StatusOr<StoredKeys> Load(const tenancy::Tenant& app, int64_t created_from_ms,
                                          absl::Time deadline) = 0;

  // What Ensure stores if it is missing. A key with an empty key_pair is not stored.
  struct Candidates {
    int64_t dynamic_from_ms = 0;  // a dynamic key created at or after this must exist
    StoredKey dynamic_key;
    StoredKey static_key;  // stored if there is none
  };
  // Stores the candidates that are still missing and returns all keys. If several instances do so
  // at once, one stores and the others see what it stored.
  virtual absl::StatusOr<StoredKeys> Ensure(const tenancy::Tenant& app, int64_t created_from_ms,
                                            const Candidates& candidates, absl::Time deadline) = 0;

  // Stores a key that came from elsewhere, unless it exists already.
  virtual absl::Status AdoptDynamic(const tenancy::Tenant& app, const StoredKey& key,
                                    absl::Time deadline) = 0;
  virtual absl::Status AdoptStatic(const tenancy::Tenant& app, const StoredKey& key,
                                   absl::Time deadline) = 0;
};

}  // namespace gatehouse::jwks
