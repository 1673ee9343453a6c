#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/tenant_directory.h"
#include "libs/tenancy/where.h"

namespace gatehouse::db {
class Database;
class Params;
class Result;
struct Statement;
}  // namespace gatehouse::db

namespace gatehouse::roles {

using tenancy::Where;

// Roles, their permissions, and their users: tables roles, role_permissions and user_roles. Each
// call works in one database and is one statement, except DeleteRole. Thread-safe. Besides the
// stated errors, a call fails as described in libs/db/errors.h: kBadInput when a text is longer
// than its column. Lists are sorted by code point.
class PgRoleStore {
 public:
  // `databases` outlives the store.
  explicit PgRoleStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  struct Assigned {
    bool role_found;
    bool added;  // false: the user had the role
  };

  // Of an app.
  // True when the role is new. kTenantNotFound when the app has just been removed.
  absl::StatusOr<bool> UpsertRole(const Where& app, std::string_view role,
                                  const std::vector<std::string>& permissions);
  // Deletes the role, its permissions and its assignments, so that nobody is left with a deleted
  // role. True if any of them existed.
  absl::StatusOr<bool> DeleteRole(const Where& app, std::string_view role);
  absl::StatusOr<bool> RoleExists(const Where& app, std::string_view role);
  absl::StatusOr<std::vector<std::string>> ListRoles(const Where& app);
  // nullopt: no such role.
  absl::StatusOr<std::optional<std::vector<std::string>>> ListPermissions(const Where& app,
                                                                          std::string_view role);
  // Removes all permissions when `permissions` is nullopt. False: no such role.
  absl::StatusOr<bool> RemovePermissions(
      const Where& app, std::string_view role,
      const std::optional<std::vector<std::string>>& permissions);
  absl::StatusOr<std::vector<std::string>> ListRolesWithPermission(const Where& app,
                                                                   std::string_view permission);

  // Of a tenant.
  // For a tenant in its app's database: adds the row if the role exists.
  absl::StatusOr<Assigned> AssignExistingRole(const Where& tenant, std::string_view user_id,
                                              std::string_view role);
  // The same for many users in tenants of the app's database. Returns the roles that exist.
  struct Assignments {
    std::vector<std::string> tenant_ids, user_ids, roles;  // of one length
  };
  absl::StatusOr<std::vector<std::string>> AssignExistingRoles(const Where& app,
                                                               const Assignments& assignments);
  // Adds the row, whether or not the role exists. False: it existed.
  absl::StatusOr<bool> AddUserRole(const Where& tenant, std::string_view user_id,
                                   std::string_view role);
  // False: there was no such row.
  absl::StatusOr<bool> RemoveUserRole(const Where& tenant, std::string_view user_id,
                                      std::string_view role);
  absl::StatusOr<std::vector<std::string>> ListUserRoles(const Where& tenant,
                                                         std::string_view user_id);
  // False: there was none.
  absl::StatusOr<bool> RemoveUserRoles(const Where& tenant, std::string_view user_id);
  absl::StatusOr<std::vector<std::string>> ListRoleUsers(const Where& tenant,
                                                         std::string_view role);

  // For all tenants of an app whose rows are in this tenant's database.
  absl::Status RemoveUser(const Where& database, std::string_view user_id);
  absl::StatusOr<bool> IsUserIdInUse(const Where& database, std::string_view user_id);

 private:
  absl::StatusOr<db::Result> Execute(const Where& where, const db::Statement& statement,
                                     const db::Params& params);

  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::roles
