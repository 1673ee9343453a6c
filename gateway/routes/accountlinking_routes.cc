#include "gateway/routes/accountlinking_routes.h"

#include <memory>
#include <string>
#include <utility>

#include "gatehouse/accounts/v1/accounts_service.rpc.h"
#include "gatehouse/users/v1/linking_service.rpc.h"
#include "gateway/api/route_group.h"
#include "gateway/json_input.h"
#include "gateway/routes/app_checks.h"
#include "gateway/routes/user_json.h"
#include "libs/base/status.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::gateway {
namespace {

using json::Value;
using users::v1::LinkRefusal;

struct Clients {
  Clients(rpc::Channel& accounts_channel, rpc::Channel& users_channel,
          const tenancy::TenantDirectory& tenant_directory)
      : tenants(tenant_directory), accounts(accounts_channel), linking(users_channel) {}
  const tenancy::TenantDirectory& tenants;
  accounts::v1::AccountsServiceClient accounts;
  users::v1::LinkingServiceClient linking;
};

// `linked_status`: the operation's status for a user that is linked already.
Reply RefusalReply(const LinkRefusal& refusal, std::string_view linked_status,
                   const CdiVersion* shape_of_user) {
  if (refusal.kind() == LinkRefusal::KIND_NOT_A_PRIMARY_USER) {
    return StatusReply("INPUT_USER_IS_NOT_A_PRIMARY_USER");
  }
  const bool linked = refusal.kind() == LinkRefusal::KIND_ALREADY_LINKED;
  return ObjectReply([&](json::ObjectWriter& reply) {
    reply.Add("status", linked
                            ? linked_status
                            : "ACCOUNT_INFO_ALREADY_ASSOCIATED_WITH_ANOTHER_PRIMARY_USER_ID_ERROR");
    reply.Add("primaryUserId", refusal.primary_user_id());
    reply.Add("description", refusal.description());
    if (linked && shape_of_user != nullptr) {
      AppendWholeUser(refusal.user(), *shape_of_user, reply.AddValue("user"));
    }
  });
}

Reply PrimaryRefusal(const LinkRefusal& refusal) {
  return RefusalReply(refusal, "RECIPE_USER_ID_ALREADY_LINKED_WITH_PRIMARY_USER_ID_ERROR", nullptr);
}

Reply LinkRefusalReply(const LinkRefusal& refusal, const CdiVersion* shape_of_user) {
  return RefusalReply(refusal, "RECIPE_USER_ID_ALREADY_LINKED_WITH_ANOTHER_PRIMARY_USER_ID_ERROR",
                      shape_of_user);
}

// GET /recipe/accountlinking/user/primary/check?recipeUserId
absl::StatusOr<Reply> CheckPrimary(ApiRequest& request, Clients& clients) {
  users::v1::CheckPrimaryUserRequest call;
  ASSIGN_OR_RETURN(*call.mutable_recipe_user_id(), request.RequireQuery("recipeUserId"));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(clients.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, clients.linking.CheckPrimaryUser(request.context, call));
  if (reply.has_refused()) return PrimaryRefusal(reply.refused());
  return JsonReply(Value::Object(
      {{"status", "OK"}, {"wasAlreadyAPrimaryUser", reply.possible().was_already_primary()}}));
}

// POST /recipe/accountlinking/user/primary {recipeUserId}
absl::StatusOr<Reply> MakePrimary(ApiRequest& request, Clients& clients) {
  users::v1::MakePrimaryUserRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_recipe_user_id(), RequireString(*body, "recipeUserId"));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(clients.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, clients.linking.MakePrimaryUser(request.context, call));
  if (reply.has_refused()) return PrimaryRefusal(reply.refused());
  return ObjectReply([&](json::ObjectWriter& out) {
    out.Add("status", "OK");
    out.Add("wasAlreadyAPrimaryUser", reply.made().was_already_primary());
    AppendWholeUser(reply.made().user(), request.cdi, out.AddValue("user"));
  });
}

// GET /recipe/accountlinking/user/link/check?recipeUserId&primaryUserId
absl::StatusOr<Reply> CheckLink(ApiRequest& request, Clients& clients) {
  users::v1::CheckLinkRequest call;
  ASSIGN_OR_RETURN(*call.mutable_recipe_user_id(), request.RequireQuery("recipeUserId"));
  ASSIGN_OR_RETURN(*call.mutable_primary_user_id(), request.RequireQuery("primaryUserId"));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(clients.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, clients.linking.CheckLink(request.context, call));
  if (reply.has_refused()) return LinkRefusalReply(reply.refused(), nullptr);
  return JsonReply(Value::Object(
      {{"status", "OK"}, {"accountsAlreadyLinked", reply.possible().already_linked()}}));
}

// POST /recipe/accountlinking/user/link {recipeUserId, primaryUserId}
absl::StatusOr<Reply> Link(ApiRequest& request, Clients& clients) {
  accounts::v1::LinkAccountsRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_recipe_user_id(), RequireString(*body, "recipeUserId"));
  ASSIGN_OR_RETURN(*call.mutable_primary_user_id(), RequireString(*body, "primaryUserId"));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(clients.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, clients.accounts.LinkAccounts(request.context, call));
  if (reply.has_refused()) return LinkRefusalReply(reply.refused(), &request.cdi);
  return ObjectReply([&](json::ObjectWriter& out) {
    out.Add("status", "OK");
    out.Add("accountsAlreadyLinked", reply.linked().already_linked());
    AppendWholeUser(reply.linked().user(), request.cdi, out.AddValue("user"));
  });
}

// POST /recipe/accountlinking/user/unlink {recipeUserId}
absl::StatusOr<Reply> Unlink(ApiRequest& request, Clients& clients) {
  accounts::v1::UnlinkAccountRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_recipe_user_id(), RequireString(*body, "recipeUserId"));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(clients.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, clients.accounts.UnlinkAccount(request.context, call));
  return JsonReply(Value::Object({{"status", "OK"},
                                  {"wasRecipeUserDeleted", reply.was_deleted()},
                                  {"wasLinked", reply.was_linked()}}));
}

}  // namespace

void AddAccountLinkingRoutes(RouteTable& routes, rpc::Channel& accounts, rpc::Channel& users,
                             const tenancy::TenantDirectory& tenants) {
  const RouteGroup of_users(routes, "users", std::make_shared<Clients>(accounts, users, tenants));
  const auto of_accounts = of_users.At("accounts");
  of_users.Add(HttpMethod::kGet, "/recipe/accountlinking/user/primary/check", CheckPrimary);
  of_users.Add(HttpMethod::kPost, "/recipe/accountlinking/user/primary", MakePrimary);
  of_users.Add(HttpMethod::kGet, "/recipe/accountlinking/user/link/check", CheckLink);
  of_accounts.Add(HttpMethod::kPost, "/recipe/accountlinking/user/link", Link);
  of_accounts.Add(HttpMethod::kPost, "/recipe/accountlinking/user/unlink", Unlink);
}

}  // namespace gatehouse::gateway
