#include "services/passwordless/passwordless_users.h"

#include <string_view>
#include <utility>

#include "libs/base/contact_info.h"
#include "libs/base/status.h"
#include "libs/tenancy/ask_databases.h"
#include "libs/tenancy/recipe_gate.h"

namespace gatehouse::passwordless {
namespace {

using users::v1::ChangeIdentityResponse;
using users::v1::LoginMethod;
using Outcome = v1::UpdateUserResponse;

constexpr char kRecipeId[] = "passwordless";
constexpr char kTooManyChanges[] = "The user is being changed by many requests at once";

// A user that is deleted, or changed, between the steps costs a round. Of many concurrent changes
// of one user each round lets one through: this many may wait for each other.
constexpr int kMaxRounds = 50;

PasswordlessUser RowOf(const LoginMethod& method) {
  PasswordlessUser user;
  user.user_id = method.supertokens_user_id();
  if (method.has_email()) user.email = method.email();
  if (method.has_phone_number()) user.phone_number = method.phone_number();
  user.time_joined_ms = method.time_joined_ms();
  return user;
}

std::vector<std::string> TenantsOf(const LoginMethod& method) {
  return {method.tenant_ids().begin(), method.tenant_ids().end()};
}

std::vector<ContactInfo> ContactsOf(const std::optional<std::string>& email,
                                    const std::optional<std::string>& phone_number) {
  std::vector<ContactInfo> contacts;
  if (email.has_value()) contacts.push_back({true, *email});
  if (phone_number.has_value()) contacts.push_back({false, *phone_number});
  return contacts;
}

// The contacts before and after, if they differ.
std::vector<ContactInfo> ChangedContacts(const ChangeIdentityResponse::Changed& change) {
  std::vector<ContactInfo> changed;
  const LoginMethod& now = change.method();
  auto add = [&](bool is_email, bool had, const std::string& before, bool has,
                 const std::string& after) {
    if (had == has && before == after) return;
    if (had) changed.push_back({is_email, before});
    if (has) changed.push_back({is_email, after});
  };
  add(true, change.has_previous_email(), change.previous_email(), now.has_email(), now.email());
  add(false, change.has_previous_phone_number(), change.previous_phone_number(),
      now.has_phone_number(), now.phone_number());
  return changed;
}

}  // namespace

absl::Status CheckPasswordlessGate(const tenancy::Tenant& tenant, common::v1::RecipeGate gate) {
  return tenancy::CheckRecipeGate(
      tenant, gate,
      {.id = kRecipeId,
       .name = "Passwordless",
       .enabled = tenant.record.passwordless_enabled(),
       .factors = {"otp-email", "otp-phone", "link-email", "link-phone"}});
}

absl::StatusOr<v1::ConsumeCodeResponse::SignedIn> PasswordlessUsers::SignInOrUp(
    const tenancy::TenantPtr& tenant, rpc::CallContext& context, const CodeTryOutcome& right,
    bool mark_email_verified) {
  const ContactInfo& contact = right.device.contact;
  users::v1::SignInOrUpRequest call;
  *call.mutable_scope() = tenant->scope();
  users::v1::Identity& identity = *call.mutable_identity();
  identity.set_recipe_id(kRecipeId);
  if (contact.is_email) identity.set_email(contact.value);
  if (!contact.is_email) identity.set_phone_number(contact.value);
  call.set_is_email_verified(mark_email_verified);
  for (int round = 0; round < kMaxRounds; ++round) {
    ASSIGN_OR_RETURN(users::v1::SignInOrUpResponse response, registry_.SignInOrUp(context, call));
    auto& registered = *response.mutable_signed_in();
    const LoginMethod& method = registered.method();
    const PasswordlessUser row = RowOf(method);
    ASSIGN_OR_RETURN(const bool saved, SaveUser(tenant, context, row));
    if (!saved) continue;
    // Codes that were sent to the user's other address are no longer valid.
    for (const ContactInfo& other : ContactsOf(row.email, row.phone_number)) {
      if (other.is_email == contact.is_email) continue;
      RETURN_IF_ERROR(
          devices_.RemoveDevicesOf({tenant, context.deadline}, {tenant->tenant_id}, other));
    }
    v1::ConsumeCodeResponse::SignedIn signed_in;
    // A user that signed up since the code was created did so in an interrupted attempt, or
    // concurrently with this one: if another code had been used, this one would be gone.
    signed_in.set_created(registered.created() ||
                          method.time_joined_ms() > right.code.created_at_ms);
    signed_in.set_recipe_user_id(method.recipe_user_id());
    *signed_in.mutable_user() = std::move(*registered.mutable_user());
    return signed_in;
  }
  return MakeError(ErrorReason::kOverloaded, kTooManyChanges);
}

absl::StatusOr<Outcome::Outcome> PasswordlessUsers::Update(
    const std::vector<tenancy::TenantPtr>& databases, rpc::CallContext& context,
    const v1::UpdateUserRequest& request) {
  users::v1::ChangeIdentityRequest call;
  *call.mutable_scope() = request.scope();
  call.set_recipe_id(kRecipeId);
  call.set_recipe_user_id(request.recipe_user_id());
  if (request.has_email()) {
    auto& email = *call.mutable_email();
    if (request.email().has_value()) email.set_value(NormaliseEmail(request.email().value()));
  }
  if (request.has_phone_number()) {
    auto& phone_number = *call.mutable_phone_number();
    if (request.phone_number().has_value()) {
      phone_number.set_value(NormalisePhoneNumber(request.phone_number().value()));
    }
  }
  ASSIGN_OR_RETURN(const ChangeIdentityResponse response, registry_.ChangeIdentity(context, call));
  switch (response.outcome_case()) {
    case ChangeIdentityResponse::kEmailAlreadyExists:
      return Outcome::OUTCOME_EMAIL_ALREADY_EXISTS;
    case ChangeIdentityResponse::kPhoneNumberAlreadyExists:
      return Outcome::OUTCOME_PHONE_NUMBER_ALREADY_EXISTS;
    case ChangeIdentityResponse::kEmailChangeNotAllowed:
      return Outcome::OUTCOME_EMAIL_CHANGE_NOT_ALLOWED;
    case ChangeIdentityResponse::kPhoneNumberChangeNotAllowed:
      return Outcome::OUTCOME_PHONE_NUMBER_CHANGE_NOT_ALLOWED;
    case ChangeIdentityResponse::kChanged:
      break;
    default:
      return Outcome::OUTCOME_UNKNOWN_USER;
  }
  const LoginMethod& method = response.changed().method();
  bool known = false;  // the registry does not tell which of the app's databases has the user
  ASSIGN_OR_RETURN(
      const auto missing,
      tenancy::AskDatabases(
          databases, context.deadline,
          [&](const tenancy::TenantPtr& tenant, absl::Time deadline) -> absl::StatusOr<bool> {
            for (const ContactInfo& contact : ChangedContacts(response.changed())) {
              RETURN_IF_ERROR(
                  devices_.RemoveDevicesOf({tenant, deadline}, TenantsOf(method), contact));
            }
            if (known) return false;
            ASSIGN_OR_RETURN(known, SaveUser(tenant, context, RowOf(method)));
            return false;
          }));
  // A user's codes are where the user is.
  if (!known) RETURN_IF_ERROR(tenancy::NeedsAll(missing));
  return known ? Outcome::OUTCOME_UPDATED : Outcome::OUTCOME_UNKNOWN_USER;
}

absl::Status PasswordlessUsers::Remove(const std::vector<tenancy::TenantPtr>& databases,
                                       rpc::CallContext& context,
                                       const common::v1::RemoveCredentialsRequest& request) {
  const std::string& user_id = request.supertokens_user_id();
  ASSIGN_OR_RETURN(const std::optional<LoginMethod> method,
                   Registered(request.scope(), context, user_id, request.home_tenant_id()));
  for (const tenancy::TenantPtr& tenant : databases) {
    const Where where = {tenant, context.deadline};
    if (method.has_value()) {
      const PasswordlessUser user = RowOf(*method);
      for (const ContactInfo& contact : ContactsOf(user.email, user.phone_number)) {
        RETURN_IF_ERROR(devices_.RemoveDevicesOf(where, TenantsOf(*method), contact));
      }
    }
    RETURN_IF_ERROR(store_.RemoveUser(where, user_id));
  }
  return absl::OkStatus();
}

absl::StatusOr<bool> PasswordlessUsers::SaveUser(const tenancy::TenantPtr& tenant,
                                                 rpc::CallContext& context, PasswordlessUser user) {
  for (int round = 0; round < kMaxRounds; ++round) {
    ASSIGN_OR_RETURN(const SaveOutcome outcome, store_.SaveUser({tenant, context.deadline}, user));
    if (outcome != SaveOutcome::kContactChanged) return outcome == SaveOutcome::kSaved;
    // Of two concurrent changes, the one that the registry accepted first may save last. Every
    // change checks the registry after writing the row, so that its state prevails.
    ASSIGN_OR_RETURN(const std::optional<LoginMethod> registered,
                     Registered(tenant->scope(), context, user.user_id, tenant->tenant_id));
    if (!registered.has_value()) return false;
    PasswordlessUser now = RowOf(*registered);
    if (now.email == user.email && now.phone_number == user.phone_number) return true;
    user = std::move(now);
  }
  return MakeError(ErrorReason::kOverloaded, kTooManyChanges);
}

absl::StatusOr<std::optional<LoginMethod>> PasswordlessUsers::Registered(
    const common::v1::Scope& scope, rpc::CallContext& context, const std::string& user_id,
    const std::string& home_tenant_id) {
  users::v1::GetUserRequest request;
  *request.mutable_scope() = scope;
  request.set_user_id(user_id);
  request.set_recipe_id(kRecipeId);
  request.set_home_tenant_id(home_tenant_id);
  ASSIGN_OR_RETURN(const users::v1::GetUserResponse response, users_.GetUser(context, request));
  if (response.user().login_methods().empty()) return std::nullopt;
  return response.user().login_methods(0);
}

absl::Status PasswordlessUsers::Import(const Where& where,
                                       const common::v1::ImportCredentialsRequest& request) {
  std::vector<PasswordlessUser> users;
  for (const common::v1::ImportedCredentials& one : request.credentials()) {
    PasswordlessUser& user = users.emplace_back();
    user.user_id = one.supertokens_user_id();
    if (one.has_email()) user.email = one.email();
    if (one.has_phone_number()) user.phone_number = one.phone_number();
    user.time_joined_ms = one.time_joined_ms();
  }
  return store_.ImportUsers(where, users);
}

}  // namespace gatehouse::passwordless
