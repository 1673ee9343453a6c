#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/users/registry/pg_user_store.h"
#include "services/users/request_scope.h"

namespace gatehouse::users {

// A user, and the place of its rows.
struct LocatedUser {
  Where scope;
  ResolvedId id;
};

// Finds the user in the app's databases (ScopesOfApp), the public tenant's first; nullopt when
// there is none. One statement in the usual case. `id` is internal or external. DEPENDENCY_DOWN
// when no database that answers has it, and one does not answer.
absl::StatusOr<std::optional<LocatedUser>> LocateUser(PgUserStore& store,
                                                      const std::vector<Where>& scopes,
                                                      std::string_view id);

// The place of rows stored under the id of a user, or of no user: the user's database, or the
// public tenant's. No statement in the usual case of one database.
absl::StatusOr<Where> ScopeOfUserData(PgUserStore& store, const std::vector<Where>& scopes,
                                      std::string_view id);

}  // namespace gatehouse::users
