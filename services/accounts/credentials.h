#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "libs/rpc/service.h"
#include "services/accounts/peers.h"

namespace gatehouse::accounts {

// Removes what the service of a login method's recipe keeps of it; nothing where that is users
// itself. `supertokens_user_id` is internal. Idempotent.
absl::Status RemoveCredentials(Peers& peers, rpc::CallContext& context,
                               const common::v1::Scope& scope, std::string_view recipe_id,
                               const std::string& supertokens_user_id);

}  // namespace gatehouse::accounts
