#include "services/roles/pg_role_store.h"

#include "libs/base/status.h"
#include "libs/db/database.h"

namespace gatehouse::roles {
namespace {

using db::Statement;

// A role that is deleted while permissions are added to it costs one round. More than a few in a
// row are no coincidence.
constexpr int kMaxUpsertRounds = 5;

// ON CONFLICT relies on roles_pkey and role_permissions_pkey. A concurrent DeleteRole can make the
// foreign key of role_permissions fail.
constexpr Statement kUpsertRole = {"roles_upsert",
                                   "WITH created AS ("
                                   "  INSERT INTO {roles} (app_id, role) VALUES ($1, $2)"
                                   "  ON CONFLICT DO NOTHING RETURNING role"
                                   "), granted AS ("
                                   "  INSERT INTO {role_permissions} (app_id, role, permission)"
                                   "  SELECT $1, $2, unnest($3::varchar[])"
                                   "  ON CONFLICT DO NOTHING"
                                   ") SELECT EXISTS (SELECT role FROM created)"};

// By roles_pkey; the foreign key deletes the permissions too.
constexpr Statement kDeleteRole = {"roles_delete",
                                   "DELETE FROM {roles} WHERE app_id = $1 AND role = $2"};

// By user_roles_app_id_role_index.
constexpr Statement kDeleteUserRolesOfRole = {
    "roles_delete_users", "DELETE FROM {user_roles} WHERE app_id = $1 AND role = $2"};

// By roles_pkey.
constexpr Statement kRoleExists = {"roles_exists",
                                   "SELECT role FROM {roles} WHERE app_id = $1 AND role = $2"};

// By roles_pkey.
constexpr Statement kListRoles = {
    "roles_list", "SELECT role FROM {roles} WHERE app_id = $1 ORDER BY role COLLATE \"C\""};

// By roles_pkey and role_permissions_pkey. No row: no such role; a NULL: it has no permissions.
constexpr Statement kListPermissions = {
    "roles_list_permissions",
    "SELECT p.permission FROM {roles} r"
    " LEFT JOIN {role_permissions} p ON p.app_id = r.app_id AND p.role = r.role"
    " WHERE r.app_id = $1 AND r.role = $2"
    " ORDER BY p.permission COLLATE \"C\""};

// By roles_pkey and role_permissions_pkey. $3 is NULL: all of them.
constexpr Statement kRemovePermissions = {
    "roles_remove_permissions",
    "WITH removed AS ("
    "  DELETE FROM {role_permissions}"
    "  WHERE app_id = $1 AND role = $2 AND (permission = " GATEHOUSE_ANY("$3", "varchar") " OR $3 IS NULL)"
    ") SELECT role FROM {roles} WHERE app_id = $1 AND role = $2"};

// By role_permissions_permission_index.
constexpr Statement kListRolesWithPermission = {
    "roles_list_with_permission",
    "SELECT role FROM {role_permissions} WHERE app_id = $1 AND permission = $2"
    " ORDER BY role COLLATE \"C\""};

// By roles_pkey and user_roles_pkey. The lock makes a concurrent DeleteRole wait, and this
// statement wait for one that came first, so that no user keeps a deleted role. The sub-select
// keeps the user id's length from being checked if there is no role to assign.
constexpr Statement kAssignExistingRole = {
    "roles_assign",
    "WITH known AS ("
    "  SELECT role FROM {roles} WHERE app_id = $1 AND role = $4 FOR KEY SHARE"
    "), added AS ("
    "  INSERT INTO {user_roles} (app_id, tenant_id, user_id, role)"
    "  SELECT $1, $2, (SELECT $3::varchar), role FROM known"
    "  ON CONFLICT DO NOTHING RETURNING role"
    ") SELECT EXISTS (SELECT role FROM known), EXISTS (SELECT role FROM added)"};

// The same for many: $2 tenants, $3 users, $4 roles. Rows are locked in the order of names.
constexpr Statement kAssignExistingRoles = {
    "roles_assign_many",
    "WITH known AS MATERIALIZED ("
    "  SELECT role FROM {roles} WHERE app_id = $1::varchar AND role = " GATEHOUSE_ANY("$4", "varchar")
    "  ORDER BY role FOR KEY SHARE"
    "), added AS ("
    "  INSERT INTO {user_roles} (app_id, tenant_id, user_id, role)"
    "  SELECT $1::varchar, a.tenant, a.id, k.role"
    "  FROM unnest($2::varchar[], $3::varchar[], $4::varchar[]) AS a(tenant, id, role)"
    "  JOIN known k ON k.role = a.role ORDER BY a.tenant, a.id, k.role"
    "  ON CONFLICT DO NOTHING"
    ") SELECT role FROM known"};

// ON CONFLICT relies on user_roles_pkey.
constexpr Statement kAddUserRole = {
    "roles_add_user",
    "INSERT INTO {user_roles} (app_id, tenant_id, user_id, role) VALUES ($1, $2, $3, $4)"
    " ON CONFLICT DO NOTHING"};

// By user_roles_pkey.
constexpr Statement kRemoveUserRole = {
    "roles_remove_user_role",
    "DELETE FROM {user_roles}"
    " WHERE app_id = $1 AND tenant_id = $2 AND user_id = $3 AND role = $4"};

// By user_roles_pkey.
constexpr Statement kRemoveUserRoles = {
    "roles_remove_user_roles",
    "DELETE FROM {user_roles} WHERE app_id = $1 AND tenant_id = $2 AND user_id = $3"};

// By user_roles_pkey.
constexpr Statement kListUserRoles = {
    "roles_list_of_user",
    "SELECT role FROM {user_roles} WHERE app_id = $1 AND tenant_id = $2 AND user_id = $3"
    " ORDER BY role COLLATE \"C\""};

// By user_roles_role_index.
constexpr Statement kListRoleUsers = {
    "roles_list_users",
    "SELECT user_id FROM {user_roles} WHERE app_id = $1 AND tenant_id = $2 AND role = $3"
    " ORDER BY user_id COLLATE \"C\""};

// By user_roles_app_id_user_id_index.
constexpr Statement kRemoveUser = {"roles_remove_user",
                                   "DELETE FROM {user_roles} WHERE app_id = $1 AND user_id = $2"};

// By user_roles_app_id_user_id_index.
constexpr Statement kIsUserIdInUse = {
    "roles_user_in_use",
    "SELECT EXISTS (SELECT role FROM {user_roles} WHERE app_id = $1 AND user_id = $2)"};

std::vector<std::string> FirstColumn(const db::Result& result) {
  std::vector<std::string> texts;
  texts.reserve(result.rows());
  for (const db::Row row : result) texts.emplace_back(row.Text(0));
  return texts;
}

}  // namespace

absl::StatusOr<db::Result> PgRoleStore::Execute(const Where& where, const Statement& statement,
                                                const db::Params& params) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*where.tenant));
  absl::StatusOr<db::Result> result = database->Execute(where.deadline, statement, params);
  if (db::ViolatesConstraint(result.status(), "roles_app_id_fkey") ||
      db::ViolatesConstraint(result.status(), "user_roles_tenant_id_fkey")) {
    return tenancy::TenantNotFound(where.tenant->scope());
  }
  return result;
}

absl::StatusOr<bool> PgRoleStore::UpsertRole(const Where& app, std::string_view role,
                                             const std::vector<std::string>& permissions) {
  const db::Params params(app.app_id(), role, db::TextArray{permissions});
  for (int round = 0; round < kMaxUpsertRounds; ++round) {
    absl::StatusOr<db::Result> result = Execute(app, kUpsertRole, params);
    if (result.ok()) return result->front().Bool(0);
    if (!db::ViolatesConstraint(result.status(), "role_permissions_role_fkey")) {
      return result.status();
    }
  }
  return MakeError(ErrorReason::kOverloaded, "The role is being deleted by many requests at once");
}

absl::StatusOr<bool> PgRoleStore::DeleteRole(const Where& app, std::string_view role) {
  ASSIGN_OR_RETURN(db::Database * database, databases_.Of(*app.tenant));
  const db::Params params(app.app_id(), role);
  bool existed = false;
  // Two statements, because the second must see what was assigned before the first got its lock.
  RETURN_IF_ERROR(database->Transact(app.deadline, [&](db::Transaction& transaction) {
    ASSIGN_OR_RETURN(db::Result role_rows, transaction.Execute(kDeleteRole, params));
    ASSIGN_OR_RETURN(db::Result user_rows, transaction.Execute(kDeleteUserRolesOfRole, params));
    existed = role_rows.affected() > 0 || user_rows.affected() > 0;
    return absl::OkStatus();
  }));
  return existed;
}

absl::StatusOr<bool> PgRoleStore::RoleExists(const Where& app, std::string_view role) {
  ASSIGN_OR_RETURN(db::Result result, Execute(app, kRoleExists, {app.app_id(), role}));
  return !result.empty();
}

absl::StatusOr<std::vector<std::string>> PgRoleStore::ListRoles(const Where& app) {
  ASSIGN_OR_RETURN(db::Result result, Execute(app, kListRoles, {app.app_id()}));
  return FirstColumn(result);
}

absl::StatusOr<std::optional<std::vector<std::string>>> PgRoleStore::ListPermissions(
    const Where& app, std::string_view role) {
  ASSIGN_OR_RETURN(db::Result result, Execute(app, kListPermissions, {app.app_id(), role}));
  if (result.empty()) return std::nullopt;
  if (result.front().IsNull(0)) return std::vector<std::string>();
  return FirstColumn(result);
}

absl::StatusOr<bool> PgRoleStore::RemovePermissions(
    const Where& app, std::string_view role,
    const std::optional<std::vector<std::string>>& permissions) {
  db::Params params(app.app_id(), role);
  if (permissions) {
    params.Add(db::TextArray{*permissions});
  } else {
    params.Add(std::nullopt);
  }
  ASSIGN_OR_RETURN(db::Result result, Execute(app, kRemovePermissions, params));
  return !result.empty();
}

absl::StatusOr<std::vector<std::string>> PgRoleStore::ListRolesWithPermission(
    const Where& app, std::string_view permission) {
  ASSIGN_OR_RETURN(db::Result result,
                   Execute(app, kListRolesWithPermission, {app.app_id(), permission}));
  return FirstColumn(result);
}

absl::StatusOr<PgRoleStore::Assigned> PgRoleStore::AssignExistingRole(const Where& tenant,
                                                                      std::string_view user_id,
                                                                      std::string_view role) {
  ASSIGN_OR_RETURN(
      db::Result result,
      Execute(tenant, kAssignExistingRole, {tenant.app_id(), tenant.tenant_id(), user_id, role}));
  return Assigned{.role_found = result.front().Bool(0), .added = result.front().Bool(1)};
}

absl::StatusOr<std::vector<std::string>> PgRoleStore::AssignExistingRoles(
    const Where& app, const Assignments& assignments) {
  ASSIGN_OR_RETURN(
      db::Result result,
      Execute(app, kAssignExistingRoles,
              {app.app_id(), db::TextArray{assignments.tenant_ids},
               db::TextArray{assignments.user_ids}, db::TextArray{assignments.roles}}));
  return FirstColumn(result);
}

absl::StatusOr<bool> PgRoleStore::AddUserRole(const Where& tenant, std::string_view user_id,
                                              std::string_view role) {
  ASSIGN_OR_RETURN(
      db::Result result,
      Execute(tenant, kAddUserRole, {tenant.app_id(), tenant.tenant_id(), user_id, role}));
  return result.affected() > 0;
}

absl::StatusOr<bool> PgRoleStore::RemoveUserRole(const Where& tenant, std::string_view user_id,
                                                 std::string_view role) {
  ASSIGN_OR_RETURN(
      db::Result result,
      Execute(tenant, kRemoveUserRole, {tenant.app_id(), tenant.tenant_id(), user_id, role}));
  return result.affected() > 0;
}

absl::StatusOr<std::vector<std::string>> PgRoleStore::ListUserRoles(const Where& tenant,
                                                                    std::string_view user_id) {
  ASSIGN_OR_RETURN(db::Result result,
                   Execute(tenant, kListUserRoles, {tenant.app_id(), tenant.tenant_id(), user_id}));
  return FirstColumn(result);
}

absl::StatusOr<std::vector<std::string>> PgRoleStore::ListRoleUsers(const Where& tenant,
                                                                    std::string_view role) {
  ASSIGN_OR_RETURN(db::Result result,
                   Execute(tenant, kListRoleUsers, {tenant.app_id(), tenant.tenant_id(), role}));
  return FirstColumn(result);
}

absl::StatusOr<bool> PgRoleStore::RemoveUserRoles(const Where& tenant, std::string_view user_id) {
  ASSIGN_OR_RETURN(db::Result result, Execute(tenant, kRemoveUserRoles,
                                              {tenant.app_id(), tenant.tenant_id(), user_id}));
  return result.affected() > 0;
}

absl::Status PgRoleStore::RemoveUser(const Where& database, std::string_view user_id) {
  return Execute(database, kRemoveUser, {database.app_id(), user_id}).status();
}

absl::StatusOr<bool> PgRoleStore::IsUserIdInUse(const Where& database, std::string_view user_id) {
  ASSIGN_OR_RETURN(db::Result result,
                   Execute(database, kIsUserIdInUse, {database.app_id(), user_id}));
  return result.front().Bool(0);
}

}  // namespace gatehouse::roles
