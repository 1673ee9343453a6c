#include "services/tenants/directory_service.h"

#include "libs/base/problem.h"
#include "libs/base/status.h"

namespace gatehouse::tenants {
namespace {

constexpr int kMaxNames = 500;

}  // namespace

absl::Status DirectoryService::WatchTenants(rpc::CallContext&, const v1::WatchTenantsRequest&,
                                            Catalogue::Watcher stream) {
  catalogue_.Watch(std::move(stream));
  return absl::OkStatus();
}

absl::StatusOr<v1::GetDirectoryEntriesResponse> DirectoryService::GetDirectoryEntries(
    rpc::CallContext& context, const v1::GetDirectoryEntriesRequest& request) {
  if (request.scopes_size() > kMaxNames) {
    return BadInput(Problem::kTooMany, "too many names",
                    {{"field", "scopes"}, {"max", std::to_string(kMaxNames)}});
  }
  ASSIGN_OR_RETURN(auto tenants, store_.GetMany(context.deadline, {request.scopes().begin(),
                                                                   request.scopes().end()}));
  v1::GetDirectoryEntriesResponse response;
  for (v1::Tenant& tenant : tenants) *response.add_tenants() = std::move(tenant);
  return response;
}

}  // namespace gatehouse::tenants
