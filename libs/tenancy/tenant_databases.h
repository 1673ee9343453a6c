#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::db {
class Database;
}

namespace gatehouse::tenancy {

// The databases of one service: the base one, and those of tenants with `postgresql_*` settings of
// their own, opened on first use and shared by all tenants of the same storage id. Thread-safe.
class TenantDatabases {
 public:
  virtual ~TenantDatabases() = default;
  // Valid during the caller's request or job. kDependencyDown when a tenant's own database can't be
  // reached.
  virtual absl::StatusOr<db::Database*> Of(const Tenant& tenant) = 0;
  // The database of tenant_configs and of tenants without their own database.
  virtual db::Database& Base() = 0;
};

}  // namespace gatehouse::tenancy
