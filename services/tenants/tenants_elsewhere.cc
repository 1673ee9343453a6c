#include <string>
#include <unordered_set>

#include "libs/base/status.h"
#include "libs/config/process_config.h"
#include "libs/tenancy/base_config_codec.h"
#include "services/tenants/component.h"
#include "services/tenants/pg_tenant_store.h"

namespace gatehouse::tenants {

absl::StatusOr<std::vector<tenancy::TenantPtr>> TenantsElsewhere(
    db::Database& base, const config::ProcessConfig& config, absl::Time deadline) {
  PgTenantStore store(base);
  ASSIGN_OR_RETURN(std::vector<v1::TenantWithProviders> stored, store.List(deadline, {}));
  std::vector<v1::Tenant> records;
  for (v1::TenantWithProviders& tenant : stored) {
    records.push_back(std::move(*tenant.mutable_tenant()));
  }
  tenancy::TenantDirectory directory(config.test_mode);
  // CheckTenants names those that are left out.
  directory.Apply(/*full=*/true, tenancy::EncodeBaseConfig(config.base), records, {});
  std::vector<tenancy::TenantPtr> found;
  std::unordered_set<std::string> seen = {""};
  for (tenancy::TenantPtr& tenant : directory.All()) {
    if (seen.insert(tenant->database_id).second) found.push_back(std::move(tenant));
  }
  return found;
}

}  // namespace gatehouse::tenants
