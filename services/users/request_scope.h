#pragma once

#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/tenancy/ask_databases.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::users {

// For whom a store works, and until when. A value; the tenant is never null.
struct RequestScope {
  tenancy::TenantPtr tenant;
  absl::Time deadline;

  const std::string& app_id() const { return tenant->app_id; }
  const std::string& tenant_id() const { return tenant->tenant_id; }
  // Whether a core of an older generation may run beside us and needs its own tables written.
  bool writes_legacy_tables() const {
    return tenant->config->migration_mode() == config::MigrationMode::kDualWriteReadNew;
  }
};

// One scope for each database that holds users of the app: nearly always one, the public tenant's,
// which comes first. For operations that name a user and no tenant. kTenantNotFound without the app.
absl::StatusOr<std::vector<RequestScope>> ScopesOfApp(const tenancy::TenantDirectory& directory,
                                                      const common::v1::Scope& scope,
                                                      absl::Time deadline);

// tenancy::AskDatabases over scopes: `body` gets each with its share of the time.
absl::StatusOr<std::vector<tenancy::TenantPtr>> AskScopes(
    const std::vector<RequestScope>& scopes,
    absl::FunctionRef<absl::StatusOr<bool>(const RequestScope&)> body);

// The tenant that the request names, or kTenantNotFound.
absl::StatusOr<RequestScope> ScopeOfTenant(const tenancy::TenantDirectory& directory,
                                           const common::v1::Scope& scope, absl::Time deadline);

}  // namespace gatehouse::users
