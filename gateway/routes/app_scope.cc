#include "gateway/routes/app_scope.h"

#include "gatehouse/users/v1/user_directory_service.rpc.h"
#include "libs/base/status.h"

namespace gatehouse::gateway {

absl::Status CheckAppExists(users::v1::UserDirectoryService& users, ApiRequest& request) {
  users::v1::GetUserRequest call;
  *call.mutable_scope() = request.scope;
  call.mutable_scope()->set_tenant_id("public");
  const absl::Status status = users.GetUser(request.context, call).status();
  return ReasonOf(status) == ErrorReason::kTenantNotFound ? status : absl::OkStatus();
}

absl::Status CheckTenantExists(users::v1::UserDirectoryService& users, ApiRequest& request) {
  users::v1::FindUsersRequest call;  // for nobody
  *call.mutable_scope() = request.scope;
  const absl::Status status = users.FindUsers(request.context, call).status();
  return ReasonOf(status) == ErrorReason::kTenantNotFound ? status : absl::OkStatus();
}

absl::Status RequirePublicTenantOfApp(users::v1::UserDirectoryService& users,
                                      ApiRequest& request) {
  absl::Status refused = request.RequirePublicTenant();
  if (refused.ok()) return refused;
  RETURN_IF_ERROR(CheckAppExists(users, request));
  return refused;
}

}  // namespace gatehouse::gateway
