#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::tenants {

// The databases that hold tenants' rows. Arguments outlive this. Thread-safe.
class PgTenantStorages {
 public:
  PgTenantStorages(tenancy::TenantDatabases& databases, const Clock& clock)
      : databases_(databases), clock_(clock) {}

  // Prepares a tenant's own database for it: all tables, and the tenant's rows. Nothing to do for
  // the base database. BAD_INPUT when the database can't be used: it is the client's choice.
  absl::Status Prepare(absl::Time deadline, const tenancy::Tenant& tenant, int64_t now_ms);
  // Removes the tenant's data (for a public tenant, the app's) from its own database.
  absl::Status Remove(absl::Time deadline, const tenancy::Tenant& tenant);
  // Whether the tenant's database answers. Checks at most once a second per database, so that any
  // number of calls costs one statement.
  absl::Status Check(absl::Time deadline, const tenancy::Tenant& tenant);

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
