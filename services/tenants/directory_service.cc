#include "services/tenants/directory_service.h"

#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/rpc/policy.h"

namespace gatehouse::tenants {
namespace {

constexpr int kMaxNames = 500;

// A watcher goes to another replica, or asks again, when the database does not answer within this.
constexpr absl::Duration kCatchUpTimeout = absl::Seconds(2);

}  // namespace

absl::Status DirectoryService::CatchUp() {
  // While the database is down one at a time tries, so that the others occupy no worker.
  const bool alone = failed_.load();
  if (alone && trying_.exchange(true)) {
    return MakeError(ErrorReason::kDependencyDown, "The database does not answer");
  }
  const absl::Status status = manager_.ReloadAll(SteadyNow() + kCatchUpTimeout);
  failed_ = !status.ok();
  if (alone) trying_ = false;
  return status;
}

absl::Status DirectoryService::WatchTenants(rpc::CallContext& context,
                                            const v1::WatchTenantsRequest&,
                                            Catalogue::Watcher stream) {
  // A watcher in another process may already know what another replica has just changed, and must
  // not be taken back. The one in this process begins with what was loaded at the start.
  const bool remote = context.caller != rpc::callers::kTenants;
  if (remote) RETURN_IF_ERROR(CatchUp());
  catalogue_.Watch(std::move(stream), remote);
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
