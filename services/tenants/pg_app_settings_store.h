#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::tenants {

// Rows of key_value in an app's database. `app` is the app's public tenant; kTenantNotFound when it
// has been removed meanwhile. `databases` outlives the store. Thread-safe.
class PgAppSettingsStore {
 public:
  explicit PgAppSettingsStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  struct Setting {
    std::string value;
    int64_t created_at_ms;
  };

  // The stored value; stores `proposed` if there is none. One of several callers wins, and all get
  // the winner's value.
  absl::StatusOr<std::string> GetOrCreate(absl::Time deadline, const tenancy::Tenant& app,
                                          const std::string& name, const std::string& proposed,
                                          int64_t now_ms);
  absl::StatusOr<std::optional<Setting>> Get(absl::Time deadline, const tenancy::Tenant& app,
                                             const std::string& name);
  // Writes only when the value differs.
  absl::Status Set(absl::Time deadline, const tenancy::Tenant& app, const std::string& name,
                   const std::string& value, int64_t now_ms);
  // Whether there was one, with `expected` as its value if that is given.
  absl::StatusOr<bool> Delete(absl::Time deadline, const tenancy::Tenant& app,
                              const std::string& name, const std::optional<std::string>& expected);

 private:
  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::tenants
