#include "libs/process/check_users.h"

#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/host/login_faults.h"
#include "libs/tenancy/pg_tenant_databases.h"

namespace gatehouse::process {
namespace {

constexpr absl::Duration kTenantsTimeout = absl::Minutes(1);
// Checking a million users takes a minute or so.
constexpr absl::Duration kRowsTimeout = absl::Hours(24);

// How many faults were found.
absl::StatusOr<int64_t> CheckOne(db::Database& database, bool mend) {
  int64_t faults = 0;
  RETURN_IF_ERROR(host::CheckLogins(
      database, SteadyNow() + kRowsTimeout, mend, [&](const host::LoginFault& fault) {
        ++faults;
        std::cout << "app " << fault.app_id << ", user " << fault.user_id << " (" << fault.recipe_id
                  << "): " << fault.fault << std::endl;
      }));
  return faults;
}

absl::StatusOr<int64_t> CheckElsewhere(const config::ProcessConfig& config,
                                       const db::DatabaseOptions& base,
                                       const tenancy::Tenant& tenant, bool mend) {
  ASSIGN_OR_RETURN(db::DatabaseOptions options,
                   tenancy::OverlayDatabaseOptions(base, config.core->db(), tenant.config->db()));
  options.pool_size = 1;
  ASSIGN_OR_RETURN(auto database, db::Database::Create(std::move(options)));
  return CheckOne(*database, mend);
}

}  // namespace

absl::StatusOr<int> RunCheckUsers(const Program& program, const config::ProcessConfig& config,
                                  db::Database& base, const db::DatabaseOptions& options,
                                  bool mend) {
  ASSIGN_OR_RETURN(int64_t faults, CheckOne(base, mend));
  std::vector<tenancy::TenantPtr> elsewhere;
  if (program.tenants_elsewhere) {
    ASSIGN_OR_RETURN(elsewhere,
                     program.tenants_elsewhere(base, config, SteadyNow() + kTenantsTimeout));
  }
  bool left_out = false;
  for (const tenancy::TenantPtr& tenant : elsewhere) {
    std::cout << "the database of tenant " << tenant->name() << std::endl;
    const absl::StatusOr<int64_t> found = CheckElsewhere(config, options, *tenant, mend);
    if (found.ok()) {
      faults += *found;
      continue;
    }
    left_out = true;
    std::cerr << program.name << ": the database of tenant " << tenant->name()
              << " was left out: " << found.status().message() << std::endl;
  }
  std::cout << faults << (faults == 1 ? " login method was" : " login methods were")
            << (mend ? " mended." : " at fault.") << std::endl;
  if (left_out) return 1;
  return faults > 0 && !mend ? kExitFaults : 0;
}

}  // namespace gatehouse::process
