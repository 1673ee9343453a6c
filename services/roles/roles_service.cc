#include "services/roles/roles_service.h"

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/tenancy/app_databases.h"
#include "libs/tenancy/ask_databases.h"
#include "services/roles/roles.h"

namespace gatehouse::roles {
namespace {

using tenancy::TenantPtr;

constexpr int kMaxAssignments = 10'000;
using TextField = google::protobuf::RepeatedPtrField<std::string>;

void Encode(std::vector<std::string> texts, TextField& field) {
  field.Reserve(static_cast<int>(texts.size()));
  for (std::string& text : texts) field.Add(std::move(text));
}

std::vector<std::string> Decode(const TextField& field) { return {field.begin(), field.end()}; }

}  // namespace

absl::StatusOr<v1::UpsertRoleResponse> RolesServiceImpl::UpsertRole(
    rpc::CallContext& context, const v1::UpsertRoleRequest& request) {
  ASSIGN_OR_RETURN(TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const bool created,
                   roles::UpsertRole(store_, {app, context.deadline}, request.role(),
                                     Decode(request.permissions())));
  v1::UpsertRoleResponse response;
  response.set_created(created);
  return response;
}

absl::StatusOr<v1::DeleteRoleResponse> RolesServiceImpl::DeleteRole(
    rpc::CallContext& context, const v1::DeleteRoleRequest& request) {
  ASSIGN_OR_RETURN(std::vector<TenantPtr> databases,
                   tenancy::OneTenantPerDatabase(directory_, request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const bool existed,
                   roles::DeleteRole(store_, databases, context.deadline, request.role()));
  v1::DeleteRoleResponse response;
  response.set_existed(existed);
  return response;
}

absl::StatusOr<v1::ListRolesResponse> RolesServiceImpl::ListRoles(
    rpc::CallContext& context, const v1::ListRolesRequest& request) {
  ASSIGN_OR_RETURN(TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(std::vector<std::string> roles, store_.ListRoles({app, context.deadline}));
  v1::ListRolesResponse response;
  Encode(std::move(roles), *response.mutable_roles());
  return response;
}

absl::StatusOr<v1::ListRolePermissionsResponse> RolesServiceImpl::ListRolePermissions(
    rpc::CallContext& context, const v1::ListRolePermissionsRequest& request) {
  ASSIGN_OR_RETURN(TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(std::optional<std::vector<std::string>> permissions,
                   store_.ListPermissions({app, context.deadline}, request.role()));
  v1::ListRolePermissionsResponse response;
  response.set_role_found(permissions.has_value());
  if (permissions) Encode(*std::move(permissions), *response.mutable_permissions());
  return response;
}

absl::StatusOr<v1::RemoveRolePermissionsResponse> RolesServiceImpl::RemoveRolePermissions(
    rpc::CallContext& context, const v1::RemoveRolePermissionsRequest& request) {
  ASSIGN_OR_RETURN(TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  std::optional<std::vector<std::string>> permissions;
  if (!request.all()) permissions = Decode(request.permissions());
  ASSIGN_OR_RETURN(const bool found,
                   store_.RemovePermissions({app, context.deadline}, request.role(), permissions));
  v1::RemoveRolePermissionsResponse response;
  response.set_role_found(found);
  return response;
}

absl::StatusOr<v1::ListRolesWithPermissionResponse> RolesServiceImpl::ListRolesWithPermission(
    rpc::CallContext& context, const v1::ListRolesWithPermissionRequest& request) {
  ASSIGN_OR_RETURN(TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(std::vector<std::string> roles,
                   store_.ListRolesWithPermission({app, context.deadline}, request.permission()));
  v1::ListRolesWithPermissionResponse response;
  Encode(std::move(roles), *response.mutable_roles());
  return response;
}

absl::StatusOr<v1::AssignRoleResponse> RolesServiceImpl::AssignRole(
    rpc::CallContext& context, const v1::AssignRoleRequest& request) {
  ASSIGN_OR_RETURN(TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const std::optional<bool> added,
                   roles::AssignRole(store_, {{app, context.deadline}, {tenant, context.deadline}},
                                     request.user_id(), request.role()));
  v1::AssignRoleResponse response;
  response.set_role_found(added.has_value());
  response.set_already_had_role(added.has_value() && !*added);
  return response;
}

absl::StatusOr<v1::AssignRolesResponse> RolesServiceImpl::AssignRoles(
    rpc::CallContext& context, const v1::AssignRolesRequest& request) {
  if (request.assignments_size() > kMaxAssignments) {
    return BadInput(Problem::kTooMany, "Too many roles are assigned at once",
                    {{"field", "assignments"}, {"max", std::to_string(kMaxAssignments)}});
  }
  ASSIGN_OR_RETURN(TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  std::map<std::string, TenantPtr> tenants;
  std::vector<Assignment> assignments;
  for (const v1::RoleAssignment& one : request.assignments()) {
    TenantPtr& tenant = tenants[one.tenant_id()];
    if (tenant == nullptr) {
      common::v1::Scope scope = request.scope();
      scope.set_tenant_id(one.tenant_id());
      ASSIGN_OR_RETURN(tenant, directory_.Find(scope, context.deadline));
    }
    assignments.push_back({{tenant, context.deadline}, one.user_id(), one.role()});
  }
  ASSIGN_OR_RETURN(const std::set<std::string> unknown,
                   roles::AssignRoles(store_, {app, context.deadline}, assignments));
  v1::AssignRolesResponse response;
  for (const std::string& role : unknown) response.add_unknown_roles(role);
  return response;
}

absl::StatusOr<v1::UnassignRoleResponse> RolesServiceImpl::UnassignRole(
    rpc::CallContext& context, const v1::UnassignRoleRequest& request) {
  ASSIGN_OR_RETURN(TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(
      const std::optional<bool> removed,
      roles::UnassignRole(store_, {{app, context.deadline}, {tenant, context.deadline}},
                          request.user_id(), request.role()));
  v1::UnassignRoleResponse response;
  response.set_role_found(removed.has_value());
  response.set_had_role(removed.value_or(false));
  return response;
}

absl::StatusOr<v1::ListUserRolesResponse> RolesServiceImpl::ListUserRoles(
    rpc::CallContext& context, const v1::ListUserRolesRequest& request) {
  ASSIGN_OR_RETURN(TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(std::vector<std::string> roles,
                   store_.ListUserRoles({tenant, context.deadline}, request.user_id()));
  v1::ListUserRolesResponse response;
  Encode(std::move(roles), *response.mutable_roles());
  return response;
}

absl::StatusOr<v1::ListRoleUsersResponse> RolesServiceImpl::ListRoleUsers(
    rpc::CallContext& context, const v1::ListRoleUsersRequest& request) {
  ASSIGN_OR_RETURN(TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(
      std::optional<std::vector<std::string>> users,
      roles::ListRoleUsers(store_, {{app, context.deadline}, {tenant, context.deadline}},
                           request.role()));
  v1::ListRoleUsersResponse response;
  response.set_role_found(users.has_value());
  if (users) Encode(*std::move(users), *response.mutable_user_ids());
  return response;
}

absl::StatusOr<common::v1::RemoveUsersResponse> RolesServiceImpl::RemoveUsers(
    rpc::CallContext& context, const common::v1::RemoveUsersRequest& request) {
  RETURN_IF_ERROR(
      tenancy::RemoveOfUser(directory_, request.scope(), request.home_tenant_id(), context.deadline,
                            [&](const TenantPtr& database, absl::Time deadline) -> absl::Status {
                              for (const std::string& user_id : request.user_ids()) {
                                RETURN_IF_ERROR(store_.RemoveUser({database, deadline}, user_id));
                              }
                              return absl::OkStatus();
                            }));
  return common::v1::RemoveUsersResponse();
}

absl::StatusOr<common::v1::RemoveUserFromTenantResponse> RolesServiceImpl::RemoveUserFromTenant(
    rpc::CallContext& context, const common::v1::RemoveUserFromTenantRequest& request) {
  ASSIGN_OR_RETURN(TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const bool existed,
                   store_.RemoveUserRoles({tenant, context.deadline}, request.user_id()));
  common::v1::RemoveUserFromTenantResponse response;
  response.set_existed(existed);
  return response;
}

absl::StatusOr<common::v1::IsUserIdInUseResponse> RolesServiceImpl::IsUserIdInUse(
    rpc::CallContext& context, const common::v1::IsUserIdInUseRequest& request) {
  ASSIGN_OR_RETURN(std::vector<TenantPtr> databases,
                   tenancy::OneTenantPerDatabase(directory_, request.scope(), context.deadline));
  ASSIGN_OR_RETURN(
      const bool in_use,
      tenancy::AnyDatabase(databases, context.deadline,
                           [&](const TenantPtr& database, absl::Time deadline) {
                             return store_.IsUserIdInUse({database, deadline}, request.user_id());
                           }));
  common::v1::IsUserIdInUseResponse response;
  if (in_use) response.set_in_use_by("UserRoles");
  return response;
}

}  // namespace gatehouse::roles
