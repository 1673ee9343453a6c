#include "services/accounts/credentials.h"

namespace gatehouse::accounts {

absl::Status RemoveCredentials(Peers& peers, rpc::CallContext& context,
                               const common::v1::Scope& scope, const std::string& home_tenant_id,
                               std::string_view recipe_id,
                               const std::string& supertokens_user_id) {
  if (recipe_id == "thirdparty") {
    thirdparty::v1::RemoveUserRequest remove;
    *remove.mutable_scope() = scope;
    remove.set_supertokens_user_id(supertokens_user_id);
    remove.set_home_tenant_id(home_tenant_id);
    return peers.third_party.RemoveUser(context, remove).status();
  }
  if (recipe_id == "passwordless") {
    passwordless::v1::RemoveUserRequest remove;
    *remove.mutable_scope() = scope;
    remove.set_supertokens_user_id(supertokens_user_id);
    remove.set_home_tenant_id(home_tenant_id);
    return peers.passwordless.RemoveUser(context, remove).status();
  }
  return absl::OkStatus();
}

}  // namespace gatehouse::accounts
