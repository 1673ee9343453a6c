#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gatehouse/tenants/v1/tenant.pb.h"
#include "libs/db/database.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::testing {

// Tenants of one test database, as a service sees them: a directory, and the database of each.
class TestTenants final : public tenancy::TenantDatabases {
 public:
  // Starts with the default app's public tenant. All tenants inherit `base_config_json`. The
  // database must outlive this. The limits are those of test mode.
  explicit TestTenants(db::Database& database, std::string_view base_config_json = "{}");

  // Adds the tenant (and with `public` its app) to the directory and to the database's tables.
  tenancy::TenantPtr Add(std::string_view app_id, std::string_view tenant_id,
                         std::string_view core_config_json = "{}");
  // Adds the tenant with its own database for its rows, which must outlive this.
  tenancy::TenantPtr AddWithDatabase(std::string_view app_id, std::string_view tenant_id,
                                     db::Database& own);
  // As Add, but only in the directory.
  tenancy::TenantPtr AddToDirectory(std::string_view app_id, std::string_view tenant_id,
                                    std::string_view core_config_json = "{}");

  tenancy::TenantDirectory& directory() { return directory_; }

  absl::StatusOr<db::Database*> Of(const tenancy::Tenant& tenant) override;
  db::Database& Base() override { return database_; }

 private:
  static void AddRows(db::Database& database, std::string_view app_id, std::string_view tenant_id);

  db::Database& database_;
  std::map<std::string, db::Database*> own_databases_;  // by storage id
  const std::string base_config_json_;
  tenancy::TenantDirectory directory_{/*test_mode=*/true};
};

common::v1::Scope ScopeOf(std::string_view app_id, std::string_view tenant_id = "public");

}  // namespace gatehouse::testing
