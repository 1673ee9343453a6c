#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "gatehouse/accounts/v1/accounts_service.pb.h"
#include "libs/rpc/service.h"
#include "services/accounts/peers.h"

namespace gatehouse::accounts {

// A user's session names it by the id of its group, so a user that changes groups needs new
// sessions. The old ones are ended before the change, so that a call interrupted after it has
// nothing left to do, and again after it, for those created in between.

absl::StatusOr<v1::LinkAccountsResponse> LinkAccounts(Peers& peers, rpc::CallContext& context,
                                                      const v1::LinkAccountsRequest& request);

absl::StatusOr<v1::UnlinkAccountResponse> UnlinkAccount(Peers& peers, rpc::CallContext& context,
                                                        const v1::UnlinkAccountRequest& request);

// Data in other services first: as long as the user is in the tenant, a retry finds it there.
absl::StatusOr<v1::RemoveUserFromTenantResponse> RemoveUserFromTenant(
    Peers& peers, rpc::CallContext& context, const v1::RemoveUserFromTenantRequest& request);

}  // namespace gatehouse::accounts
