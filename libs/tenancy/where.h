#pragma once

#include "absl/time/time.h"
#include "libs/tenancy/tenant.h"

namespace gatehouse::tenancy {

// The tenant of a store's call, which also selects the database, and the deadline. Rows of an app
// are found through its public tenant.
struct Where {
  const Tenant& tenant;  // outlives the call
  absl::Time deadline;   // of SteadyNow()
};

}  // namespace gatehouse::tenancy
