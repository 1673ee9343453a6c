#pragma once

#include <functional>
#include <utility>

#include "gatehouse/common/v1/credentials_service.rpc.h"
#include "gatehouse/thirdparty/v1/thirdparty_service.rpc.h"
#include "gatehouse/users/v1/registry_service.rpc.h"
#include "gatehouse/users/v1/user_directory_service.rpc.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/thirdparty/third_party_sign_in.h"
#include "services/thirdparty/third_party_user_store.h"

namespace gatehouse::thirdparty {

// thirdparty_service.proto and credentials_service.proto: finds the tenant and calls the rule
// (third_party_sign_in.h). The users service answers look-ups. Thread-safe.
class ThirdPartyServiceImpl final : public v1::ThirdPartyService,
                                    public common::v1::CredentialsService {
 public:
  // All outlive the service. `cut_off` is called after a failed call that may have left a user's
  // credentials different from the registry's.
  ThirdPartyServiceImpl(
      const tenancy::TenantDirectory& directory, users::v1::RegistryService& registry,
      users::v1::UserDirectoryService& users, ThirdPartyUserStore& store,
      std::function<void()> cut_off = [] {})
      : directory_(directory),
        users_(users),
        store_(store),
        cut_off_(std::move(cut_off)),
        sign_in_(registry, users, store) {}

  absl::StatusOr<v1::SignInOrUpResponse> SignInOrUp(rpc::CallContext& context,
                                                    const v1::SignInOrUpRequest& request) override;
  absl::StatusOr<v1::GetUserByIdResponse> GetUserById(
      rpc::CallContext& context, const v1::GetUserByIdRequest& request) override;
  absl::StatusOr<v1::GetUserByIdentityResponse> GetUserByIdentity(
      rpc::CallContext& context, const v1::GetUserByIdentityRequest& request) override;
  absl::StatusOr<v1::ListUsersByEmailResponse> ListUsersByEmail(
      rpc::CallContext& context, const v1::ListUsersByEmailRequest& request) override;

  absl::StatusOr<common::v1::RemoveCredentialsResponse> RemoveCredentials(
      rpc::CallContext& context, const common::v1::RemoveCredentialsRequest& request) override;

  absl::StatusOr<common::v1::ImportCredentialsResponse> ImportCredentials(
      rpc::CallContext& context, const common::v1::ImportCredentialsRequest& request) override;

 private:
  const tenancy::TenantDirectory& directory_;
  users::v1::UserDirectoryService& users_;
  ThirdPartyUserStore& store_;
  const std::function<void()> cut_off_;
  ThirdPartySignIn sign_in_;
};

}  // namespace gatehouse::thirdparty
