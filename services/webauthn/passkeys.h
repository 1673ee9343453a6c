#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "gatehouse/users/v1/registry_service.rpc.h"
#include "gatehouse/users/v1/user_directory_service.rpc.h"
#include "gatehouse/webauthn/v1/webauthn_service.pb.h"
#include "libs/base/clock.h"
#include "services/webauthn/pg_credential_store.h"
#include "services/webauthn/pg_options_store.h"

namespace gatehouse::webauthn {

// Signing up and in, and whose passkeys are whose. Holds no database connection while it waits for
// the users service. Thread-safe.
class Passkeys {
 public:
  // All outlive this.
  Passkeys(users::v1::RegistryService& registry, users::v1::UserDirectoryService& users,
           PgOptionsStore& options, PgCredentialStore& credentials, const Clock& clock)
      : registry_(registry),
        users_(users),
        options_(options),
        credentials_(credentials),
        clock_(clock) {}

  // In steps: the registry registers the email, then this service's rows make the user whole. What
  // is interrupted in between is a login method without a row here; the next sign-up of the email
  // takes it over, as long as nobody has done anything with it.
  absl::StatusOr<v1::SignUpResponse> SignUp(const tenancy::TenantPtr& tenant,
                                            rpc::CallContext& context,
                                            const v1::SignUpRequest& request);
  absl::StatusOr<v1::SignInResponse> SignIn(const tenancy::TenantPtr& tenant,
                                            rpc::CallContext& context,
                                            const v1::SignInRequest& request);
  absl::StatusOr<v1::RegisterCredentialResponse> RegisterCredential(
      const tenancy::TenantPtr& tenant, rpc::CallContext& context,
      const v1::RegisterCredentialRequest& request);

  // The passkey login method with this internal or external id in the tenant's database.
  absl::StatusOr<std::optional<users::v1::LoginMethod>> FindMethod(const tenancy::TenantPtr& tenant,
                                                                   rpc::CallContext& context,
                                                                   const std::string& id);

 private:
  users::v1::RegistryService& registry_;
  users::v1::UserDirectoryService& users_;
  PgOptionsStore& options_;
  PgCredentialStore& credentials_;
  const Clock& clock_;
};

}  // namespace gatehouse::webauthn
