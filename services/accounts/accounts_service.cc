#include "services/accounts/accounts_service.h"

#include "libs/base/status.h"
#include "services/accounts/id_mapping.h"
#include "services/accounts/linked_accounts.h"
#include "services/accounts/user_removal.h"

namespace gatehouse::accounts {

absl::StatusOr<v1::LinkAccountsResponse> AccountsServiceImpl::LinkAccounts(
    rpc::CallContext& context, const v1::LinkAccountsRequest& request) {
  return accounts::LinkAccounts(peers_, context, request);
}

absl::StatusOr<v1::UnlinkAccountResponse> AccountsServiceImpl::UnlinkAccount(
    rpc::CallContext& context, const v1::UnlinkAccountRequest& request) {
  auto response = accounts::UnlinkAccount(peers_, context, request);
  if (!response.ok()) cut_off_();
  return response;
}

absl::StatusOr<v1::RemoveUserResponse> AccountsServiceImpl::RemoveUser(
    rpc::CallContext& context, const v1::RemoveUserRequest& request) {
  const absl::Status removed = accounts::RemoveUser(peers_, context, request);
  if (!removed.ok()) cut_off_();
  RETURN_IF_ERROR(removed);
  return v1::RemoveUserResponse();
}

absl::StatusOr<v1::RemoveUserFromTenantResponse> AccountsServiceImpl::RemoveUserFromTenant(
    rpc::CallContext& context, const v1::RemoveUserFromTenantRequest& request) {
  return accounts::RemoveUserFromTenant(peers_, context, request);
}

absl::StatusOr<v1::CreateUserIdMappingResponse> AccountsServiceImpl::CreateUserIdMapping(
    rpc::CallContext& context, const v1::CreateUserIdMappingRequest& request) {
  return accounts::CreateUserIdMapping(peers_, context, request);
}

absl::StatusOr<v1::DeleteUserIdMappingResponse> AccountsServiceImpl::DeleteUserIdMapping(
    rpc::CallContext& context, const v1::DeleteUserIdMappingRequest& request) {
  return accounts::DeleteUserIdMapping(peers_, context, request);
}

}  // namespace gatehouse::accounts
