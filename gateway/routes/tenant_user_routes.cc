#include "gateway/routes/tenant_user_routes.h"

#include <memory>
#include <string>
#include <utility>

#include "gatehouse/accounts/v1/accounts_service.rpc.h"
#include "gatehouse/users/v1/linking_service.rpc.h"
#include "gateway/api/route_group.h"
#include "gateway/json_input.h"
#include "gateway/routes/app_checks.h"
#include "libs/base/status.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::gateway {
namespace {

using json::Value;
using users::v1::AddUserToTenantResponse;

struct Clients {
  Clients(rpc::Channel& accounts_channel, rpc::Channel& users_channel,
          const tenancy::TenantDirectory& tenant_directory)
      : tenants(tenant_directory), accounts(accounts_channel), linking(users_channel) {}
  const tenancy::TenantDirectory& tenants;
  accounts::v1::AccountsServiceClient accounts;
  users::v1::LinkingServiceClient linking;
};

// `userId`, from 4.0 `recipeUserId`; the error for an empty one names the former at every version.
absl::StatusOr<std::string> ReadUserId(ApiRequest& request) {
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(const std::string given,
                   RequireString(*body, request.cdi < cdi::k4_0 ? "userId" : "recipeUserId"));
  const std::string_view id = JavaTrim(given);
  if (id.empty()) return BadInput("Field name 'userId' cannot be an empty String");
  return std::string(id);
}

// POST /recipe/multitenancy/tenant/user
absl::StatusOr<Reply> AddToTenant(ApiRequest& request, Clients& clients) {
  users::v1::AddUserToTenantRequest call;
  ASSIGN_OR_RETURN(*call.mutable_user_id(), ReadUserId(request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, clients.linking.AddUserToTenant(request.context, call));
  switch (reply.outcome_case()) {
    case AddUserToTenantResponse::kAdded:
      return JsonReply(Value::Object(
          {{"status", "OK"}, {"wasAlreadyAssociated", reply.added().was_already_associated()}}));
    case AddUserToTenantResponse::kNotAllowedReason:
      return JsonReply(Value::Object(
          {{"status", "ASSOCIATION_NOT_ALLOWED_ERROR"}, {"reason", reply.not_allowed_reason()}}));
    case AddUserToTenantResponse::kDuplicate:
      if (reply.duplicate() == AddUserToTenantResponse::DUPLICATE_PHONE_NUMBER) {
        return StatusReply("PHONE_NUMBER_ALREADY_EXISTS_ERROR");
      }
      return StatusReply(reply.duplicate() == AddUserToTenantResponse::DUPLICATE_EMAIL
                             ? "EMAIL_ALREADY_EXISTS_ERROR"
                             : "THIRD_PARTY_USER_ALREADY_EXISTS_ERROR");
    default:
      return StatusReply("UNKNOWN_USER_ID_ERROR");
  }
}

// POST /recipe/multitenancy/tenant/user/remove
absl::StatusOr<Reply> RemoveFromTenant(ApiRequest& request, Clients& clients) {
  accounts::v1::RemoveUserFromTenantRequest call;
  ASSIGN_OR_RETURN(*call.mutable_user_id(), ReadUserId(request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, clients.accounts.RemoveUserFromTenant(request.context, call));
  if (reply.unknown_user_id()) return StatusReply("UNKNOWN_USER_ID_ERROR");
  return JsonReply(Value::Object({{"status", "OK"}, {"wasAssociated", reply.was_associated()}}));
}

// POST /user/remove {userId, removeAllLinkedAccounts?}
absl::StatusOr<Reply> RemoveUser(ApiRequest& request, Clients& clients) {
  accounts::v1::RemoveUserRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_user_id(), RequireString(*body, "userId"));
  ASSIGN_OR_RETURN(const std::optional<bool> all, OptionalBool(*body, "removeAllLinkedAccounts"));
  call.set_remove_all_linked_accounts(all.value_or(true));
  RETURN_IF_ERROR(RequirePublicTenantThenApp(clients.tenants, request));
  *call.mutable_scope() = request.scope;
  RETURN_IF_ERROR(clients.accounts.RemoveUser(request.context, call).status());
  return StatusReply("OK");
}

}  // namespace

void AddTenantUserRoutes(RouteTable& routes, rpc::Channel& accounts, rpc::Channel& users,
                         const tenancy::TenantDirectory& tenants) {
  const RouteGroup of_users(routes, "users", std::make_shared<Clients>(accounts, users, tenants));
  const auto of_accounts = of_users.At("accounts");
  of_users.Add(HttpMethod::kPost, "/recipe/multitenancy/tenant/user", AddToTenant);
  of_accounts.Add(HttpMethod::kPost, "/recipe/multitenancy/tenant/user/remove", RemoveFromTenant);
  of_accounts.Add(HttpMethod::kPost, "/user/remove", RemoveUser);
}

}  // namespace gatehouse::gateway
