#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "libs/base/clock.h"
#include "libs/tenancy/tenant_databases.h"
#include "services/tenants/tenant_storages.h"

namespace gatehouse::tenants {

// TenantStorages over real databases. Arguments outlive it.
class PgTenantStorages final : public TenantStorages {
 public:
  PgTenantStorages(tenancy::TenantDatabases& databases, const Clock& clock)
      : databases_(databases), clock_(clock) {}

  absl::Status Prepare(absl::Time deadline, const tenancy::Tenant& tenant, int64_t now_ms) override;
  absl::Status Remove(absl::Time deadline, const tenancy::Tenant& tenant) override;
  absl::Status Check(absl::Time deadline, const tenancy::Tenant& tenant) override;

 private:
  struct Health {
    std::mutex mutex;
    bool asking = false;
    int64_t checked_at_ms = 0;  // 0: never
    absl::Status status;
  };

  tenancy::TenantDatabases& databases_;
  const Clock& clock_;
  std::mutex mutex_;
  std::set<std::string> migrated_;                         // storage ids
  std::map<std::string, std::shared_ptr<Health>> health_;  // by storage id
};

}  // namespace gatehouse::tenants
