#pragma once

#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::tenancy {

// The app's public tenant, then one tenant for each further database with rows of the app: nearly
// always only the public tenant. For operations on all tenants of an app. kTenantNotFound without
// the app.
absl::StatusOr<std::vector<TenantPtr>> OneTenantPerDatabase(const TenantDirectory& directory,
                                                            const common::v1::Scope& scope,
                                                            absl::Time deadline);

}  // namespace gatehouse::tenancy
