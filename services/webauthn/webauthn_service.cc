#include "services/webauthn/webauthn_service.h"

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "libs/base/contact_info.h"
#include "libs/base/status.h"
#include "libs/tenancy/ask_databases.h"
#include "services/webauthn/ceremony_options.h"

namespace gatehouse::webauthn {
namespace {

using tenancy::TenantPtr;
using users::v1::LoginMethod;

void Write(const webauthn::Credential& credential, v1::Credential& reply) {
  reply.set_id(credential.id);
  reply.set_relying_party_id(credential.rp_id);
  reply.set_created_at_ms(credential.created_at_ms);
  reply.set_updated_at_ms(credential.updated_at_ms);
}

}  // namespace

absl::StatusOr<v1::CreateRegistrationOptionsResponse>
WebauthnServiceImpl::CreateRegistrationOptions(
    rpc::CallContext& context, const v1::CreateRegistrationOptionsRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  v1::CreateRegistrationOptionsResponse response;
  ASSIGN_OR_RETURN(auto made,
                   MakeOptions(request.relying_party(), request.demands(), clock_.NowMs()));
  if (const auto* invalid = std::get_if<InvalidOptions>(&made)) {
    response.set_invalid(invalid->reason);
    return response;
  }
  const auto attestation = Choose(kAttestation, request.has_attestation(), request.attestation());
  if (const auto* invalid = std::get_if<InvalidOptions>(&attestation)) {
    response.set_invalid(invalid->reason);
    return response;
  }
  const auto resident_key =
      Choose(kResidentKey, request.has_resident_key(), request.resident_key());
  if (const auto* invalid = std::get_if<InvalidOptions>(&resident_key)) {
    response.set_invalid(invalid->reason);
    return response;
  }
  CeremonyOptions& options = std::get<CeremonyOptions>(made);
  options.email = NormaliseEmail(request.email());
  RETURN_IF_ERROR(CheckWidth("email", *options.email));
  // The same person's passkeys get the same handle, so that an authenticator replaces the old one.
  users::v1::FindUsersRequest find;
  *find.mutable_scope() = tenant->scope();
  find.set_email(*options.email);
  ASSIGN_OR_RETURN(const users::v1::FindUsersResponse found, users_.FindUsers(context, find));
  RETURN_IF_ERROR(options_.Save({tenant, context.deadline}, options));
  auto& created = *response.mutable_created();
  *created.mutable_options() = OptionsMessage(options);
  created.set_user_handle(found.users_size() > 0 ? found.users(0).supertokens_user_id()
                                                 : options.id);
  created.set_attestation(std::get<std::string>(attestation));
  created.set_resident_key(std::get<std::string>(resident_key));
  return response;
}

absl::StatusOr<v1::CreateSignInOptionsResponse> WebauthnServiceImpl::CreateSignInOptions(
    rpc::CallContext& context, const v1::CreateSignInOptionsRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  v1::CreateSignInOptionsResponse response;
  ASSIGN_OR_RETURN(const auto made,
                   MakeOptions(request.relying_party(), request.demands(), clock_.NowMs()));
  if (const auto* invalid = std::get_if<InvalidOptions>(&made)) {
    response.set_invalid(invalid->reason);
    return response;
  }
  const CeremonyOptions& options = std::get<CeremonyOptions>(made);
  RETURN_IF_ERROR(options_.Save({tenant, context.deadline}, options));
  *response.mutable_options() = OptionsMessage(options);
  return response;
}

absl::StatusOr<v1::GetOptionsResponse> WebauthnServiceImpl::GetOptions(
    rpc::CallContext& context, const v1::GetOptionsRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const std::optional<CeremonyOptions> options,
                   options_.Find({tenant, context.deadline}, request.options_id()));
  v1::GetOptionsResponse response;
  if (options.has_value()) *response.mutable_options() = OptionsMessage(*options);
  return response;
}

absl::StatusOr<v1::RemoveOptionsResponse> WebauthnServiceImpl::RemoveOptions(
    rpc::CallContext& context, const v1::RemoveOptionsRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const bool existed,
                   options_.Remove({tenant, context.deadline}, request.options_id()));
  v1::RemoveOptionsResponse response;
  response.set_existed(existed);
  return response;
}

absl::StatusOr<v1::SignUpResponse> WebauthnServiceImpl::SignUp(rpc::CallContext& context,
                                                               const v1::SignUpRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  return passkeys_.SignUp(tenant, context, request);
}

absl::StatusOr<v1::SignInResponse> WebauthnServiceImpl::SignIn(rpc::CallContext& context,
                                                               const v1::SignInRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  return passkeys_.SignIn(tenant, context, request);
}

absl::StatusOr<v1::RegisterCredentialResponse> WebauthnServiceImpl::RegisterCredential(
    rpc::CallContext& context, const v1::RegisterCredentialRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  return passkeys_.RegisterCredential(tenant, context, request);
}

absl::StatusOr<v1::ListCredentialsResponse> WebauthnServiceImpl::ListCredentials(
    rpc::CallContext& context, const v1::ListCredentialsRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const std::optional<LoginMethod> method,
                   passkeys_.FindMethod(tenant, context, request.recipe_user_id()));
  v1::ListCredentialsResponse response;
  if (!method.has_value()) return response;
  ASSIGN_OR_RETURN(const auto credentials,
                   credentials_.ListOfUser({tenant, context.deadline},
                                           method->supertokens_user_id(), std::nullopt));
  for (const auto& credential : credentials) Write(credential, *response.add_credentials());
  return response;
}

absl::StatusOr<v1::GetCredentialResponse> WebauthnServiceImpl::GetCredential(
    rpc::CallContext& context, const v1::GetCredentialRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const std::optional<LoginMethod> method,
                   passkeys_.FindMethod(tenant, context, request.recipe_user_id()));
  v1::GetCredentialResponse response;
  if (!method.has_value()) return response;
  ASSIGN_OR_RETURN(const auto credentials,
                   credentials_.ListOfUser({tenant, context.deadline},
                                           method->supertokens_user_id(), request.credential_id()));
  if (!credentials.empty()) Write(credentials.front(), *response.mutable_credential());
  return response;
}

absl::StatusOr<v1::RemoveCredentialResponse> WebauthnServiceImpl::RemoveCredential(
    rpc::CallContext& context, const v1::RemoveCredentialRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const std::optional<LoginMethod> method,
                   passkeys_.FindMethod(tenant, context, request.recipe_user_id()));
  v1::RemoveCredentialResponse response;
  if (!method.has_value()) return response;
  ASSIGN_OR_RETURN(const bool existed,
                   credentials_.Remove({tenant, context.deadline}, method->supertokens_user_id(),
                                       request.credential_id()));
  response.set_existed(existed);
  return response;
}

absl::StatusOr<v1::CreateRecoveryTokenResponse> WebauthnServiceImpl::CreateRecoveryToken(
    rpc::CallContext& context, const v1::CreateRecoveryTokenRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const std::optional<std::string> token,
                   recovery_.CreateToken(tenant, context, request.user_id(), request.email()));
  v1::CreateRecoveryTokenResponse response;
  response.set_token(token.value_or(""));
  return response;
}

absl::StatusOr<v1::GetRecoveryUserResponse> WebauthnServiceImpl::GetRecoveryUser(
    rpc::CallContext& context, const v1::GetRecoveryUserRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  return recovery_.GetUser(tenant, context, request.token());
}

absl::StatusOr<v1::ConsumeRecoveryTokenResponse> WebauthnServiceImpl::ConsumeRecoveryToken(
    rpc::CallContext& context, const v1::ConsumeRecoveryTokenRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  return recovery_.Consume(tenant, context, request.token());
}

absl::StatusOr<v1::UpdateEmailResponse> WebauthnServiceImpl::UpdateEmail(
    rpc::CallContext& context, const v1::UpdateEmailRequest& request) {
  // App-wide, but the tenant that is named must exist.
  RETURN_IF_ERROR(directory_.Find(request.scope(), context.deadline).status());
  const absl::StatusOr<v1::UpdateEmailResponse::Outcome> outcome =
      email_change_.Update(context, request);
  if (!outcome.ok()) {
    cut_off_();
    return outcome.status();
  }
  v1::UpdateEmailResponse response;
  response.set_outcome(*outcome);
  return response;
}

absl::StatusOr<common::v1::RemoveCredentialsResponse> WebauthnServiceImpl::RemoveCredentials(
    rpc::CallContext& context, const common::v1::RemoveCredentialsRequest& request) {
  ASSIGN_OR_RETURN(const std::vector<TenantPtr> databases,
                   tenancy::DatabasesOfUser(directory_, request.scope(), request.home_tenant_id(),
                                            context.deadline));
  for (const TenantPtr& tenant : databases) {
    RETURN_IF_ERROR(
        credentials_.RemoveUser({tenant, context.deadline}, request.supertokens_user_id()));
  }
  return common::v1::RemoveCredentialsResponse();
}

// A passkey proves itself in a ceremony: there is nothing to import.
absl::StatusOr<common::v1::ImportCredentialsResponse> WebauthnServiceImpl::ImportCredentials(
    rpc::CallContext& /*context*/, const common::v1::ImportCredentialsRequest& /*request*/) {
  return MakeError(ErrorReason::kNotSupported, "Passkeys cannot be imported");
}

}  // namespace gatehouse::webauthn
