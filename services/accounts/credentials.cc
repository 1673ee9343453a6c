#include "services/accounts/credentials.h"

namespace gatehouse::accounts {

absl::Status RemoveCredentials(Peers& peers, rpc::CallContext& context,
                               const common::v1::Scope& scope, const std::string& home_tenant_id,
                               std::string_view recipe_id, const std::string& supertokens_user_id) {
  const auto keeper = peers.credentials.find(recipe_id);
  if (keeper == peers.credentials.end()) return absl::OkStatus();
  common::v1::RemoveCredentialsRequest remove;
  *remove.mutable_scope() = scope;
  remove.set_supertokens_user_id(supertokens_user_id);
  remove.set_home_tenant_id(home_tenant_id);
  return keeper->second.get().RemoveCredentials(context, remove).status();
}

}  // namespace gatehouse::accounts
