#pragma once

#include <string>

#include "absl/time/time.h"
#include "libs/tenancy/tenant.h"

namespace gatehouse::tenancy {

// The tenant of a store's call, which also selects the database, and the deadline. Rows of an app
// are found through its public tenant. A value; the tenant is never null.
struct Where {
  TenantPtr tenant;
  absl::Time deadline;  // of SteadyNow()

  const std::string& app_id() const { return tenant->app_id; }
  const std::string& tenant_id() const { return tenant->tenant_id; }
};

}  // namespace gatehouse::tenancy
