#include "services/users/registry/passwordless_registry_service.h"

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "services/users/registry/passwordless_sign_in.h"
#include "services/users/registry/user_scope.h"

namespace gatehouse::users {
namespace {

constexpr size_t kMaxContact = 256;  // the columns' width

absl::Status CheckLength(std::string_view field, std::string_view value) {
  if (FitsColumn(value, kMaxContact)) return absl::OkStatus();
  return BadInput(std::string(field) + " must not be longer than 256 characters");
}

std::optional<ContactUpdate> UpdateOf(bool given, const v1::ContactUpdate& update) {
  if (!given) return std::nullopt;
  if (!update.has_value()) return ContactUpdate{};
  return ContactUpdate{update.value()};
}

}  // namespace

absl::StatusOr<v1::SignInOrUpPasswordlessResponse>
PasswordlessRegistryServiceImpl::SignInOrUpPasswordless(
    rpc::CallContext& context, const v1::SignInOrUpPasswordlessRequest& request) {
  using Request = v1::SignInOrUpPasswordlessRequest;
  AccountInfo contact;
  if (request.contact_case() == Request::kEmail) {
    RETURN_IF_ERROR(CheckLength("email", request.email()));
    contact = {std::string(kEmailInfo), request.email()};
  } else if (request.contact_case() == Request::kPhoneNumber) {
    RETURN_IF_ERROR(CheckLength("phoneNumber", request.phone_number()));
    contact = {std::string(kPhoneInfo), request.phone_number()};
  } else {
    return BadInput("Neither an email nor a phone number is given");
  }
  ASSIGN_OR_RETURN(RequestScope scope,
                   ScopeOfTenant(directory_, request.scope(), context.deadline));
  ASSIGN_OR_RETURN(PasswordlessSignedIn signed_in,
                   users::SignInOrUpPasswordless(users_, store_, clock_, scope, contact,
                                                 request.mark_email_verified()));
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  activity_.NoteSignIn(
      {app, context.deadline}, *scope.tenant,
      {.event_type = signed_in.created ? "passwordless_sign_up" : "passwordless_sign_in",
       .recipe_user_id = signed_in.method.supertokens_user_id(),
       .primary_or_recipe_user_id = signed_in.user.supertokens_user_id(),
       .auth_principal = contact.type == kEmailInfo ? "email" : "phone_number",
       .identifier = contact.value});
  v1::SignInOrUpPasswordlessResponse response;
  response.set_created(signed_in.created);
  *response.mutable_method() = std::move(signed_in.method);
  *response.mutable_user() = std::move(signed_in.user);
  return response;
}

absl::StatusOr<v1::UpdatePasswordlessUserResponse>
PasswordlessRegistryServiceImpl::UpdatePasswordlessUser(
    rpc::CallContext& context, const v1::UpdatePasswordlessUserRequest& request) {
  RETURN_IF_ERROR(CheckLength("email", request.email().value()));
  RETURN_IF_ERROR(CheckLength("phoneNumber", request.phone_number().value()));
  ASSIGN_OR_RETURN(std::vector<RequestScope> scopes,
                   ScopesOfApp(directory_, request.scope(), context.deadline));
  v1::UpdatePasswordlessUserResponse response;
  ASSIGN_OR_RETURN(const std::optional<LocatedUser> located,
                   LocateUser(users_, scopes, request.recipe_user_id()));
  if (!located.has_value()) {
    response.set_unknown_user(true);
    return response;
  }
  const std::string& user_id = located->id.user_id;
  ASSIGN_OR_RETURN(
      const ContactChange change,
      store_.ChangeContact(located->scope, user_id,
                           UpdateOf(request.has_email(), request.email()),
                           UpdateOf(request.has_phone_number(), request.phone_number())));
  const bool is_email = change.info_type == kEmailInfo;
  switch (change.result) {
    case ContactChange::Result::kUnknownUser:
      response.set_unknown_user(true);
      return response;
    case ContactChange::Result::kNoContactLeft:
      return BadInput("You cannot clear both email and phone number of a user");
    case ContactChange::Result::kTaken:
      if (is_email) response.set_email_already_exists(true);
      if (!is_email) response.set_phone_number_already_exists(true);
      return response;
    case ContactChange::Result::kNotAllowed:
      if (is_email) response.set_email_change_not_allowed(true);
      if (!is_email) response.set_phone_number_change_not_allowed(true);
      return response;
    case ContactChange::Result::kDone:
      break;
  }
  ASSIGN_OR_RETURN(const std::optional<v1::User> user,
                   users_.FindByInternalId(located->scope, user_id));
  const v1::LoginMethod* method = user.has_value() ? FindLoginMethod(*user, user_id) : nullptr;
  if (method == nullptr) {  // deleted since
    response.set_unknown_user(true);
    return response;
  }
  auto& updated = *response.mutable_updated();
  *updated.mutable_method() = *method;
  if (change.previous_email.has_value()) updated.set_previous_email(*change.previous_email);
  if (change.previous_phone_number.has_value()) {
    updated.set_previous_phone_number(*change.previous_phone_number);
  }
  return response;
}

}  // namespace gatehouse::users
