#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "gatehouse/thirdparty/v1/thirdparty_service.pb.h"
#include "gatehouse/users/v1/registry_service.rpc.h"
#include "gatehouse/users/v1/user_directory_service.rpc.h"
#include "services/thirdparty/third_party_user_store.h"

namespace gatehouse::thirdparty {

// kForbidden when the tenant's settings forbid signing in with a third party (formats.md 9.7).
absl::Status CheckThirdPartyGate(const tenancy::Tenant& tenant, common::v1::RecipeGate gate);

// Two steps, each idempotent: the registry finds or registers the identity; then this service's own
// row is created or brought up to date. A sign-in after a crash between them creates the row. Holds
// no database connection while it waits for the users service.
class ThirdPartySignIn {
 public:
  // All outlive this.
  ThirdPartySignIn(users::v1::RegistryService& registry, users::v1::UserDirectoryService& users,
                   ThirdPartyUserStore& store)
      : registry_(registry), users_(users), store_(store) {}

  absl::StatusOr<v1::SignInOrUpResponse> SignInOrUp(const tenancy::TenantPtr& tenant,
                                                    rpc::CallContext& context,
                                                    const v1::SignInOrUpRequest& request);

 private:
  // False: the user has been deleted.
  absl::StatusOr<bool> SaveUser(const tenancy::TenantPtr& tenant, rpc::CallContext& context,
                                ThirdPartyUser user);
  // nullopt: no such user.
  absl::StatusOr<std::optional<std::string>> RegisteredEmail(const tenancy::TenantPtr& tenant,
                                                             rpc::CallContext& context,
                                                             const std::string& user_id);

  users::v1::RegistryService& registry_;
  users::v1::UserDirectoryService& users_;
  ThirdPartyUserStore& store_;
};

}  // namespace gatehouse::thirdparty
