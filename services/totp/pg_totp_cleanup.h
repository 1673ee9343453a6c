#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"

namespace gatehouse::tenancy {
class TenantDatabases;
class TenantDirectory;
}  // namespace gatehouse::tenancy

namespace gatehouse::totp {

// Removes each tenant's codes that expired longer ago than the tenant's cool-down, in small batches
// and on one instance at a time, and forgets the users that have neither devices nor codes left.
// Continues with the others when a tenant fails, and returns the first error.
absl::Status DeleteExpiredCodes(tenancy::TenantDirectory& directory,
                                tenancy::TenantDatabases& databases, const Clock& clock,
                                absl::Time deadline);

}  // namespace gatehouse::totp
