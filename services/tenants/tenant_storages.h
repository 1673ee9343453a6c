#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::tenants {

// The databases that tenants' rows lie in. Thread-safe.
class TenantStorages {
 public:
  virtual ~TenantStorages() = default;

  // Makes a database of a tenant's own ready for it: all tables, and the tenant's rows. Nothing to
  // do for the base database. BAD_INPUT when the database can't be used: it is the client's choice.
  virtual absl::Status Prepare(absl::Time deadline, const tenancy::Tenant& tenant,
                               int64_t now_ms) = 0;
  // Removes the tenant's data (a public tenant's: the app's) from a database of its own.
  virtual absl::Status Remove(absl::Time deadline, const tenancy::Tenant& tenant) = 0;
  // Whether the tenant's database answers. Looks at most once a second per database, so that any
  // number of questions is one statement.
  virtual absl::Status Check(absl::Time deadline, const tenancy::Tenant& tenant) = 0;
};

}  // namespace gatehouse::tenants
