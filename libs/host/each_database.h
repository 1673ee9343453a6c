#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "libs/db/database.h"

namespace gatehouse::tenancy {
class TenantDatabases;
class TenantDirectory;
}  // namespace gatehouse::tenancy

namespace gatehouse::host {

// Calls `body` once for each database that holds tenants' rows, the base one included: for clean-up
// jobs. A database that is down does not keep the others from being visited; the first error is
// returned at the end.
absl::Status InEachDatabase(const tenancy::TenantDirectory& directory,
                            tenancy::TenantDatabases& databases,
                            absl::FunctionRef<absl::Status(db::Database&)> body);

}  // namespace gatehouse::host
