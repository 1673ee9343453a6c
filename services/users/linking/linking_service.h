#pragma once

#include "gatehouse/users/v1/linking_service.rpc.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/users/linking/pg_linking_store.h"
#include "services/users/registry/activity_recorder.h"
#include "services/users/registry/pg_user_store.h"

namespace gatehouse::users {

// linking_service.proto: finds the users in the app's databases, lets the store decide, and reports
// the outcome with the original's texts. Thread-safe.
class LinkingServiceImpl final : public v1::LinkingService {
 public:
  // All outlive the service.
  LinkingServiceImpl(const tenancy::TenantDirectory& directory, PgUserStore& users,
                     PgLinkingStore& store, ActivityRecorder& activity)
      : directory_(directory), users_(users), store_(store), activity_(activity) {}

  absl::StatusOr<v1::CheckPrimaryUserResponse> CheckPrimaryUser(
      rpc::CallContext& context, const v1::CheckPrimaryUserRequest& request) override;
  absl::StatusOr<v1::MakePrimaryUserResponse> MakePrimaryUser(
      rpc::CallContext& context, const v1::MakePrimaryUserRequest& request) override;
  absl::StatusOr<v1::CheckLinkResponse> CheckLink(rpc::CallContext& context,
                                                  const v1::CheckLinkRequest& request) override;
  absl::StatusOr<v1::LinkUsersResponse> LinkUsers(rpc::CallContext& context,
                                                  const v1::LinkUsersRequest& request) override;
  absl::StatusOr<v1::UnlinkUserResponse> UnlinkUser(rpc::CallContext& context,
                                                    const v1::UnlinkUserRequest& request) override;
  absl::StatusOr<v1::AddUserToTenantResponse> AddUserToTenant(
      rpc::CallContext& context, const v1::AddUserToTenantRequest& request) override;
  absl::StatusOr<v1::RemoveUserFromTenantResponse> RemoveUserFromTenant(
      rpc::CallContext& context, const v1::RemoveUserFromTenantRequest& request) override;
  absl::StatusOr<v1::PlanUserRemovalResponse> PlanUserRemoval(
      rpc::CallContext& context, const v1::PlanUserRemovalRequest& request) override;
  absl::StatusOr<v1::RemoveUserResponse> RemoveUser(rpc::CallContext& context,
                                                    const v1::RemoveUserRequest& request) override;

 private:
  const tenancy::TenantDirectory& directory_;
  PgUserStore& users_;
  PgLinkingStore& store_;
  ActivityRecorder& activity_;
};

}  // namespace gatehouse::users
