#pragma once

// The rules of roles. A role belongs to an app, and is stored in the database of the app's public
// tenant; its assignments belong to a tenant, and are stored in that tenant's database. The two are
// nearly always one database; if not, steps are ordered so that nobody keeps a deleted role.

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/roles/pg_role_store.h"

namespace gatehouse::roles {

// A tenant, and the place of its app's roles.
struct TenantInApp {
  Where app;
  Where tenant;
};

// True when the role is new. kBadInput when a name is empty or too long.
absl::StatusOr<bool> UpsertRole(PgRoleStore& store, const Where& app, std::string_view role,
                                std::vector<std::string> permissions);

// `databases`: a tenant of each, the app's own first. True when there was such a role.
// kDependencyDown names the tenants whose databases are down; the others are done then, and
// repeating the call does the rest.
absl::StatusOr<bool> DeleteRole(PgRoleStore& store,
                                const std::vector<tenancy::TenantPtr>& databases,
                                absl::Time deadline, std::string_view role);

// True when the user got the role now, false if it had it already; nullopt: no such role.
absl::StatusOr<std::optional<bool>> AssignRole(PgRoleStore& store, const TenantInApp& where,
                                               std::string_view user_id, std::string_view role);

// One of many assignments.
struct Assignment {
  Where tenant;
  std::string user_id, role;
};
// Returns the roles that don't exist: nobody got these.
absl::StatusOr<std::set<std::string>> AssignRoles(PgRoleStore& store, const Where& app,
                                                  const std::vector<Assignment>& assignments);

// True when the user had the role; nullopt: no such role.
absl::StatusOr<std::optional<bool>> UnassignRole(PgRoleStore& store, const TenantInApp& where,
                                                 std::string_view user_id, std::string_view role);

// nullopt: no such role.
absl::StatusOr<std::optional<std::vector<std::string>>> ListRoleUsers(PgRoleStore& store,
                                                                      const TenantInApp& where,
                                                                      std::string_view role);

}  // namespace gatehouse::roles
