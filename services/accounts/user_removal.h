#pragma once

#include "absl/status/status.h"
#include "gatehouse/accounts/v1/accounts_service.pb.h"
#include "libs/rpc/service.h"
#include "services/accounts/peers.h"

namespace gatehouse::accounts {

// Removes a user: the data that other services keep of it, then, in one transaction, everything that
// the users service has, and last its credentials. As long as the user is in the registry a retry
// finds what is left to do; an unknown user is no error.
absl::Status RemoveUser(Peers& peers, rpc::CallContext& context,
                        const v1::RemoveUserRequest& request);

}  // namespace gatehouse::accounts
