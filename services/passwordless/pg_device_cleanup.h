#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"

namespace gatehouse::tenancy {
class TenantDatabases;
class TenantDirectory;
}  // namespace gatehouse::tenancy

namespace gatehouse::passwordless {

// Removes each tenant's devices all of whose codes are expired, in small batches and on one
// instance at a time. An expired code of a device with a valid one stays, so that a user who types
// it learns that it is expired. Continues with the others when a tenant fails, and returns the
// first error.
absl::Status DeleteExpiredDevices(tenancy::TenantDirectory& directory,
                                  tenancy::TenantDatabases& databases, const Clock& clock,
                                  absl::Time deadline);

}  // namespace gatehouse::passwordless
