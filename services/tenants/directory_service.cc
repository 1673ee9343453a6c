#include "services/tenants/directory_service.h"

#include "libs/base/status.h"

namespace gatehouse::tenants {

absl::Status DirectoryService::WatchTenants(rpc::CallContext&, const v1::WatchTenantsRequest&,
                                            rpc::Stream<v1::WatchTenantsResponse> stream) {
  catalogue_.Watch(std::move(stream));
  return absl::OkStatus();
}

absl::StatusOr<v1::ConfirmTenantsResponse> DirectoryService::ConfirmTenants(
    rpc::CallContext&, const v1::ConfirmTenantsRequest& request) {
  catalogue_.progress().Confirm(request.watch_id(), request.version());
  return v1::ConfirmTenantsResponse();
}

absl::StatusOr<v1::GetDirectoryEntryResponse> DirectoryService::GetDirectoryEntry(
    rpc::CallContext& context, const v1::GetDirectoryEntryRequest& request) {
  ASSIGN_OR_RETURN(auto tenant, store_.Get(context.deadline, request.scope()));
  v1::GetDirectoryEntryResponse response;
  if (tenant.has_value()) *response.mutable_tenant() = *std::move(tenant);
  return response;
}

}  // namespace gatehouse::tenants
