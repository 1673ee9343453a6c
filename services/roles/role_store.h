#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/tenancy/tenant_directory.h"
#include "libs/tenancy/where.h"

namespace gatehouse::roles {

using tenancy::Where;

// Roles, their permissions, and their users; each call works in one database. Thread-safe. Besides
// the stated errors, a call fails as described in libs/db/errors.h: kBadInput when a text is longer
// than its column. Lists are sorted by code point.
class RoleStore {
 public:
  struct Assigned {
    bool role_found;
    bool added;  // false: the user had the role
  };

  virtual ~RoleStore() = default;

  // Of an app.
  // True when the role is new. kTenantNotFound when the app has just been removed.
  virtual absl::StatusOr<bool> UpsertRole(const Where& app, std::string_view role,
                                          const std::vector<std::string>& permissions) = 0;
  // Deletes the role, its permissions and its assignments, so that nobody is left with a deleted
  // role. True if any of them existed.
  virtual absl::StatusOr<bool> DeleteRole(const Where& app, std::string_view role) = 0;
  virtual absl::StatusOr<bool> RoleExists(const Where& app, std::string_view role) = 0;
  virtual absl::StatusOr<std::vector<std::string>> ListRoles(const Where& app) = 0;
  // nullopt: no such role.
  virtual absl::StatusOr<std::optional<std::vector<std::string>>> ListPermissions(
      const Where& app, std::string_view role) = 0;
  // Removes all permissions when `permissions` is nullopt. False: no such role.
  virtual absl::StatusOr<bool> RemovePermissions(
      const Where& app, std::string_view role,
      const std::optional<std::vector<std::string>>& permissions) = 0;
  virtual absl::StatusOr<std::vector<std::string>> ListRolesWithPermission(
      const Where& app, std::string_view permission) = 0;

  // Of a tenant.
  // For a tenant in its app's database: adds the row if the role exists.
  virtual absl::StatusOr<Assigned> AssignExistingRole(const Where& tenant, std::string_view user_id,
                                                      std::string_view role) = 0;
  // Adds the row, whether or not the role exists. False: it existed.
  virtual absl::StatusOr<bool> AddUserRole(const Where& tenant, std::string_view user_id,
                                           std::string_view role) = 0;
  // False: there was no such row.
  virtual absl::StatusOr<bool> RemoveUserRole(const Where& tenant, std::string_view user_id,
                                              std::string_view role) = 0;
  virtual absl::StatusOr<std::vector<std::string>> ListUserRoles(const Where& tenant,
                                                                 std::string_view user_id) = 0;
  // False: there was none.
  virtual absl::StatusOr<bool> RemoveUserRoles(const Where& tenant, std::string_view user_id) = 0;
  virtual absl::StatusOr<std::vector<std::string>> ListRoleUsers(const Where& tenant,
                                                                 std::string_view role) = 0;

  // For all tenants of an app whose rows are in this tenant's database.
  virtual absl::Status RemoveUser(const Where& database, std::string_view user_id) = 0;
  virtual absl::StatusOr<bool> IsUserIdInUse(const Where& database, std::string_view user_id) = 0;
};

}  // namespace gatehouse::roles
