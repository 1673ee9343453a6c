#include "services/users/emailpassword/emailpassword_service.h"

#include "libs/base/problem.h"
#include "libs/base/status.h"

namespace gatehouse::users {
namespace {

// Far beyond any real password or token; a bound on what is hashed.
constexpr size_t kMaxSecretBytes = 64 * 1024;

absl::Status CheckSecret(std::string_view field, std::string_view secret,
                         std::string_view message) {
  if (secret.size() <= kMaxSecretBytes) return absl::OkStatus();
  return BadInput(Problem::kTooLong, message,
                  {{"field", std::string(field)}, {"max_bytes", std::to_string(kMaxSecretBytes)}});
}

constexpr std::string_view kPasswordTooLong = "Password is too long";

}  // namespace

absl::Status EmailPasswordServiceImpl::NoteSignIn(const Where& scope, std::string_view event_type,
                                                  const v1::User& user,
                                                  const v1::LoginMethod& method) {
  ASSIGN_OR_RETURN(tenancy::TenantPtr app,
                   directory_.FindApp(scope.tenant->scope(), scope.deadline));
  activity_.NoteSignIn({app, scope.deadline}, *scope.tenant,
                       {.event_type = event_type,
                        .recipe_user_id = method.supertokens_user_id(),
                        .primary_or_recipe_user_id = user.supertokens_user_id(),
                        .auth_principal = "email",
                        .identifier = method.email()});
  return absl::OkStatus();
}

absl::StatusOr<v1::SignUpResponse> EmailPasswordServiceImpl::SignUp(
    rpc::CallContext& context, const v1::SignUpRequest& request) {
  RETURN_IF_ERROR(CheckSecret("password", request.password(), kPasswordTooLong));
  if (request.password().empty()) {
    return BadInput(Problem::kEmpty, "Password cannot be an empty string", {{"field", "password"}});
  }
  ASSIGN_OR_RETURN(Where scope, ScopeOfTenant(directory_, request.scope(), context.deadline));
  RETURN_IF_ERROR(CheckEmailPasswordGate(*scope.tenant, request.gate()));
  ASSIGN_OR_RETURN(std::optional<v1::User> user,
                   rules_.SignUp(scope, request.email(), request.password()));
  v1::SignUpResponse response;
  if (!user.has_value()) {
    response.set_email_already_exists(true);
    return response;
  }
  RETURN_IF_ERROR(NoteSignIn(scope, "emailpassword_sign_up", *user, user->login_methods(0)));
  response.mutable_signed_up()->set_recipe_user_id(user->login_methods(0).recipe_user_id());
  *response.mutable_signed_up()->mutable_user() = *std::move(user);
  return response;
}

absl::StatusOr<v1::SignInResponse> EmailPasswordServiceImpl::SignIn(
    rpc::CallContext& context, const v1::SignInRequest& request) {
  RETURN_IF_ERROR(CheckSecret("password", request.password(), kPasswordTooLong));
  ASSIGN_OR_RETURN(Where scope, ScopeOfTenant(directory_, request.scope(), context.deadline));
  RETURN_IF_ERROR(CheckEmailPasswordGate(*scope.tenant, request.gate()));
  ASSIGN_OR_RETURN(std::optional<SignedIn> signed_in,
                   rules_.SignIn(scope, request.email(), request.password()));
  v1::SignInResponse response;
  if (!signed_in.has_value()) {
    response.set_wrong_credentials(true);
    return response;
  }
  RETURN_IF_ERROR(
      NoteSignIn(scope, "emailpassword_sign_in", signed_in->user, signed_in->method));
  response.mutable_signed_in()->set_recipe_user_id(signed_in->method.recipe_user_id());
  *response.mutable_signed_in()->mutable_user() = std::move(signed_in->user);
  return response;
}

absl::StatusOr<v1::UpdateEmailOrPasswordResponse> EmailPasswordServiceImpl::UpdateEmailOrPassword(
    rpc::CallContext& context, const v1::UpdateEmailOrPasswordRequest& request) {
  RETURN_IF_ERROR(CheckSecret("password", request.password(), kPasswordTooLong));
  if (!request.has_email() && !request.has_password()) {
    return BadInput(Problem::kMissing, "You have to provide either email or password.",
                    {{"field", "email,password"}});
  }
  ASSIGN_OR_RETURN(std::vector<Where> scopes,
                   ScopesOfApp(directory_, request.scope(), context.deadline));
  ASSIGN_OR_RETURN(
      const EmailChange change,
      rules_.Update(scopes, request.recipe_user_id(),
                    request.has_email() ? std::optional(request.email()) : std::nullopt,
                    request.has_password() ? &request.password() : nullptr));
  v1::UpdateEmailOrPasswordResponse response;
  switch (change) {
    case EmailChange::kDone:
      response.set_updated(true);
      break;
    case EmailChange::kNoContactLeft:
    case EmailChange::kUnknownUser:
      response.set_unknown_user_id(true);
      break;
    case EmailChange::kTaken:
      response.set_email_already_exists(true);
      break;
    case EmailChange::kNotAllowed:
      response.set_email_change_not_allowed_reason(
          "New email is associated with another primary user ID");
      break;
  }
  return response;
}

absl::StatusOr<v1::CreatePasswordResetTokenResponse>
EmailPasswordServiceImpl::CreatePasswordResetToken(
    rpc::CallContext& context, const v1::CreatePasswordResetTokenRequest& request) {
  ASSIGN_OR_RETURN(Where tenant, ScopeOfTenant(directory_, request.scope(), context.deadline));
  RETURN_IF_ERROR(CheckEmailPasswordGate(*tenant.tenant, request.gate()));
  v1::CreatePasswordResetTokenResponse response;
  // The user is looked up in the tenant's database, which tenants may share.
  if (request.only_find_user()) {
    ASSIGN_OR_RETURN(const bool found, rules_.HasUser(tenant, request.user_id()));
    if (!found) response.set_unknown_user_id(true);
    return response;
  }
  ASSIGN_OR_RETURN(std::optional<std::string> token,
                   rules_.CreateResetToken(
                       {tenant}, tenant, request.user_id(),
                       request.has_email() ? std::optional(request.email()) : std::nullopt));
  if (token.has_value()) {
    response.set_token(*std::move(token));
  } else {
    response.set_unknown_user_id(true);
  }
  return response;
}

absl::StatusOr<v1::ResetPasswordResponse> EmailPasswordServiceImpl::ResetPassword(
    rpc::CallContext& context, const v1::ResetPasswordRequest& request) {
  RETURN_IF_ERROR(CheckSecret("newPassword", request.new_password(), kPasswordTooLong));
  if (request.new_password().empty()) {
    return BadInput(Problem::kEmpty, "Password cannot be an empty string",
                    {{"field", "newPassword"}});
  }
  ASSIGN_OR_RETURN(Where scope, ScopeOfTenant(directory_, request.scope(), context.deadline));
  ASSIGN_OR_RETURN(std::optional<std::string> user_id,
                   rules_.ResetPassword(scope, request.token(), request.new_password()));
  v1::ResetPasswordResponse response;
  if (user_id.has_value()) {
    response.set_user_id(*std::move(user_id));
  } else {
    response.set_invalid_token(true);
  }
  return response;
}

absl::StatusOr<v1::ConsumePasswordResetTokenResponse>
EmailPasswordServiceImpl::ConsumePasswordResetToken(
    rpc::CallContext& context, const v1::ConsumePasswordResetTokenRequest& request) {
  ASSIGN_OR_RETURN(Where scope, ScopeOfTenant(directory_, request.scope(), context.deadline));
  ASSIGN_OR_RETURN(std::optional<ResetTokenUser> user,
                   rules_.ConsumeResetToken(scope, request.token()));
  v1::ConsumePasswordResetTokenResponse response;
  if (user.has_value()) {
    response.mutable_consumed()->set_user_id(std::move(user->user_id));
    response.mutable_consumed()->set_email(std::move(user->email));
  } else {
    response.set_invalid_token(true);
  }
  return response;
}

absl::StatusOr<v1::ImportPasswordHashResponse> EmailPasswordServiceImpl::ImportPasswordHash(
    rpc::CallContext& context, const v1::ImportPasswordHashRequest& request) {
  RETURN_IF_ERROR(
      CheckSecret("passwordHash", request.password_hash(), "Password hash is too long"));
  if (request.password_hash().empty()) {
    return BadInput(Problem::kEmpty, "Password hash cannot be an empty string",
                    {{"field", "passwordHash"}});
  }
  ASSIGN_OR_RETURN(Where scope, ScopeOfTenant(directory_, request.scope(), context.deadline));
  RETURN_IF_ERROR(CheckEmailPasswordGate(*scope.tenant, request.gate()));
  ASSIGN_OR_RETURN(auto imported, rules_.ImportHash(scope, request.email(),
                                                    request.password_hash(),
                                                    request.algorithm()));
  v1::ImportPasswordHashResponse response;
  *response.mutable_user() = std::move(imported.first);
  response.set_did_user_already_exist(imported.second);
  return response;
}

}  // namespace gatehouse::users
