#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "gatehouse/common/v1/credentials_service.pb.h"
#include "gatehouse/passwordless/v1/passwordless_service.pb.h"
#include "gatehouse/users/v1/registry_service.rpc.h"
#include "gatehouse/users/v1/user_directory_service.rpc.h"
#include "services/passwordless/passwordless_user_store.h"

namespace gatehouse::passwordless {

// kForbidden when the tenant's settings forbid passwordless sign-in (formats.md 9.7).
absl::Status CheckPasswordlessGate(const tenancy::Tenant& tenant, common::v1::RecipeGate gate);

// Signing in and changing users, each in steps that are idempotent: the registry decides first;
// then this service's own row and devices follow. A sign-in after a crash between them creates the
// row. Holds no database connection while it waits for the users service. Thread-safe.
class PasswordlessUsers {
 public:
  // All outlive this.
  PasswordlessUsers(users::v1::RegistryService& registry, users::v1::UserDirectoryService& users,
                    DeviceStore& devices, PasswordlessUserStore& store)
      : registry_(registry), users_(users), devices_(devices), store_(store) {}

  // The owner of the device's contact has proved ownership, by `right`. Fills in created, user and
  // recipe_user_id. May be repeated until the code is used up, with the same result.
  absl::StatusOr<v1::ConsumeCodeResponse::SignedIn> SignInOrUp(const tenancy::TenantPtr& tenant,
                                                               rpc::CallContext& context,
                                                               const CodeTryOutcome& right,
                                                               bool mark_email_verified);
  // `databases`: one tenant for each database of the app.
  absl::StatusOr<v1::UpdateUserResponse::Outcome> Update(
      const std::vector<tenancy::TenantPtr>& databases, rpc::CallContext& context,
      const v1::UpdateUserRequest& request);
  // Removes the row and the codes of a login method.
  absl::Status Remove(const std::vector<tenancy::TenantPtr>& databases, rpc::CallContext& context,
                      const common::v1::RemoveCredentialsRequest& request);

  // Creates the rows of login methods that the registry has imported.
  absl::Status Import(const Where& where, const common::v1::ImportCredentialsRequest& request);

 private:
  // False: the user has been deleted.
  absl::StatusOr<bool> SaveUser(const tenancy::TenantPtr& tenant, rpc::CallContext& context,
                                PasswordlessUser user);
  // nullopt: no such login method. `home_tenant_id`: a tenant in the user's database; empty:
  // unknown.
  absl::StatusOr<std::optional<users::v1::LoginMethod>> Registered(
      const common::v1::Scope& scope, rpc::CallContext& context, const std::string& user_id,
      const std::string& home_tenant_id);

  users::v1::RegistryService& registry_;
  users::v1::UserDirectoryService& users_;
  DeviceStore& devices_;
  PasswordlessUserStore& store_;
};

}  // namespace gatehouse::passwordless
