#pragma once

#include "absl/time/time.h"
#include "libs/tenancy/tenant.h"

namespace gatehouse::tenancy {

// Whose rows a store's call is about, in whose database, and until when. What concerns an app is
// found through its public tenant.
struct Where {
  const Tenant& tenant;  // outlives the call
  absl::Time deadline;   // of SteadyNow()
};

}  // namespace gatehouse::tenancy
