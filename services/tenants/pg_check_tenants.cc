#include <string>
#include <vector>

#include "libs/base/status.h"
#include "libs/config/process_config.h"
#include "libs/db/database.h"
#include "libs/tenancy/base_config_codec.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/tenants/component.h"

namespace gatehouse::tenants {
namespace {

// Only columns that every core's table has: it may not be up to date yet.
constexpr db::Statement kSettings = {
    "tenants_settings",
    "SELECT connection_uri_domain, app_id, tenant_id, core_config FROM {tenant_configs} "
    "ORDER BY connection_uri_domain, app_id, tenant_id"};

}  // namespace

absl::StatusOr<std::vector<std::string>> CheckTenants(db::Database& base,
                                                      const config::ProcessConfig& config,
                                                      absl::Time deadline) {
  ASSIGN_OR_RETURN(const db::Result rows, base.Execute(deadline, kSettings));
  // The base tenant, which a start creates if it is missing.
  std::vector<v1::Tenant> records(1);
  *records[0].mutable_scope() = tenancy::MakeScope("", "", "");
  for (const db::Row row : rows) {
    v1::Tenant& record = records.emplace_back();
    *record.mutable_scope() = tenancy::MakeScope(row.Text(0), row.Text(1), row.Text(2));
    if (!row.IsNull(3)) record.set_core_config_json(std::string(row.Text(3)));
  }
  tenancy::TenantDirectory directory(config.test_mode);
  return directory.Apply(/*full=*/true, tenancy::EncodeBaseConfig(config.base), records, {});
}

}  // namespace gatehouse::tenants
