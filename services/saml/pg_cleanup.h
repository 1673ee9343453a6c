#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/base/clock.h"

namespace gatehouse::tenancy {
class TenantDatabases;
class TenantDirectory;
}  // namespace gatehouse::tenancy

namespace gatehouse::saml {

// Removes relay states, codes and accepted assertions that have expired, in small batches and on
// one instance at a time. Continues with the other databases when one fails, and returns the first
// error.
absl::Status DeleteExpired(tenancy::TenantDirectory& directory, tenancy::TenantDatabases& databases,
                           const Clock& clock, absl::Time deadline);

}  // namespace gatehouse::saml
