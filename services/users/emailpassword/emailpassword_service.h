#pragma once

#include "gatehouse/users/v1/emailpassword_service.rpc.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/users/emailpassword/emailpassword.h"
#include "services/users/registry/activity_recorder.h"

namespace gatehouse::users {

// Email and password for clients (emailpassword_service.proto). Thread-safe.
class EmailPasswordServiceImpl final : public v1::EmailPasswordService {
 public:
  // All outlive the service.
  EmailPasswordServiceImpl(const tenancy::TenantDirectory& directory, EmailPassword& rules,
                           ActivityRecorder& activity)
      : directory_(directory), rules_(rules), activity_(activity) {}

  absl::StatusOr<v1::SignUpResponse> SignUp(rpc::CallContext& context,
                                            const v1::SignUpRequest& request) override;
  absl::StatusOr<v1::SignInResponse> SignIn(rpc::CallContext& context,
                                            const v1::SignInRequest& request) override;
  absl::StatusOr<v1::UpdateEmailOrPasswordResponse> UpdateEmailOrPassword(
      rpc::CallContext& context, const v1::UpdateEmailOrPasswordRequest& request) override;
  absl::StatusOr<v1::CreatePasswordResetTokenResponse> CreatePasswordResetToken(
      rpc::CallContext& context, const v1::CreatePasswordResetTokenRequest& request) override;
  absl::StatusOr<v1::ResetPasswordResponse> ResetPassword(
      rpc::CallContext& context, const v1::ResetPasswordRequest& request) override;
  absl::StatusOr<v1::ConsumePasswordResetTokenResponse> ConsumePasswordResetToken(
      rpc::CallContext& context, const v1::ConsumePasswordResetTokenRequest& request) override;
  absl::StatusOr<v1::ImportPasswordHashResponse> ImportPasswordHash(
      rpc::CallContext& context, const v1::ImportPasswordHashRequest& request) override;

 private:
  absl::Status NoteSignIn(const Where& scope, std::string_view event_type, const v1::User& user,
                          const v1::LoginMethod& method);

  const tenancy::TenantDirectory& directory_;
  EmailPassword& rules_;
  ActivityRecorder& activity_;
};

}  // namespace gatehouse::users
