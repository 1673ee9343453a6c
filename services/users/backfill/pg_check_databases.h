#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::users {

// FailedPrecondition, with a text for the operator, when one of the tenants' databases has users
// that the registry lacks: they would not be visible. An unreachable database is logged and
// skipped: it must not keep other tenants from being served.
absl::Status CheckDatabases(const tenancy::TenantDirectory& directory,
                            tenancy::TenantDatabases& databases, absl::Time deadline);

}  // namespace gatehouse::users
