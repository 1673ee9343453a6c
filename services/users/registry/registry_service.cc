#include "services/users/registry/registry_service.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/problem.h"
#include "libs/base/service_table.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "services/users/registry/sign_in_or_up.h"
#include "services/users/registry/user_scope.h"

namespace gatehouse::users {
namespace {

// More than any caller asks for at once; a bound on the statement's size.
constexpr int kMaxIds = 10'000;
constexpr size_t kMaxContact = 256;  // the columns' width

// An id, and where it was found.
struct InApp {
  ResolvedId id;
  tenancy::TenantPtr database;  // null: nowhere
};

// An app's ids may be in several databases: those not found in one are looked up in the next.
// `missing` gets the databases that did not answer while some id was not found.
absl::StatusOr<std::vector<InApp>> ResolveInApp(PgUserStore& store,
                                                const std::vector<Where>& scopes,
                                                const v1::ResolveUserIdsRequest& request,
                                                std::vector<tenancy::TenantPtr>& missing) {
  std::vector<InApp> resolved;
  for (const std::string& id : request.user_ids()) {
    resolved.emplace_back().id.input = id;
  }
  ASSIGN_OR_RETURN(missing, AskScopes(scopes, [&](const Where& scope) -> absl::StatusOr<bool> {
                     std::vector<std::string> inputs;
                     std::vector<InApp*> open;
                     for (InApp& one : resolved) {
                       if (one.database != nullptr) continue;
                       inputs.push_back(one.id.input);
                       open.push_back(&one);
                     }
                     if (open.empty()) return true;
                     ASSIGN_OR_RETURN(std::vector<ResolvedId> ids,
                                      store.Resolve(scope, inputs, request.include_linked()));
                     bool all = true;
                     for (size_t i = 0; i < std::min(ids.size(), open.size()); ++i) {
                       if (ids[i].found) {
                         *open[i] = {std::move(ids[i]), scope.tenant};
                       } else {
                         all = false;
                       }
                     }
                     return all;
                   }));
  return resolved;
}

// The service that keeps a recipe's credentials has checked the proof; no other vouches for its
// users.
absl::Status CheckVouches(const rpc::CallContext& context, std::string_view recipe_id) {
  for (const ServiceRow& row : ServiceTable()) {
    if (row.name == context.caller && !recipe_id.empty() && row.keeps_credentials_of == recipe_id) {
      return absl::OkStatus();
    }
  }
  return MakeError(ErrorReason::kCallerNotAllowed, "The caller keeps no credentials of the recipe");
}

Identity ReadIdentity(const v1::Identity& given) {
  Identity identity;
  identity.recipe_id = given.recipe_id();
  if (given.has_email()) identity.email = NormaliseEmail(given.email());
  if (given.has_phone_number()) identity.phone_number = given.phone_number();
  if (given.has_third_party()) {
    identity.third_party = ThirdPartyId{given.third_party().id(), given.third_party().user_id()};
  }
  return identity;
}

absl::StatusOr<std::optional<ContactUpdate>> UpdateOf(std::string_view field, bool given,
                                                      const v1::ContactUpdate& update) {
  if (!FitsColumn(update.value(), kMaxContact)) {
    return BadInput(Problem::kTooLong, StrCat(field, " must not be longer than 256 characters"),
                    {{"field", std::string(field)}, {"max_characters", "256"}});
  }
  if (!given) return std::nullopt;
  if (!update.has_value()) return ContactUpdate{};
  return ContactUpdate{update.value()};
}

}  // namespace

absl::StatusOr<v1::ResolveUserIdsResponse> RegistryServiceImpl::ResolveUserIds(
    rpc::CallContext& context, const v1::ResolveUserIdsRequest& request) {
  if (request.user_ids_size() > kMaxIds) {
    return BadInput(Problem::kTooMany, "Too many user ids",
                    {{"field", "userIds"}, {"max", std::to_string(kMaxIds)}});
  }
  ASSIGN_OR_RETURN(std::vector<Where> scopes,
                   ScopesOfApp(directory_, request.scope(), context.deadline));
  std::vector<tenancy::TenantPtr> missing;
  ASSIGN_OR_RETURN(std::vector<InApp> resolved, ResolveInApp(store_, scopes, request, missing));
  if (request.elsewhere_if_possible()) {
    ASSIGN_OR_RETURN(const tenancy::TenantPtr own,
                     directory_.Find(request.scope(), context.deadline));
    std::erase_if(missing, [&](const tenancy::TenantPtr& one) {
      return one->database_id != own->database_id;
    });
  }
  RETURN_IF_ERROR(tenancy::NeedsAll(missing));
  v1::ResolveUserIdsResponse response;
  for (const auto& [id, database] : resolved) {
    v1::ResolvedUser& user = *response.add_users();
    user.set_input(id.input);
    user.set_found(id.found);
    user.set_supertokens_user_id(id.found ? id.user_id : id.input);
    user.set_recipe_user_id(id.found ? id.external_id : id.input);
    user.set_primary_user_id(id.found ? id.primary_external : id.input);
    user.set_primary_supertokens_user_id(id.found ? id.primary_id : id.input);
    for (const std::string& linked : id.linked_external) user.add_linked_recipe_user_ids(linked);
    if (!id.found && request.include_linked()) user.add_linked_recipe_user_ids(id.input);
    if (database != nullptr) user.set_database_tenant_id(database->tenant_id);
  }
  return response;
}

absl::StatusOr<v1::SignInOrUpResponse> RegistryServiceImpl::SignInOrUp(
    rpc::CallContext& context, const v1::SignInOrUpRequest& request) {
  RETURN_IF_ERROR(CheckVouches(context, request.identity().recipe_id()));
  const Identity identity = ReadIdentity(request.identity());
  RETURN_IF_ERROR(RowsOf(identity).status());
  ASSIGN_OR_RETURN(Where scope, ScopeOfTenant(directory_, request.scope(), context.deadline));
  ASSIGN_OR_RETURN(std::optional<SignedInOrUp> signed_in,
                   users::SignInOrUp(store_, clock_, scope, identity, request.is_email_verified()));
  v1::SignInOrUpResponse response;
  if (!signed_in.has_value()) {
    response.set_email_change_not_allowed(true);
    return response;
  }
  v1::SignInOrUpResponse::SignedIn& reply = *response.mutable_signed_in();
  reply.set_created(signed_in->created);
  if (request.only_new() && !signed_in->created) {
    *reply.mutable_method() = std::move(signed_in->method);
    *reply.mutable_user() = std::move(signed_in->user);
    return response;
  }
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  const std::string event =
      StrCat(identity.recipe_id, signed_in->created ? "_sign_up" : "_sign_in");
  std::string_view principal = identity.email.has_value() ? "email" : "phone_number";
  if (identity.third_party.has_value()) principal = identity.third_party->id;
  activity_.NoteSignIn(
      {app, context.deadline}, *scope.tenant,
      {.event_type = event,
       .recipe_user_id = signed_in->method.supertokens_user_id(),
       .primary_or_recipe_user_id = signed_in->user.supertokens_user_id(),
       .auth_principal = principal,
       .identifier = identity.email.has_value() ? signed_in->method.email()
                                                : signed_in->method.phone_number()});
  *reply.mutable_method() = std::move(signed_in->method);
  *reply.mutable_user() = std::move(signed_in->user);
  return response;
}

absl::StatusOr<v1::ChangeIdentityResponse> RegistryServiceImpl::ChangeIdentity(
    rpc::CallContext& context, const v1::ChangeIdentityRequest& request) {
  RETURN_IF_ERROR(CheckVouches(context, request.recipe_id()));
  IdentityUpdate update;
  ASSIGN_OR_RETURN(update.email, UpdateOf("email", request.has_email(), request.email()));
  ASSIGN_OR_RETURN(update.phone_number,
                   UpdateOf("phoneNumber", request.has_phone_number(), request.phone_number()));
  ASSIGN_OR_RETURN(std::vector<Where> scopes,
                   ScopesOfApp(directory_, request.scope(), context.deadline));
  v1::ChangeIdentityResponse response;
  ASSIGN_OR_RETURN(const std::optional<LocatedUser> located,
                   LocateUser(store_, scopes, request.recipe_user_id()));
  if (!located.has_value()) {
    response.set_unknown_user(true);
    return response;
  }
  const std::string& user_id = located->id.user_id;
  ASSIGN_OR_RETURN(const IdentityChange change,
                   store_.ChangeIdentity(located->scope, request.recipe_id(), user_id, update));
  const bool is_email = change.info_type == kEmailInfo;
  switch (change.result) {
    case IdentityChange::Result::kUnknownUser:
      response.set_unknown_user(true);
      return response;
    case IdentityChange::Result::kNoContactLeft:
      return BadInput(Problem::kMissing, "You cannot clear both email and phone number of a user",
                      {{"field", "email,phoneNumber"}});
    case IdentityChange::Result::kTaken:
      if (is_email) response.set_email_already_exists(true);
      if (!is_email) response.set_phone_number_already_exists(true);
      return response;
    case IdentityChange::Result::kNotAllowed:
      if (is_email) response.set_email_change_not_allowed(true);
      if (!is_email) response.set_phone_number_change_not_allowed(true);
      return response;
    case IdentityChange::Result::kDone:
      break;
  }
  ASSIGN_OR_RETURN(const std::optional<v1::User> user,
                   store_.FindByInternalId(located->scope, user_id));
  const v1::LoginMethod* method = user.has_value() ? FindLoginMethod(*user, user_id) : nullptr;
  if (method == nullptr) {  // deleted since
    response.set_unknown_user(true);
    return response;
  }
  auto& changed = *response.mutable_changed();
  *changed.mutable_method() = *method;
  if (change.previous_email.has_value()) changed.set_previous_email(*change.previous_email);
  if (change.previous_phone_number.has_value()) {
    changed.set_previous_phone_number(*change.previous_phone_number);
  }
  return response;
}

absl::StatusOr<v1::RecordActivityResponse> RegistryServiceImpl::RecordActivity(
    rpc::CallContext& context, const v1::RecordActivityRequest& request) {
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  if (FitsColumn(request.supertokens_user_id(), 128)) {
    activity_.Note({app, context.deadline}, request.supertokens_user_id());
  }
  return v1::RecordActivityResponse();
}

}  // namespace gatehouse::users
