#pragma once

#include <functional>
#include <utility>

#include "gatehouse/accounts/v1/accounts_service.rpc.h"
#include "services/accounts/peers.h"

namespace gatehouse::accounts {

// accounts_service.proto. Has no state: each method is a workflow over other
// services. Thread-safe.
class AccountsServiceImpl final : public v1::AccountsService {
 public:
  // `cut_off` is called after a failed removal that may have left credentials behind.
  explicit AccountsServiceImpl(
      Peers peers, std::function<void()> cut_off = [] {})
      : peers_(std::move(peers)), cut_off_(std::move(cut_off)) {}

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
  const std::function<void()> cut_off_;
};

}  // namespace gatehouse::accounts
