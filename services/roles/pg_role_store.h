#pragma once

#include "libs/tenancy/tenant_databases.h"
#include "services/roles/role_store.h"

namespace gatehouse::db {
class Database;
class Params;
class Result;
struct Statement;
}  // namespace gatehouse::db

namespace gatehouse::roles {

// RoleStore in PostgreSQL: tables roles, role_permissions and user_roles. One statement per call,
// except DeleteRole.
class PgRoleStore final : public RoleStore {
 public:
  // `databases` outlives the store.
  explicit PgRoleStore(tenancy::TenantDatabases& databases) : databases_(databases) {}

  absl::StatusOr<bool> UpsertRole(const Where& app, std::string_view role,
                                  const std::vector<std::string>& permissions) override;
  absl::StatusOr<bool> DeleteRole(const Where& app, std::string_view role) override;
  absl::StatusOr<bool> RoleExists(const Where& app, std::string_view role) override;
  absl::StatusOr<std::vector<std::string>> ListRoles(const Where& app) override;
  absl::StatusOr<std::optional<std::vector<std::string>>> ListPermissions(
      const Where& app, std::string_view role) override;
  absl::StatusOr<bool> RemovePermissions(
      const Where& app, std::string_view role,
      const std::optional<std::vector<std::string>>& permissions) override;
  absl::StatusOr<std::vector<std::string>> ListRolesWithPermission(
      const Where& app, std::string_view permission) override;
  absl::StatusOr<Assigned> AssignExistingRole(const Where& tenant, std::string_view user_id,
                                              std::string_view role) override;
  absl::StatusOr<bool> AddUserRole(const Where& tenant, std::string_view user_id,
                                   std::string_view role) override;
  absl::StatusOr<bool> RemoveUserRole(const Where& tenant, std::string_view user_id,
                                      std::string_view role) override;
  absl::StatusOr<std::vector<std::string>> ListUserRoles(const Where& tenant,
                                                         std::string_view user_id) override;
  absl::StatusOr<std::vector<std::string>> ListRoleUsers(const Where& tenant,
                                                         std::string_view role) override;
  absl::StatusOr<bool> RemoveUserRoles(const Where& tenant, std::string_view user_id) override;
  absl::Status RemoveUser(const Where& database, std::string_view user_id) override;
  absl::StatusOr<bool> IsUserIdInUse(const Where& database, std::string_view user_id) override;

 private:
  absl::StatusOr<db::Result> Execute(const Where& where, const db::Statement& statement,
                                     const db::Params& params);

  tenancy::TenantDatabases& databases_;
};

}  // namespace gatehouse::roles
