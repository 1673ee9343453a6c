#pragma once

#include "services/jwks/key_store.h"

namespace gatehouse::tenancy {
class TenantDatabases;
}

namespace gatehouse::jwks {

// KeyStore over session_access_token_signing_keys and jwt_signing_keys.
class PgKeyStore final : public KeyStore {
 public:
  // `databases` must outlive this.
  explicit PgKeyStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  absl::StatusOr<StoredKeys> Load(const tenancy::Tenant& app, int64_t created_from_ms,
                                  absl::Time deadline) override;
  absl::StatusOr<StoredKeys> Ensure(const tenancy::Tenant& app, int64_t created_from_ms,
                                    const Candidates& candidates, absl::Time deadline) override;
  absl::Status AdoptDynamic(const tenancy::Tenant& app, const StoredKey& key,
                            absl::Time deadline) override;
  absl::Status AdoptStatic(const tenancy::Tenant& app, const StoredKey& key,
                           absl::Time deadline) override;

 private:
  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::jwks
