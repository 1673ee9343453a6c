#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::tenants {

// The databases that hold tenants' rows. Thread-safe.
class TenantStorages {
 public:
  virtual ~TenantStorages() = default;

  // Prepares a tenant's own database for it: all tables, and the tenant's rows. Nothing to do for
  // the base database. BAD_INPUT when the database can't be used: it is the client's choice.
  virtual absl::Status Prepare(absl::Time deadline, const tenancy::Tenant& tenant,
                               int64_t now_ms) = 0;
  // Removes the tenant's data (for a public tenant, the app's) from its own database.
  virtual absl::Status Remove(absl::Time deadline, const tenancy::Tenant& tenant) = 0;
  // Whether the tenant's database answers. Checks at most once a second per database, so that any
  // number of calls costs one statement.
  virtual absl::Status Check(absl::Time deadline, const tenancy::Tenant& tenant) = 0;
};

}  // namespace gatehouse::tenants
