#include "services/accounts/linked_accounts.h"

#include <string>

#include "libs/base/status.h"
#include "services/accounts/credentials.h"

namespace gatehouse::accounts {
namespace {

absl::Status EndSessions(Peers& peers, rpc::CallContext& context, const common::v1::Scope& scope,
                         const std::string& user_id) {
  common::v1::RemoveUsersRequest request;
  *request.mutable_scope() = scope;
  request.add_user_ids(user_id);
  return peers.sessions.RemoveUsers(context, request).status();
}

}  // namespace

absl::StatusOr<v1::LinkAccountsResponse> LinkAccounts(Peers& peers, rpc::CallContext& context,
                                                      const v1::LinkAccountsRequest& request) {
  v1::LinkAccountsResponse response;
  users::v1::CheckLinkRequest check;
  *check.mutable_scope() = request.scope();
  check.set_recipe_user_id(request.recipe_user_id());
  check.set_primary_user_id(request.primary_user_id());
  ASSIGN_OR_RETURN(users::v1::CheckLinkResponse checked, peers.linking.CheckLink(context, check));
  if (checked.has_refused()) {
    *response.mutable_refused() = std::move(*checked.mutable_refused());
    return response;
  }
  const std::string& session_user = checked.possible().recipe_user_id();
  if (!checked.possible().already_linked()) {
    RETURN_IF_ERROR(EndSessions(peers, context, request.scope(), session_user));
  }
  users::v1::LinkUsersRequest link;
  *link.mutable_scope() = request.scope();
  link.set_recipe_user_id(request.recipe_user_id());
  link.set_primary_user_id(request.primary_user_id());
  ASSIGN_OR_RETURN(users::v1::LinkUsersResponse linked, peers.linking.LinkUsers(context, link));
  if (linked.has_refused()) {
    *response.mutable_refused() = std::move(*linked.mutable_refused());
    return response;
  }
  if (!linked.linked().already_linked()) {
    RETURN_IF_ERROR(EndSessions(peers, context, request.scope(), session_user));
  }
  *response.mutable_linked() = std::move(*linked.mutable_linked());
  return response;
}

absl::StatusOr<v1::UnlinkAccountResponse> UnlinkAccount(Peers& peers, rpc::CallContext& context,
                                                        const v1::UnlinkAccountRequest& request) {
  users::v1::UnlinkUserRequest unlink;
  *unlink.mutable_scope() = request.scope();
  unlink.set_recipe_user_id(request.recipe_user_id());
  unlink.set_check_only(true);
  ASSIGN_OR_RETURN(users::v1::UnlinkUserResponse done, peers.linking.UnlinkUser(context, unlink));
  if (done.was_linked()) {
    const std::string session_user = done.recipe_user_id();
    RETURN_IF_ERROR(EndSessions(peers, context, request.scope(), session_user));
    unlink.set_check_only(false);
    ASSIGN_OR_RETURN(done, peers.linking.UnlinkUser(context, unlink));
    if (done.was_deleted()) {
      RETURN_IF_ERROR(RemoveCredentials(peers, context, request.scope(), done.home_tenant_id(),
                                        done.recipe_id(), done.supertokens_user_id()));
    }
    RETURN_IF_ERROR(EndSessions(peers, context, request.scope(), session_user));
  }
  v1::UnlinkAccountResponse response;
  response.set_was_linked(done.was_linked());
  response.set_was_deleted(done.was_deleted());
  return response;
}

absl::StatusOr<v1::RemoveUserFromTenantResponse> RemoveUserFromTenant(
    Peers& peers, rpc::CallContext& context, const v1::RemoveUserFromTenantRequest& request) {
  users::v1::ResolveUserIdsRequest resolve;
  *resolve.mutable_scope() = request.scope();
  resolve.add_user_ids(request.user_id());
  ASSIGN_OR_RETURN(const users::v1::ResolveUserIdsResponse resolved,
                   peers.registry.ResolveUserIds(context, resolve));
  // The input itself if no user has it: data may be stored under any id.
  const std::string& data_user_id = resolved.users(0).recipe_user_id();

  common::v1::RemoveUserFromTenantRequest take;
  *take.mutable_scope() = request.scope();
  take.set_user_id(data_user_id);
  bool had_data = false;
  for (common::v1::UserDataService& keeper : peers.user_data) {
    ASSIGN_OR_RETURN(const auto taken, keeper.RemoveUserFromTenant(context, take));
    had_data |= taken.existed();
  }

  users::v1::RemoveUserFromTenantRequest leave;
  *leave.mutable_scope() = request.scope();
  leave.set_user_id(request.user_id());
  ASSIGN_OR_RETURN(const auto left, peers.linking.RemoveUserFromTenant(context, leave));

  v1::RemoveUserFromTenantResponse response;
  response.set_unknown_user_id(left.unknown_user_id() && !had_data);
  response.set_was_associated(left.was_associated() || had_data);
  return response;
}

}  // namespace gatehouse::accounts
