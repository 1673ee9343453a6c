#pragma once

#include <functional>
#include <utility>

#include "gatehouse/common/v1/credentials_service.rpc.h"
#include "gatehouse/webauthn/v1/webauthn_service.rpc.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/webauthn/account_recovery.h"
#include "services/webauthn/email_change.h"
#include "services/webauthn/passkeys.h"

namespace gatehouse::webauthn {

// webauthn_service.proto and credentials_service.proto: finds the tenant and calls the rules
// (passkeys.h, account_recovery.h, email_change.h). Thread-safe.
class WebauthnServiceImpl final : public v1::WebauthnService,
                                  public common::v1::CredentialsService {
 public:
  // All outlive the service. `cut_off` is called after a failed call that may have left a user's
  // row different from the registry's.
  WebauthnServiceImpl(
      const tenancy::TenantDirectory& directory, users::v1::RegistryService& registry,
      users::v1::UserDirectoryService& users, PgOptionsStore& options,
      PgCredentialStore& credentials, PgRecoveryStore& recovery, const Clock& clock,
      std::function<void()> cut_off = [] {})
      : directory_(directory),
        users_(users),
        options_(options),
        credentials_(credentials),
        clock_(clock),
        passkeys_(registry, users, options, credentials, clock),
        recovery_(users, recovery, clock),
        email_change_(directory, registry, users, credentials, recovery),
        cut_off_(std::move(cut_off)) {}

  absl::StatusOr<v1::CreateRegistrationOptionsResponse> CreateRegistrationOptions(
      rpc::CallContext& context, const v1::CreateRegistrationOptionsRequest& request) override;
  absl::StatusOr<v1::CreateSignInOptionsResponse> CreateSignInOptions(
      rpc::CallContext& context, const v1::CreateSignInOptionsRequest& request) override;
  absl::StatusOr<v1::GetOptionsResponse> GetOptions(rpc::CallContext& context,
                                                    const v1::GetOptionsRequest& request) override;
  absl::StatusOr<v1::RemoveOptionsResponse> RemoveOptions(
      rpc::CallContext& context, const v1::RemoveOptionsRequest& request) override;
  absl::StatusOr<v1::SignUpResponse> SignUp(rpc::CallContext& context,
                                            const v1::SignUpRequest& request) override;
  absl::StatusOr<v1::SignInResponse> SignIn(rpc::CallContext& context,
                                            const v1::SignInRequest& request) override;
  absl::StatusOr<v1::RegisterCredentialResponse> RegisterCredential(
      rpc::CallContext& context, const v1::RegisterCredentialRequest& request) override;
  absl::StatusOr<v1::ListCredentialsResponse> ListCredentials(
      rpc::CallContext& context, const v1::ListCredentialsRequest& request) override;
  absl::StatusOr<v1::GetCredentialResponse> GetCredential(
      rpc::CallContext& context, const v1::GetCredentialRequest& request) override;
  absl::StatusOr<v1::RemoveCredentialResponse> RemoveCredential(
      rpc::CallContext& context, const v1::RemoveCredentialRequest& request) override;
  absl::StatusOr<v1::CreateRecoveryTokenResponse> CreateRecoveryToken(
      rpc::CallContext& context, const v1::CreateRecoveryTokenRequest& request) override;
  absl::StatusOr<v1::GetRecoveryUserResponse> GetRecoveryUser(
      rpc::CallContext& context, const v1::GetRecoveryUserRequest& request) override;
  absl::StatusOr<v1::ConsumeRecoveryTokenResponse> ConsumeRecoveryToken(
      rpc::CallContext& context, const v1::ConsumeRecoveryTokenRequest& request) override;
  absl::StatusOr<v1::UpdateEmailResponse> UpdateEmail(
      rpc::CallContext& context, const v1::UpdateEmailRequest& request) override;

  absl::StatusOr<common::v1::RemoveCredentialsResponse> RemoveCredentials(
      rpc::CallContext& context, const common::v1::RemoveCredentialsRequest& request) override;
  absl::StatusOr<common::v1::ImportCredentialsResponse> ImportCredentials(
      rpc::CallContext& context, const common::v1::ImportCredentialsRequest& request) override;

 private:
  const tenancy::TenantDirectory& directory_;
  users::v1::UserDirectoryService& users_;
  PgOptionsStore& options_;
  PgCredentialStore& credentials_;
  const Clock& clock_;
  Passkeys passkeys_;
  AccountRecovery recovery_;
  EmailChange email_change_;
  const std::function<void()> cut_off_;
};

}  // namespace gatehouse::webauthn
