#include "services/users/request_scope.h"

#include <utility>

#include "libs/base/status.h"
#include "libs/tenancy/app_databases.h"

namespace gatehouse::users {

absl::StatusOr<std::vector<RequestScope>> ScopesOfApp(const tenancy::TenantDirectory& directory,
                                                      const common::v1::Scope& scope,
                                                      absl::Time deadline) {
  ASSIGN_OR_RETURN(std::vector<tenancy::TenantPtr> tenants,
                   tenancy::OneTenantPerDatabase(directory, scope, deadline));
  std::vector<RequestScope> scopes;
  scopes.reserve(tenants.size());
  for (tenancy::TenantPtr& tenant : tenants) scopes.push_back({std::move(tenant), deadline});
  return scopes;
}

absl::StatusOr<std::vector<tenancy::TenantPtr>> AskScopes(
    const std::vector<RequestScope>& scopes,
    absl::FunctionRef<absl::StatusOr<bool>(const RequestScope&)> body) {
  std::vector<tenancy::TenantPtr> tenants;
  tenants.reserve(scopes.size());
  for (const RequestScope& scope : scopes) tenants.push_back(scope.tenant);
  return tenancy::AskDatabases(tenants, scopes.front().deadline,
                               [&](const tenancy::TenantPtr& tenant, absl::Time deadline) {
                                 return body(RequestScope{tenant, deadline});
                               });
}

absl::StatusOr<RequestScope> ScopeOfTenant(const tenancy::TenantDirectory& directory,
                                           const common::v1::Scope& scope, absl::Time deadline) {
  ASSIGN_OR_RETURN(tenancy::TenantPtr tenant, directory.Find(scope, deadline));
  return RequestScope{std::move(tenant), deadline};
}

}  // namespace gatehouse::users
