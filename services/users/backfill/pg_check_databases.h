#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::users {

// FailedPrecondition, in words for the operator, when one of the databases that tenants' rows lie
// in has users that the registry lacks: nobody could see them. A database that can't be asked is
// logged and passed over: it must not keep the tenants of others from being served.
absl::Status CheckDatabases(const tenancy::TenantDirectory& directory,
                            tenancy::TenantDatabases& databases, absl::Time deadline);

}  // namespace gatehouse::users
