#pragma once

#include "gatehouse/users/v1/email_verification_service.rpc.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/users/emailverification/email_verification.h"
#include "services/users/registry/pg_user_store.h"

namespace gatehouse::users {

// email_verification_service.proto. Thread-safe.
class EmailVerificationServiceImpl final : public v1::EmailVerificationService {
 public:
  // All outlive the service.
  EmailVerificationServiceImpl(const tenancy::TenantDirectory& directory, PgUserStore& users,
                               PgEmailVerificationStore& store, EmailVerification& rules)
      : directory_(directory), users_(users), store_(store), rules_(rules) {}

  absl::StatusOr<v1::CreateEmailVerificationTokenResponse> CreateEmailVerificationToken(
      rpc::CallContext& context, const v1::CreateEmailVerificationTokenRequest& request) override;
  absl::StatusOr<v1::VerifyEmailResponse> VerifyEmail(
      rpc::CallContext& context, const v1::VerifyEmailRequest& request) override;
  absl::StatusOr<v1::RevokeEmailVerificationTokensResponse> RevokeEmailVerificationTokens(
      rpc::CallContext& context, const v1::RevokeEmailVerificationTokensRequest& request) override;
  absl::StatusOr<v1::UnverifyEmailResponse> UnverifyEmail(
      rpc::CallContext& context, const v1::UnverifyEmailRequest& request) override;
  absl::StatusOr<v1::IsEmailVerifiedResponse> IsEmailVerified(
      rpc::CallContext& context, const v1::IsEmailVerifiedRequest& request) override;

 private:
  absl::StatusOr<Where> ScopeOf(const common::v1::Scope& scope, absl::Time deadline,
                                std::string_view user_id);

  const tenancy::TenantDirectory& directory_;
  PgUserStore& users_;
  PgEmailVerificationStore& store_;
  EmailVerification& rules_;
};

}  // namespace gatehouse::users
