#include "services/roles/roles.h"

#include <algorithm>

#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/tenancy/ask_databases.h"

namespace gatehouse::roles {

absl::StatusOr<bool> UpsertRole(PgRoleStore& store, const Where& app, std::string_view role,
                                std::vector<std::string> permissions) {
  if (role.empty()) {
    return BadInput(Problem::kEmpty, "role must not be empty", {{"field", "role"}});
  }
  // Always in the same order, so that two requests that add the same permissions don't deadlock.
  std::sort(permissions.begin(), permissions.end());
  permissions.erase(std::unique(permissions.begin(), permissions.end()), permissions.end());
  if (!permissions.empty() && permissions.front().empty()) {
    return BadInput(Problem::kEmpty, "permissions must not contain an empty string",
                    {{"field", "permissions"}});
  }
  return store.UpsertRole(app, role, permissions);
}

absl::StatusOr<bool> DeleteRole(PgRoleStore& store,
                                const std::vector<tenancy::TenantPtr>& databases,
                                absl::Time deadline, std::string_view role) {
  bool existed = false;
  bool role_is_gone = false;
  ASSIGN_OR_RETURN(
      const std::vector<tenancy::TenantPtr> missing,
      tenancy::AskDatabases(
          databases, deadline,
          [&](const tenancy::TenantPtr& database, absl::Time until) -> absl::StatusOr<bool> {
            // The role itself is deleted first, so that nobody gets it in a database that is done.
            if (database != databases.front() && !role_is_gone) return true;
            ASSIGN_OR_RETURN(const bool deleted, store.DeleteRole({database, until}, role));
            existed = existed || deleted;
            role_is_gone = true;
            return false;
          }));
  if (!role_is_gone) return tenancy::NeedsAll({databases.front()});
  RETURN_IF_ERROR(tenancy::NeedsAll(missing));
  return existed;
}

absl::StatusOr<std::optional<bool>> AssignRole(PgRoleStore& store, const TenantInApp& where,
                                               std::string_view user_id, std::string_view role) {
  if (where.tenant.tenant->database_id == where.app.tenant->database_id) {
    ASSIGN_OR_RETURN(const PgRoleStore::Assigned assigned,
                     store.AssignExistingRole(where.tenant, user_id, role));
    if (!assigned.role_found) return std::nullopt;
    return assigned.added;
  }
  ASSIGN_OR_RETURN(const bool known, store.RoleExists(where.app, role));
  if (!known) return std::nullopt;
  ASSIGN_OR_RETURN(const bool added, store.AddUserRole(where.tenant, user_id, role));
  // No lock spans two databases: a role that was deleted meanwhile may have missed this row.
  ASSIGN_OR_RETURN(const bool still_known, store.RoleExists(where.app, role));
  if (still_known) return added;
  RETURN_IF_ERROR(store.RemoveUserRole(where.tenant, user_id, role).status());
  return std::nullopt;
}

absl::StatusOr<std::set<std::string>> AssignRoles(PgRoleStore& store, const Where& app,
                                                  const std::vector<Assignment>& assignments) {
  std::set<std::string> unknown;
  PgRoleStore::Assignments here;
  for (const Assignment& one : assignments) {
    if (one.tenant.tenant->database_id == app.tenant->database_id) {
      here.tenant_ids.push_back(one.tenant.tenant_id());
      here.user_ids.push_back(one.user_id);
      here.roles.push_back(one.role);
      continue;
    }
    ASSIGN_OR_RETURN(const std::optional<bool> added,
                     AssignRole(store, {app, one.tenant}, one.user_id, one.role));
    if (!added.has_value()) unknown.insert(one.role);
  }
  if (here.roles.empty()) return unknown;
  ASSIGN_OR_RETURN(const std::vector<std::string> known, store.AssignExistingRoles(app, here));
  unknown.insert(here.roles.begin(), here.roles.end());
  for (const std::string& role : known) unknown.erase(role);
  return unknown;
}

absl::StatusOr<std::optional<bool>> UnassignRole(PgRoleStore& store, const TenantInApp& where,
                                                 std::string_view user_id, std::string_view role) {
  ASSIGN_OR_RETURN(const bool removed, store.RemoveUserRole(where.tenant, user_id, role));
  if (removed) return true;
  ASSIGN_OR_RETURN(const bool known, store.RoleExists(where.app, role));
  if (!known) return std::nullopt;
  return false;
}

absl::StatusOr<std::optional<std::vector<std::string>>> ListRoleUsers(PgRoleStore& store,
                                                                      const TenantInApp& where,
                                                                      std::string_view role) {
  ASSIGN_OR_RETURN(std::vector<std::string> users, store.ListRoleUsers(where.tenant, role));
  if (!users.empty()) return users;
  ASSIGN_OR_RETURN(const bool known, store.RoleExists(where.app, role));
  if (!known) return std::nullopt;
  return users;
}

}  // namespace gatehouse::roles
