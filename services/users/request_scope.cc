#include "services/users/request_scope.h"

#include <utility>

#include "libs/base/status.h"
#include "libs/tenancy/app_databases.h"

namespace gatehouse::users {

absl::StatusOr<std::vector<Where>> ScopesOfApp(const tenancy::TenantDirectory& directory,
                                               const common::v1::Scope& scope,
                                               absl::Time deadline) {
  ASSIGN_OR_RETURN(std::vector<tenancy::TenantPtr> tenants,
                   tenancy::OneTenantPerDatabase(directory, scope, deadline));
  std::vector<Where> scopes;
  scopes.reserve(tenants.size());
  for (tenancy::TenantPtr& tenant : tenants) scopes.push_back({std::move(tenant), deadline});
  return scopes;
}

absl::StatusOr<std::vector<tenancy::TenantPtr>> AskScopes(
    const std::vector<Where>& scopes, absl::FunctionRef<absl::StatusOr<bool>(const Where&)> body) {
  std::vector<tenancy::TenantPtr> tenants;
  tenants.reserve(scopes.size());
  for (const Where& scope : scopes) tenants.push_back(scope.tenant);
  return tenancy::AskDatabases(tenants, scopes.front().deadline,
                               [&](const tenancy::TenantPtr& tenant, absl::Time deadline) {
                                 return body(Where{tenant, deadline});
                               });
}

absl::StatusOr<Where> ScopeOfTenant(const tenancy::TenantDirectory& directory,
                                    const common::v1::Scope& scope, absl::Time deadline) {
  ASSIGN_OR_RETURN(tenancy::TenantPtr tenant, directory.Find(scope, deadline));
  return Where{std::move(tenant), deadline};
}

}  // namespace gatehouse::users
