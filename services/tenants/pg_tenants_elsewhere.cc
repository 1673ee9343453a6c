#include <map>
#include <string>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "libs/base/status.h"
#include "libs/config/process_config.h"
#include "libs/db/database.h"
#include "libs/tenancy/base_config_codec.h"
#include "services/tenants/component.h"

namespace gatehouse::tenants {
namespace {

constexpr db::Statement kTableExists = {"tenants_elsewhere_exists",
                                        "SELECT to_regclass($1::text) IS NOT NULL"};
// Columns that every core since 6.0 has. Few tenants have long configurations: no order or limit.
constexpr db::Statement kTenants = {
    "tenants_elsewhere",
    "SELECT connection_uri_domain, app_id, tenant_id, COALESCE(core_config, '{}') "
    "FROM {tenant_configs}"};

// All that can be used; CheckTenants names the others.
absl::StatusOr<std::vector<tenancy::TenantPtr>> ReadTenants(db::Database& base,
                                                            const config::ProcessConfig& config,
                                                            absl::Time deadline) {
  ASSIGN_OR_RETURN(
      const db::Result exists,
      base.Execute(deadline, kTableExists, {base.tables().Qualified("tenant_configs")}));
  if (!exists.front().Bool(0)) return std::vector<tenancy::TenantPtr>();
  ASSIGN_OR_RETURN(const db::Result rows, base.Execute(deadline, kTenants));
  // The base tenant, which a start creates if it is missing.
  std::vector<v1::Tenant> records(1);
  *records[0].mutable_scope() = tenancy::MakeScope("", "", "");
  for (const db::Row row : rows) {
    v1::Tenant& record = records.emplace_back();
    *record.mutable_scope() = tenancy::MakeScope(row.Text(0), row.Text(1), row.Text(2));
    record.set_core_config_json(std::string(row.Text(3)));
  }
  tenancy::TenantDirectory directory(config.test_mode);
  directory.Apply(/*full=*/true, tenancy::EncodeBaseConfig(config.base), records, {});
  return directory.All();
}

}  // namespace

absl::StatusOr<std::vector<tenancy::TenantPtr>> TenantsElsewhere(
    db::Database& base, const config::ProcessConfig& config, absl::Time deadline) {
  ASSIGN_OR_RETURN(std::vector<tenancy::TenantPtr> tenants, ReadTenants(base, config, deadline));
  std::vector<tenancy::TenantPtr> found;
  std::unordered_set<std::string> seen = {""};
  for (tenancy::TenantPtr& tenant : tenants) {
    if (seen.insert(tenant->database_id).second) found.push_back(std::move(tenant));
  }
  return found;
}

absl::StatusOr<std::vector<tenancy::TenantPtr>> AppsEverywhere(db::Database& base,
                                                               const config::ProcessConfig& config,
                                                               absl::Time deadline) {
  ASSIGN_OR_RETURN(std::vector<tenancy::TenantPtr> tenants, ReadTenants(base, config, deadline));
  using Key = std::tuple<std::string, std::string, std::string>;
  std::map<Key, tenancy::TenantPtr> found;
  for (tenancy::TenantPtr& tenant : tenants) {
    Key key(tenant->connection_uri_domain, tenant->app_id, tenant->database_id);
    found.try_emplace(std::move(key), std::move(tenant));
  }
  std::vector<tenancy::TenantPtr> apps;
  for (auto& [key, tenant] : found) apps.push_back(std::move(tenant));
  return apps;
}

}  // namespace gatehouse::tenants
