#include "services/users/registry/user_scope.h"

#include <string>

#include "libs/base/status.h"

namespace gatehouse::users {

absl::StatusOr<std::optional<LocatedUser>> LocateUser(UserStore& store,
                                                      const std::vector<RequestScope>& scopes,
                                                      std::string_view id) {
  for (const RequestScope& scope : scopes) {
    ASSIGN_OR_RETURN(std::vector<ResolvedId> resolved,
                     store.Resolve(scope, {std::string(id)}, /*include_linked=*/false));
    if (resolved.front().found) return LocatedUser{scope, std::move(resolved.front())};
  }
  return std::nullopt;
}

absl::StatusOr<RequestScope> ScopeOfUserData(UserStore& store,
                                             const std::vector<RequestScope>& scopes,
                                             std::string_view id) {
  if (scopes.size() == 1) return scopes.front();
  ASSIGN_OR_RETURN(std::optional<LocatedUser> user, LocateUser(store, scopes, id));
  return user.has_value() ? user->scope : scopes.front();
}

}  // namespace gatehouse::users
