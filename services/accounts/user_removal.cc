#include "services/accounts/user_removal.h"

#include <set>
#include <string>

#include "libs/base/status.h"
#include "services/accounts/credentials.h"

namespace gatehouse::accounts {
namespace {

using Removals = google::protobuf::RepeatedPtrField<users::v1::UserRemoval>;

// Removes the data, in every service, of users that are not in `done` yet.
absl::Status RemoveData(Peers& peers, rpc::CallContext& context, const common::v1::Scope& scope,
                        const std::string& home_tenant_id, const Removals& removals,
                        std::set<std::string>& done) {
  common::v1::RemoveUsersRequest remove;
  *remove.mutable_scope() = scope;
  remove.set_home_tenant_id(home_tenant_id);
  for (const users::v1::UserRemoval& user : removals) {
    if (done.contains(user.supertokens_user_id()) || user.data_user_id().empty()) continue;
    remove.add_user_ids(user.data_user_id());
  }
  if (!remove.user_ids().empty()) {
    for (common::v1::UserDataService& keeper : peers.user_data) {
      RETURN_IF_ERROR(keeper.RemoveUsers(context, remove).status());
    }
  }
  for (const users::v1::UserRemoval& user : removals) done.insert(user.supertokens_user_id());
  return absl::OkStatus();
}

}  // namespace

absl::Status RemoveUser(Peers& peers, rpc::CallContext& context,
                        const v1::RemoveUserRequest& request) {
  users::v1::PlanUserRemovalRequest plan;
  *plan.mutable_scope() = request.scope();
  plan.set_user_id(request.user_id());
  plan.set_whole_group(request.remove_all_linked_accounts());
  ASSIGN_OR_RETURN(const users::v1::PlanUserRemovalResponse planned,
                   peers.linking.PlanUserRemoval(context, plan));
  if (planned.users().empty()) return absl::OkStatus();

  std::set<std::string> done;
  const std::string& home = planned.home_tenant_id();
  RETURN_IF_ERROR(RemoveData(peers, context, request.scope(), home, planned.users(), done));

  users::v1::RemoveUserRequest remove;
  *remove.mutable_scope() = request.scope();
  remove.set_user_id(request.user_id());
  remove.set_whole_group(request.remove_all_linked_accounts());
  ASSIGN_OR_RETURN(const users::v1::RemoveUserResponse removed,
                   peers.linking.RemoveUser(context, remove));
  // Users that were linked to the user since the plan was made.
  RETURN_IF_ERROR(RemoveData(peers, context, request.scope(), home, removed.users(), done));
  // Not of all users in the plan: one that was unlinked meanwhile stays, and must be able to sign
  // in. Rows of removed users were deleted with them, by foreign keys; a primary user that others
  // are linked to keeps its id.
  for (const users::v1::UserRemoval& user : removed.users()) {
    RETURN_IF_ERROR(RemoveCredentials(peers, context, request.scope(), home, user.recipe_id(),
                                      user.supertokens_user_id()));
  }
  return absl::OkStatus();
}

}  // namespace gatehouse::accounts
