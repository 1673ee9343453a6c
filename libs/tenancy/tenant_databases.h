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
  // Valid for the request or the job that asks. kDependencyDown when a tenant's own database can't be reached.
  virtual absl::StatusOr<db::Database*> Of(const Tenant& tenant) = 0;
  // Where tenant_configs and the rows of tenants without a database of their own lie.
  virtual db::Database& Base() = 0;
};

}  // namespace gatehouse::tenancy
