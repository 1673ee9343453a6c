#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "libs/rpc/service.h"
#include "services/accounts/peers.h"

namespace gatehouse::accounts {

// Removes a login method's credentials from its recipe's service; nothing if that is users itself.
// `home_tenant_id` is a tenant in the user's database, `supertokens_user_id` internal. Idempotent.
absl::Status RemoveCredentials(Peers& peers, rpc::CallContext& context,
                               const common::v1::Scope& scope, const std::string& home_tenant_id,
                               std::string_view recipe_id,
                               const std::string& supertokens_user_id);

}  // namespace gatehouse::accounts
