#pragma once

// The rules of roles. A role belongs to an app, and lies in the database of the app's public
// tenant; who has it belongs to a tenant, and lies in that tenant's database. The two are nearly
// always one database; where they are not, steps are ordered so that nobody keeps a role that has
// been deleted.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "services/roles/role_store.h"

namespace gatehouse::roles {

// A tenant, and where its app's roles are.
struct TenantInApp {
  Where app;
  Where tenant;
};

// True when the role is new. kBadInput when a name is empty or too long.
absl::StatusOr<bool> UpsertRole(RoleStore& store, const Where& app, std::string_view role,
                                std::vector<std::string> permissions);

// `databases`: a tenant of each, the app's own first. True when there was such a role.
// kDependencyDown names the tenants whose databases are away; what answers is done then, and the
// same call does the rest.
absl::StatusOr<bool> DeleteRole(RoleStore& store, const std::vector<tenancy::TenantPtr>& databases,
                                absl::Time deadline, std::string_view role);

// True when the user has got the role now, false when it had it; nullopt: no such role.
absl::StatusOr<std::optional<bool>> AssignRole(RoleStore& store, const TenantInApp& where,
                                               std::string_view user_id, std::string_view role);

// True when the user had the role; nullopt: no such role.
absl::StatusOr<std::optional<bool>> UnassignRole(RoleStore& store, const TenantInApp& where,
                                                 std::string_view user_id, std::string_view role);

// nullopt: no such role.
absl::StatusOr<std::optional<std::vector<std::string>>> ListRoleUsers(RoleStore& store,
                                                                      const TenantInApp& where,
                                                                      std::string_view role);

}  // namespace gatehouse::roles
