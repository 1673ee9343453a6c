#include "services/users/registry/registry_service.h"

#include <algorithm>
#include <utility>

#include "libs/base/status.h"
#include "services/users/registry/third_party_sign_in.h"

namespace gatehouse::users {
namespace {

// What the widest caller asks for at once, with room to spare; a bound on the statement's size.
constexpr int kMaxIds = 10'000;
// Widths of the columns.
constexpr size_t kMaxThirdPartyId = 28;
constexpr size_t kMaxThirdPartyUserId = 256;
constexpr size_t kMaxEmail = 256;

// An id, and where it was found.
struct InApp {
  ResolvedId id;
  tenancy::TenantPtr database;  // null: nowhere
};

// Ids in one app may lie in several databases: those not found in one are asked of the next.
// `missing` gets the databases that did not answer while some id was not found.
absl::StatusOr<std::vector<InApp>> ResolveInApp(PgUserStore& store,
                                                const std::vector<RequestScope>& scopes,
                                                const v1::ResolveUserIdsRequest& request,
                                                std::vector<tenancy::TenantPtr>& missing) {
  std::vector<InApp> resolved;
  for (const std::string& id : request.user_ids()) {
    resolved.emplace_back().id.input = id;
  }
  ASSIGN_OR_RETURN(
      missing, AskScopes(scopes, [&](const RequestScope& scope) -> absl::StatusOr<bool> {
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

}  // namespace

absl::StatusOr<v1::ResolveUserIdsResponse> RegistryServiceImpl::ResolveUserIds(
    rpc::CallContext& context, const v1::ResolveUserIdsRequest& request) {
  if (request.user_ids_size() > kMaxIds) return BadInput("Too many user ids");
  ASSIGN_OR_RETURN(std::vector<RequestScope> scopes,
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

absl::StatusOr<v1::SignInOrUpThirdPartyResponse> RegistryServiceImpl::SignInOrUpThirdParty(
    rpc::CallContext& context, const v1::SignInOrUpThirdPartyRequest& request) {
  if (!FitsColumn(request.third_party_id(), kMaxThirdPartyId)) {
    return BadInput("thirdPartyId must not be longer than 28 characters");
  }
  if (!FitsColumn(request.third_party_user_id(), kMaxThirdPartyUserId)) {
    return BadInput("thirdPartyUserId must not be longer than 256 characters");
  }
  if (!FitsColumn(request.email(), kMaxEmail)) {
    return BadInput("email must not be longer than 256 characters");
  }
  ASSIGN_OR_RETURN(RequestScope scope,
                   ScopeOfTenant(directory_, request.scope(), context.deadline));
  ASSIGN_OR_RETURN(auto outcome,
                   users::SignInOrUpThirdParty(
                       store_, clock_, scope,
                       {request.third_party_id(), request.third_party_user_id(),
                        NormaliseEmail(request.email()), request.is_email_verified()}));
  v1::SignInOrUpThirdPartyResponse response;
  if (auto* refused = std::get_if<EmailChangeRefused>(&outcome)) {
    response.set_email_change_not_allowed_reason(refused->reason);
    return response;
  }
  ThirdPartySignedIn& signed_in = std::get<ThirdPartySignedIn>(outcome);
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  activity_.NoteSignIn(
      {app, context.deadline}, *scope.tenant,
      {.event_type = signed_in.created ? "thirdparty_sign_up" : "thirdparty_sign_in",
       .recipe_user_id = signed_in.method.supertokens_user_id(),
       .primary_or_recipe_user_id = signed_in.user.supertokens_user_id(),
       .auth_principal = request.third_party_id(),
       .identifier = signed_in.method.email()});
  v1::SignInOrUpThirdPartyResponse::SignedIn& reply = *response.mutable_signed_in();
  reply.set_created(signed_in.created);
  reply.set_recipe_user_id(signed_in.method.recipe_user_id());
  reply.set_supertokens_user_id(signed_in.method.supertokens_user_id());
  reply.set_time_joined_ms(signed_in.method.time_joined_ms());
  *reply.mutable_user() = std::move(signed_in.user);
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
