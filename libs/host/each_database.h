#pragma once

#include <string>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/db/database.h"
#include "libs/tenancy/tenant.h"

namespace gatehouse::tenancy {
class TenantDatabases;
class TenantDirectory;
}  // namespace gatehouse::tenancy

// For jobs. A database that is down does not keep the others from being visited; the first error is
// returned at the end.
namespace gatehouse::host {

// Calls `body` once for each database that holds tenants' rows, the base one included. `first` is
// one of its tenants: settings of a connection URI domain are those of its database.
absl::Status InEachDatabase(
    const tenancy::TenantDirectory& directory, tenancy::TenantDatabases& databases,
    absl::FunctionRef<absl::Status(db::Database&, const tenancy::Tenant& first)> body);

// RunExclusively (job_scheduler.h) in each database: one instance at a time, in batches that lock
// few rows, while `batch` returns true.
absl::Status CleanUpDatabases(const tenancy::TenantDirectory& directory,
                              tenancy::TenantDatabases& databases, const std::string& name,
                              absl::Time deadline,
                              absl::FunctionRef<absl::StatusOr<bool>(db::Transaction&)> batch);

// The same for each tenant, where settings of the tenant decide what goes, or indexes begin with
// it.
absl::Status CleanUpTenants(
    const tenancy::TenantDirectory& directory, tenancy::TenantDatabases& databases,
    const std::string& name, absl::Time deadline,
    absl::FunctionRef<absl::StatusOr<bool>(db::Transaction&, const tenancy::Tenant&)> batch);

}  // namespace gatehouse::host
