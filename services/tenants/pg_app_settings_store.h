#pragma once

#include "libs/tenancy/tenant_databases.h"
#include "services/tenants/app_settings_store.h"

namespace gatehouse::tenants {

// AppSettingsStore over each app's own database. `databases` outlives it.
class PgAppSettingsStore final : public AppSettingsStore {
 public:
  explicit PgAppSettingsStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  absl::StatusOr<std::string> GetOrCreate(absl::Time deadline, const tenancy::Tenant& app,
                                          const std::string& name, const std::string& proposed,
                                          int64_t now_ms) override;
  absl::StatusOr<std::optional<Setting>> Get(absl::Time deadline, const tenancy::Tenant& app,
                                             const std::string& name) override;
  absl::Status Set(absl::Time deadline, const tenancy::Tenant& app, const std::string& name,
                   const std::string& value, int64_t now_ms) override;
  absl::StatusOr<bool> Delete(absl::Time deadline, const tenancy::Tenant& app,
                              const std::string& name,
                              const std::optional<std::string>& expected) override;

 private:
  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::tenants
