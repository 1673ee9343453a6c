#include "services/users/emailverification/email_verification_service.h"

#include "libs/base/status.h"
#include "services/users/account_info.h"
#include "services/users/registry/user_scope.h"

namespace gatehouse::users {

absl::StatusOr<Where> EmailVerificationServiceImpl::ScopeOf(const common::v1::Scope& scope,
                                                            absl::Time deadline,
                                                            std::string_view user_id) {
  ASSIGN_OR_RETURN(std::vector<Where> scopes, ScopesOfApp(directory_, scope, deadline));
  return ScopeOfUserData(users_, scopes, user_id);
}

absl::StatusOr<v1::CreateEmailVerificationTokenResponse>
EmailVerificationServiceImpl::CreateEmailVerificationToken(
    rpc::CallContext& context, const v1::CreateEmailVerificationTokenRequest& request) {
  ASSIGN_OR_RETURN(Where tenant, ScopeOfTenant(directory_, request.scope(), context.deadline));
  ASSIGN_OR_RETURN(std::optional<std::string> token,
                   rules_.CreateToken(tenant, request.user_id(), NormaliseEmail(request.email())));
  v1::CreateEmailVerificationTokenResponse response;
  if (token.has_value()) {
    response.set_token(*std::move(token));
  } else {
    response.set_already_verified(true);
  }
  return response;
}

absl::StatusOr<v1::VerifyEmailResponse> EmailVerificationServiceImpl::VerifyEmail(
    rpc::CallContext& context, const v1::VerifyEmailRequest& request) {
  ASSIGN_OR_RETURN(Where tenant, ScopeOfTenant(directory_, request.scope(), context.deadline));
  ASSIGN_OR_RETURN(std::optional<VerifiedEmail> verified, rules_.UseToken(tenant, request.token()));
  v1::VerifyEmailResponse response;
  if (verified.has_value()) {
    response.mutable_verified()->set_user_id(std::move(verified->user_id));
    response.mutable_verified()->set_email(std::move(verified->email));
  } else {
    response.set_invalid_token(true);
  }
  return response;
}

absl::StatusOr<v1::RevokeEmailVerificationTokensResponse>
EmailVerificationServiceImpl::RevokeEmailVerificationTokens(
    rpc::CallContext& context, const v1::RevokeEmailVerificationTokensRequest& request) {
  ASSIGN_OR_RETURN(Where tenant, ScopeOfTenant(directory_, request.scope(), context.deadline));
  RETURN_IF_ERROR(store_.DeleteTokens(tenant, request.user_id(), NormaliseEmail(request.email())));
  return v1::RevokeEmailVerificationTokensResponse();
}

absl::StatusOr<v1::UnverifyEmailResponse> EmailVerificationServiceImpl::UnverifyEmail(
    rpc::CallContext& context, const v1::UnverifyEmailRequest& request) {
  ASSIGN_OR_RETURN(Where scope, ScopeOf(request.scope(), context.deadline, request.user_id()));
  RETURN_IF_ERROR(store_.Unverify(scope, request.user_id(), NormaliseEmail(request.email())));
  return v1::UnverifyEmailResponse();
}

absl::StatusOr<v1::IsEmailVerifiedResponse> EmailVerificationServiceImpl::IsEmailVerified(
    rpc::CallContext& context, const v1::IsEmailVerifiedRequest& request) {
  ASSIGN_OR_RETURN(Where scope, ScopeOf(request.scope(), context.deadline, request.user_id()));
  ASSIGN_OR_RETURN(const bool verified,
                   store_.IsVerified(scope, request.user_id(), request.email()));
  v1::IsEmailVerifiedResponse response;
  response.set_verified(verified);
  return response;
}

}  // namespace gatehouse::users
