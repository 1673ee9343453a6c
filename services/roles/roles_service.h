#pragma once

#include "gatehouse/common/v1/user_data_service.rpc.h"
#include "gatehouse/roles/v1/roles_service.rpc.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/roles/pg_role_store.h"

namespace gatehouse::roles {

// roles_service.proto, and user_data_service.proto for users' roles: finds the tenant, calls the
// rule (roles.h) or, if there is none, the store, and encodes the answer. Thread-safe.
class RolesServiceImpl final : public v1::RolesService, public common::v1::UserDataService {
 public:
  // Both outlive the service.
  RolesServiceImpl(const tenancy::TenantDirectory& directory, PgRoleStore& store)
      : directory_(directory), store_(store) {}

  absl::StatusOr<v1::UpsertRoleResponse> UpsertRole(rpc::CallContext& context,
                                                    const v1::UpsertRoleRequest& request) override;
  absl::StatusOr<v1::DeleteRoleResponse> DeleteRole(rpc::CallContext& context,
                                                    const v1::DeleteRoleRequest& request) override;
  absl::StatusOr<v1::ListRolesResponse> ListRoles(rpc::CallContext& context,
                                                  const v1::ListRolesRequest& request) override;
  absl::StatusOr<v1::ListRolePermissionsResponse> ListRolePermissions(
      rpc::CallContext& context, const v1::ListRolePermissionsRequest& request) override;
  absl::StatusOr<v1::RemoveRolePermissionsResponse> RemoveRolePermissions(
      rpc::CallContext& context, const v1::RemoveRolePermissionsRequest& request) override;
  absl::StatusOr<v1::ListRolesWithPermissionResponse> ListRolesWithPermission(
      rpc::CallContext& context, const v1::ListRolesWithPermissionRequest& request) override;
  absl::StatusOr<v1::AssignRoleResponse> AssignRole(rpc::CallContext& context,
                                                    const v1::AssignRoleRequest& request) override;
  absl::StatusOr<v1::AssignRolesResponse> AssignRoles(
      rpc::CallContext& context, const v1::AssignRolesRequest& request) override;
  absl::StatusOr<v1::UnassignRoleResponse> UnassignRole(
      rpc::CallContext& context, const v1::UnassignRoleRequest& request) override;
  absl::StatusOr<v1::ListUserRolesResponse> ListUserRoles(
      rpc::CallContext& context, const v1::ListUserRolesRequest& request) override;
  absl::StatusOr<v1::ListRoleUsersResponse> ListRoleUsers(
      rpc::CallContext& context, const v1::ListRoleUsersRequest& request) override;

  absl::StatusOr<common::v1::RemoveUsersResponse> RemoveUsers(
      rpc::CallContext& context, const common::v1::RemoveUsersRequest& request) override;
  absl::StatusOr<common::v1::RemoveUserFromTenantResponse> RemoveUserFromTenant(
      rpc::CallContext& context, const common::v1::RemoveUserFromTenantRequest& request) override;
  absl::StatusOr<common::v1::IsUserIdInUseResponse> IsUserIdInUse(
      rpc::CallContext& context, const common::v1::IsUserIdInUseRequest& request) override;

 private:
  const tenancy::TenantDirectory& directory_;
  PgRoleStore& store_;
};

}  // namespace gatehouse::roles
