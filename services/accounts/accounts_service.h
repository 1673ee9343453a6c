#pragma once

#include "gatehouse/accounts/v1/accounts_service.rpc.h"
#include "services/accounts/peers.h"

namespace gatehouse::accounts {

// accounts_service.proto. Has no tables and no state: each method is a workflow over other
// services. Thread-safe.
class AccountsServiceImpl final : public v1::AccountsService {
 public:
  explicit AccountsServiceImpl(Peers peers) : peers_(peers) {}

  absl::StatusOr<v1::LinkAccountsResponse> LinkAccounts(
      rpc::CallContext& context, const v1::LinkAccountsRequest& request) override;
  absl::StatusOr<v1::UnlinkAccountResponse> UnlinkAccount(
      rpc::CallContext& context, const v1::UnlinkAccountRequest& request) override;
  absl::StatusOr<v1::RemoveUserResponse> RemoveUser(rpc::CallContext& context,
                                                    const v1::RemoveUserRequest& request) override;
  absl::StatusOr<v1::RemoveUserFromTenantResponse> RemoveUserFromTenant(
      rpc::CallContext& context, const v1::RemoveUserFromTenantRequest& request) override;
  absl::StatusOr<v1::CreateUserIdMappingResponse> CreateUserIdMapping(
      rpc::CallContext& context, const v1::CreateUserIdMappingRequest& request) override;
  absl::StatusOr<v1::DeleteUserIdMappingResponse> DeleteUserIdMapping(
      rpc::CallContext& context, const v1::DeleteUserIdMappingRequest& request) override;

 private:
  Peers peers_;
};

}  // namespace gatehouse::accounts
