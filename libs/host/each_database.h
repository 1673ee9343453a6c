#pragma once

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "libs/db/database.h"

namespace gatehouse::tenancy {
class TenantDatabases;
class TenantDirectory;
}  // namespace gatehouse::tenancy

namespace gatehouse::host {

// Calls `body` once for each database that tenants' rows lie in, the base one among them: for jobs
// that clean up. A database that is away keeps nobody from the others; the first error is returned
// at the end.
absl::Status InEachDatabase(const tenancy::TenantDirectory& directory,
                            tenancy::TenantDatabases& databases,
                            absl::FunctionRef<absl::Status(db::Database&)> body);

}  // namespace gatehouse::host
