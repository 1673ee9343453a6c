#include "services/users/registry/user_scope.h"

#include <string>

#include "libs/base/status.h"

namespace gatehouse::users {

absl::StatusOr<std::optional<LocatedUser>> LocateUser(PgUserStore& store,
                                                      const std::vector<Where>& scopes,
                                                      std::string_view id) {
  std::optional<LocatedUser> user;
  ASSIGN_OR_RETURN(const auto missing,
                   AskScopes(scopes, [&](const Where& scope) -> absl::StatusOr<bool> {
                     ASSIGN_OR_RETURN(std::vector<ResolvedId> resolved,
                                      store.Resolve(scope, {std::string(id)}, false));
                     if (!resolved.front().found) return false;
                     // Found in time; later steps have all the time of the request.
                     user = LocatedUser{{scope.tenant, scopes.front().deadline},
                                        std::move(resolved.front())};
                     return true;
                   }));
  RETURN_IF_ERROR(tenancy::NeedsAll(missing));
  return user;
}

absl::StatusOr<Where> ScopeOfUserData(PgUserStore& store, const std::vector<Where>& scopes,
                                      std::string_view id) {
  if (scopes.size() == 1) return scopes.front();
  ASSIGN_OR_RETURN(std::optional<LocatedUser> user, LocateUser(store, scopes, id));
  return user.has_value() ? user->scope : scopes.front();
}

}  // namespace gatehouse::users
