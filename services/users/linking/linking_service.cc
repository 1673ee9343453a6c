#include "services/users/linking/linking_service.h"

#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "services/users/account_info.h"
#include "services/users/linking/link_texts.h"
#include "services/users/registry/user_scope.h"

namespace gatehouse::users {
namespace {

absl::StatusOr<LocatedUser> RequireUser(PgUserStore& users, const std::vector<Where>& scopes,
                                        std::string_view id) {
  ASSIGN_OR_RETURN(std::optional<LocatedUser> user, LocateUser(users, scopes, id));
  if (!user.has_value()) return BadInput(Problem::kUserUnknown, kUnknownUserText);
  return *std::move(user);
}

absl::StatusOr<std::string> ExternalId(PgUserStore& users, const Where& scope,
                                       const std::string& user_id) {
  ASSIGN_OR_RETURN(std::vector<ResolvedId> resolved,
                   users.Resolve(scope, {user_id}, /*include_linked=*/false));
  return resolved.front().found ? resolved.front().external_id : user_id;
}

// The refusal for an outcome other than kDone and kAlready.
absl::StatusOr<v1::LinkRefusal> Refuse(PgUserStore& users, const Where& scope,
                                       const LinkOutcome& outcome, const char* linked_text) {
  v1::LinkRefusal refusal;
  switch (outcome.result) {
    case LinkResult::kNotPrimary:
      refusal.set_kind(v1::LinkRefusal::KIND_NOT_A_PRIMARY_USER);
      return refusal;
    case LinkResult::kLinkedToAnother:
      refusal.set_kind(v1::LinkRefusal::KIND_ALREADY_LINKED);
      refusal.set_description(linked_text);
      break;
    case LinkResult::kAccountInfoTaken:
      refusal.set_kind(v1::LinkRefusal::KIND_ACCOUNT_INFO_TAKEN);
      refusal.set_description(AccountInfoTakenText(outcome.info_type));
      break;
    default:
      return BadInput(Problem::kUserUnknown, kUnknownUserText);
  }
  ASSIGN_OR_RETURN(*refusal.mutable_primary_user_id(),
                   ExternalId(users, scope, outcome.primary_id));
  return refusal;
}

// Both users of a link, in the one database that they must share.
struct Pair {
  LocatedUser recipe_user;
  LocatedUser primary_user;
};

absl::StatusOr<Pair> RequirePair(PgUserStore& users, const std::vector<Where>& scopes,
                                 std::string_view recipe_user_id,
                                 std::string_view primary_user_id) {
  ASSIGN_OR_RETURN(LocatedUser recipe_user, RequireUser(users, scopes, recipe_user_id));
  ASSIGN_OR_RETURN(LocatedUser primary_user, RequireUser(users, scopes, primary_user_id));
  const tenancy::Tenant& primary_tenant = *primary_user.scope.tenant;
  const tenancy::Tenant& recipe_tenant = *recipe_user.scope.tenant;
  if (primary_tenant.database_id != recipe_tenant.database_id) {
    return BadInput(
        Problem::kDifferentDatabases,
        StrCat("Cannot link users that are parts of different databases. Different pool IDs: ",
               primary_tenant.config->db().UserPoolId(), " AND ",
               recipe_tenant.config->db().UserPoolId()));
  }
  return Pair{std::move(recipe_user), std::move(primary_user)};
}

absl::Status FillUser(PgUserStore& users, const Where& scope, std::string_view id, v1::User& user) {
  ASSIGN_OR_RETURN(std::optional<v1::User> found, users.FindByInternalId(scope, id));
  if (!found.has_value())
    return BadInput(Problem::kUserUnknown, kUnknownUserText);  // deleted a moment ago
  user = *std::move(found);
  return absl::OkStatus();
}

// An id that hides a user means the hidden one here: it is removed after its data moved to the user
// that has its id now.
const std::string& RemovedId(const LocatedUser& user) {
  return user.id.hides_user ? user.id.input : user.id.user_id;
}

template <typename Removals>
void Encode(const std::vector<RemovedUser>& users, Removals& removals) {
  for (const RemovedUser& user : users) {
    v1::UserRemoval& removal = *removals.Add();
    removal.set_supertokens_user_id(user.user_id);
    removal.set_recipe_id(user.recipe_id);
    removal.set_data_user_id(user.data_user_id);
  }
}

}  // namespace

absl::StatusOr<v1::CheckPrimaryUserResponse> LinkingServiceImpl::CheckPrimaryUser(
    rpc::CallContext& context, const v1::CheckPrimaryUserRequest& request) {
  ASSIGN_OR_RETURN(std::vector<Where> scopes,
                   ScopesOfApp(directory_, request.scope(), context.deadline));
  ASSIGN_OR_RETURN(LocatedUser user, RequireUser(users_, scopes, request.recipe_user_id()));
  ASSIGN_OR_RETURN(LinkOutcome outcome, store_.CheckPrimary(user.scope, user.id.user_id));
  v1::CheckPrimaryUserResponse response;
  if (outcome.result == LinkResult::kDone || outcome.result == LinkResult::kAlready) {
    response.mutable_possible()->set_was_already_primary(outcome.result == LinkResult::kAlready);
    return response;
  }
  ASSIGN_OR_RETURN(*response.mutable_refused(),
                   Refuse(users_, user.scope, outcome, kPrimaryIsLinkedText));
  return response;
}

absl::StatusOr<v1::MakePrimaryUserResponse> LinkingServiceImpl::MakePrimaryUser(
    rpc::CallContext& context, const v1::MakePrimaryUserRequest& request) {
  ASSIGN_OR_RETURN(std::vector<Where> scopes,
                   ScopesOfApp(directory_, request.scope(), context.deadline));
  ASSIGN_OR_RETURN(LocatedUser user, RequireUser(users_, scopes, request.recipe_user_id()));
  ASSIGN_OR_RETURN(LinkOutcome outcome, store_.MakePrimary(user.scope, user.id.user_id));
  v1::MakePrimaryUserResponse response;
  if (outcome.result == LinkResult::kDone || outcome.result == LinkResult::kAlready) {
    v1::MakePrimaryUserResponse::Made& made = *response.mutable_made();
    made.set_was_already_primary(outcome.result == LinkResult::kAlready);
    RETURN_IF_ERROR(FillUser(users_, user.scope, user.id.user_id, *made.mutable_user()));
    return response;
  }
  ASSIGN_OR_RETURN(*response.mutable_refused(),
                   Refuse(users_, user.scope, outcome, kPrimaryIsLinkedText));
  return response;
}

absl::StatusOr<v1::CheckLinkResponse> LinkingServiceImpl::CheckLink(
    rpc::CallContext& context, const v1::CheckLinkRequest& request) {
  ASSIGN_OR_RETURN(std::vector<Where> scopes,
                   ScopesOfApp(directory_, request.scope(), context.deadline));
  ASSIGN_OR_RETURN(
      Pair pair, RequirePair(users_, scopes, request.recipe_user_id(), request.primary_user_id()));
  const Where& scope = pair.primary_user.scope;
  ASSIGN_OR_RETURN(LinkOutcome outcome, store_.CheckLink(scope, pair.recipe_user.id.user_id,
                                                         pair.primary_user.id.user_id));
  v1::CheckLinkResponse response;
  if (outcome.result == LinkResult::kDone || outcome.result == LinkResult::kAlready) {
    response.mutable_possible()->set_already_linked(outcome.result == LinkResult::kAlready);
    response.mutable_possible()->set_recipe_user_id(pair.recipe_user.id.external_id);
    return response;
  }
  ASSIGN_OR_RETURN(*response.mutable_refused(),
                   Refuse(users_, scope, outcome, kLinkedToAnotherText));
  if (outcome.result == LinkResult::kLinkedToAnother) {
    RETURN_IF_ERROR(
        FillUser(users_, scope, outcome.primary_id, *response.mutable_refused()->mutable_user()));
  }
  return response;
}

absl::StatusOr<v1::LinkUsersResponse> LinkingServiceImpl::LinkUsers(
    rpc::CallContext& context, const v1::LinkUsersRequest& request) {
  ASSIGN_OR_RETURN(std::vector<Where> scopes,
                   ScopesOfApp(directory_, request.scope(), context.deadline));
  ASSIGN_OR_RETURN(
      Pair pair, RequirePair(users_, scopes, request.recipe_user_id(), request.primary_user_id()));
  const Where& scope = pair.primary_user.scope;
  ASSIGN_OR_RETURN(LinkOutcome outcome,
                   store_.Link(scope, pair.recipe_user.id.user_id, pair.primary_user.id.user_id));
  v1::LinkUsersResponse response;
  if (outcome.result != LinkResult::kDone && outcome.result != LinkResult::kAlready) {
    ASSIGN_OR_RETURN(*response.mutable_refused(),
                     Refuse(users_, scope, outcome, kLinkedToAnotherText));
    if (outcome.result == LinkResult::kLinkedToAnother) {
      RETURN_IF_ERROR(
          FillUser(users_, scope, outcome.primary_id, *response.mutable_refused()->mutable_user()));
    }
    return response;
  }
  v1::LinkUsersResponse::Linked& linked = *response.mutable_linked();
  linked.set_already_linked(outcome.result == LinkResult::kAlready);
  RETURN_IF_ERROR(FillUser(users_, scope, outcome.primary_id, *linked.mutable_user()));
  if (!linked.already_linked()) {
    // The recipe user's recent activity now counts as the primary user's.
    RETURN_IF_ERROR(activity_.Forget(scopes.front(), scope, {pair.recipe_user.id.user_id}));
    activity_.Note(scopes.front(), outcome.primary_id);
  }
  return response;
}

absl::StatusOr<v1::UnlinkUserResponse> LinkingServiceImpl::UnlinkUser(
    rpc::CallContext& context, const v1::UnlinkUserRequest& request) {
  ASSIGN_OR_RETURN(std::vector<Where> scopes,
                   ScopesOfApp(directory_, request.scope(), context.deadline));
  ASSIGN_OR_RETURN(LocatedUser user, RequireUser(users_, scopes, request.recipe_user_id()));
  ASSIGN_OR_RETURN(UnlinkOutcome outcome,
                   store_.Unlink(user.scope, user.id.user_id, request.check_only()));
  if (outcome.result == UnlinkResult::kUnknownUser)
    return BadInput(Problem::kUserUnknown, kUnknownUserText);
  v1::UnlinkUserResponse response;
  response.set_was_linked(outcome.result != UnlinkResult::kNotLinked);
  response.set_was_deleted(outcome.result == UnlinkResult::kDeleted);
  response.set_recipe_user_id(std::move(user.id.external_id));
  response.set_supertokens_user_id(std::move(user.id.user_id));
  response.set_recipe_id(std::move(outcome.recipe_id));
  response.set_home_tenant_id(user.scope.tenant->tenant_id);
  return response;
}

absl::StatusOr<v1::AddUserToTenantResponse> LinkingServiceImpl::AddUserToTenant(
    rpc::CallContext& context, const v1::AddUserToTenantRequest& request) {
  ASSIGN_OR_RETURN(Where scope, ScopeOfTenant(directory_, request.scope(), context.deadline));
  ASSIGN_OR_RETURN(std::optional<LocatedUser> user, LocateUser(users_, {scope}, request.user_id()));
  v1::AddUserToTenantResponse response;
  if (!user.has_value()) {
    response.set_unknown_user_id(true);
    return response;
  }
  ASSIGN_OR_RETURN(TenantOutcome outcome, store_.AddToTenant(scope, user->id.user_id));
  switch (outcome.result) {
    case TenantResult::kAdded:
    case TenantResult::kAlready:
      response.mutable_added()->set_was_already_associated(outcome.result ==
                                                           TenantResult::kAlready);
      break;
    case TenantResult::kUnknownUser:
      response.set_unknown_user_id(true);
      break;
    case TenantResult::kDuplicate:
      response.set_duplicate(outcome.info_type == kPhoneInfo
                                 ? v1::AddUserToTenantResponse::DUPLICATE_PHONE_NUMBER
                             : outcome.info_type == kThirdPartyInfo
                                 ? v1::AddUserToTenantResponse::DUPLICATE_THIRD_PARTY_USER
                                 : v1::AddUserToTenantResponse::DUPLICATE_EMAIL);
      break;
    case TenantResult::kAccountInfoTaken:
      response.set_not_allowed_reason(
          AssociationNotAllowedText(outcome.info_type, outcome.primary_id));
      break;
  }
  return response;
}

absl::StatusOr<v1::RemoveUserFromTenantResponse> LinkingServiceImpl::RemoveUserFromTenant(
    rpc::CallContext& context, const v1::RemoveUserFromTenantRequest& request) {
  ASSIGN_OR_RETURN(Where scope, ScopeOfTenant(directory_, request.scope(), context.deadline));
  ASSIGN_OR_RETURN(std::optional<LocatedUser> user, LocateUser(users_, {scope}, request.user_id()));
  v1::RemoveUserFromTenantResponse response;
  if (!user.has_value()) {
    response.set_unknown_user_id(true);
    return response;
  }
  ASSIGN_OR_RETURN(const LeaveTenantResult result,
                   store_.RemoveFromTenant(scope, user->id.user_id));
  response.set_unknown_user_id(result == LeaveTenantResult::kUnknownUser);
  response.set_was_associated(result == LeaveTenantResult::kRemoved);
  return response;
}

absl::StatusOr<v1::PlanUserRemovalResponse> LinkingServiceImpl::PlanUserRemoval(
    rpc::CallContext& context, const v1::PlanUserRemovalRequest& request) {
  ASSIGN_OR_RETURN(std::vector<Where> scopes,
                   ScopesOfApp(directory_, request.scope(), context.deadline));
  ASSIGN_OR_RETURN(std::optional<LocatedUser> user, LocateUser(users_, scopes, request.user_id()));
  v1::PlanUserRemovalResponse response;
  if (!user.has_value()) return response;
  ASSIGN_OR_RETURN(std::vector<RemovedUser> removed,
                   store_.Remove(user->scope, RemovedId(*user), request.whole_group(),
                                 /*check_only=*/true));
  Encode(removed, *response.mutable_users());
  response.set_home_tenant_id(user->scope.tenant->tenant_id);
  return response;
}

absl::StatusOr<v1::RemoveUserResponse> LinkingServiceImpl::RemoveUser(
    rpc::CallContext& context, const v1::RemoveUserRequest& request) {
  ASSIGN_OR_RETURN(std::vector<Where> scopes,
                   ScopesOfApp(directory_, request.scope(), context.deadline));
  ASSIGN_OR_RETURN(std::optional<LocatedUser> user, LocateUser(users_, scopes, request.user_id()));
  v1::RemoveUserResponse response;
  if (!user.has_value()) return response;
  ASSIGN_OR_RETURN(std::vector<RemovedUser> removed,
                   store_.Remove(user->scope, RemovedId(*user), request.whole_group(),
                                 /*check_only=*/false));
  std::vector<std::string> ids;
  for (const RemovedUser& one : removed) ids.push_back(one.user_id);
  RETURN_IF_ERROR(activity_.Forget(scopes.front(), user->scope, ids));
  Encode(removed, *response.mutable_users());
  return response;
}

}  // namespace gatehouse::users
