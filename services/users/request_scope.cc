#include "services/users/request_scope.h"

#include <unordered_set>

#include "libs/base/status.h"

namespace gatehouse::users {

absl::StatusOr<std::vector<RequestScope>> ScopesOfApp(const tenancy::TenantDirectory& directory,
                                                      const common::v1::Scope& scope,
                                                      absl::Time deadline) {
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory.FindApp(scope, deadline));
  std::vector<RequestScope> scopes = {{app, deadline}};
  std::unordered_set<std::string_view> seen = {app->storage_id};
  for (const tenancy::TenantPtr& tenant : directory.All()) {
    if (tenant->app_id != app->app_id ||
        tenant->connection_uri_domain != app->connection_uri_domain) {
      continue;
    }
    if (seen.insert(tenant->storage_id).second) scopes.push_back({tenant, deadline});
  }
  return scopes;
}

absl::StatusOr<RequestScope> ScopeOfTenant(const tenancy::TenantDirectory& directory,
                                           const common::v1::Scope& scope, absl::Time deadline) {
  ASSIGN_OR_RETURN(tenancy::TenantPtr tenant, directory.Find(scope, deadline));
  return RequestScope{std::move(tenant), deadline};
}

}  // namespace gatehouse::users
