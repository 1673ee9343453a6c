#pragma once

#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/host/component.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::db {
class Database;
}

namespace gatehouse::tenants {

// The tenants service, wired. Creates the base tenant's rows and reads all tenants: the base
// database must answer and have its tables.
absl::StatusOr<std::unique_ptr<host::Component>> MakeTenantsComponent(host::Environment& env);

// For process::Program: texts about tenants of the base database that would be left out.
absl::StatusOr<std::vector<std::string>> CheckTenants(db::Database& base,
                                                      const config::ProcessConfig& config,
                                                      absl::Time deadline);

// For process::Program: one tenant for each database, besides the base one, that tenants' settings
// lead to. `base` has its tables.
absl::StatusOr<std::vector<tenancy::TenantPtr>> TenantsElsewhere(
    db::Database& base, const config::ProcessConfig& config, absl::Time deadline);

// For process::Program: one tenant for each app, of every connection URI domain, and each database,
// the base one included, in which tenants of the app keep their rows. By domain, then by app.
absl::StatusOr<std::vector<tenancy::TenantPtr>> AppsEverywhere(db::Database& base,
                                                               const config::ProcessConfig& config,
                                                               absl::Time deadline);

}  // namespace gatehouse::tenants
