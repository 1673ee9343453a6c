#include "gateway/routes/thirdparty_routes.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "gatehouse/thirdparty/v1/thirdparty_service.rpc.h"
#include "gateway/api/lent_scope.h"
#include "gateway/api/route_group.h"
#include "gateway/json_input.h"
#include "gateway/routes/user_json.h"
#include "libs/base/status.h"

namespace gatehouse::gateway {
namespace {

using json::Value;
using thirdparty::v1::ThirdPartyServiceClient;

// POST /recipe/signinup {thirdPartyId, thirdPartyUserId, email: {id, isVerified}}
absl::StatusOr<Reply> SignInOrUp(ApiRequest& request, ThirdPartyServiceClient& client) {
  const bool is_oldest = request.cdi == cdi::k2_7;
  thirdparty::v1::SignInOrUpRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_third_party_id(), RequireString(*body, "thirdPartyId"));
  ASSIGN_OR_RETURN(*call.mutable_third_party_user_id(), RequireString(*body, "thirdPartyUserId"));
  ASSIGN_OR_RETURN(const Value* email, RequireObject(*body, "email"));
  ASSIGN_OR_RETURN(*call.mutable_email(), RequireString(*email, "id"));
  // Between 2.8 and 3.1 requests did not say whether the provider had verified the email.
  if (is_oldest || request.cdi >= cdi::k4_0) {
    ASSIGN_OR_RETURN(const bool is_verified, RequireBool(*email, "isVerified"));
    call.set_is_email_verified(is_verified);
  }
  // 2.7 has no settings that forbid it.
  if (!is_oldest) call.set_gate(RecipeGateOf(request.cdi));
  const LentScope lent(request, call);
  ASSIGN_OR_RETURN(const auto reply, client.SignInOrUp(request.context, call));
  if (!reply.has_signed_in()) {
    // Nor does it have this outcome.
    if (is_oldest) return BadInput(reply.email_change_not_allowed_reason());
    return JsonReply(Value::Object({{"status", "EMAIL_CHANGE_NOT_ALLOWED_ERROR"},
                                    {"reason", reply.email_change_not_allowed_reason()}}));
  }
  const auto& signed_in = reply.signed_in();
  return ObjectReply([&](json::ObjectWriter& out) {
    out.Add("status", "OK");
    out.Add("createdNewUser", signed_in.created());
    AppendUser(signed_in.user(), request.cdi, out.AddValue("user"));
    if (request.cdi >= cdi::k4_0) out.Add("recipeUserId", signed_in.recipe_user_id());
  });
}

Reply UserOrStatus(const ApiRequest& request, bool found, const users::v1::User& user,
                   std::string_view status) {
  if (!found) return StatusReply(status);
  return UserReply(user, "", request.cdi);
}

// GET /recipe/user?userId, an operation of the app, or ?thirdPartyId&thirdPartyUserId, one of the
// tenant.
absl::StatusOr<Reply> GetUser(ApiRequest& request, ThirdPartyServiceClient& client) {
  const auto user_id = request.Query("userId");
  const auto third_party_id = request.Query("thirdPartyId");
  const auto third_party_user_id = request.Query("thirdPartyUserId");
  if (user_id && (third_party_id || third_party_user_id)) {
    return BadInput("Please provide only one of userId or (thirdPartyId & thirdPartyUserId)");
  }
  if (user_id) {
    thirdparty::v1::GetUserByIdRequest call;
    call.set_user_id(std::string(*user_id));
    *call.mutable_scope() = request.scope;
    ASSIGN_OR_RETURN(const auto reply, client.GetUserById(request.context, call));
    // Only now, because an unknown app is reported before a tenant that may not ask.
    RETURN_IF_ERROR(request.RequirePublicTenant());
    return UserOrStatus(request, reply.has_user(), reply.user(), "UNKNOWN_USER_ID_ERROR");
  }
  if (!third_party_id || !third_party_user_id) {
    return BadInput("Please provide one of userId or (thirdPartyId & thirdPartyUserId)");
  }
  thirdparty::v1::GetUserByIdentityRequest call;
  call.set_third_party_id(std::string(*third_party_id));
  call.set_third_party_user_id(std::string(*third_party_user_id));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, client.GetUserByIdentity(request.context, call));
  return UserOrStatus(request, reply.has_user(), reply.user(), "UNKNOWN_THIRD_PARTY_USER_ERROR");
}

// GET /recipe/users/by-email?email
absl::StatusOr<Reply> ListUsersByEmail(ApiRequest& request, ThirdPartyServiceClient& client) {
  thirdparty::v1::ListUsersByEmailRequest call;
  // Called before a missing email is reported, because an unknown tenant is reported first.
  call.set_email(std::string(request.Query("email").value_or("")));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, client.ListUsersByEmail(request.context, call));
  RETURN_IF_ERROR(request.RequireQuery("email").status());
  return ObjectReply([&](json::ObjectWriter& out) {
    out.Add("status", "OK");
    out.AddArray("users", reply.users(), [&](const users::v1::User& user, std::string& to) {
      AppendUser(user, request.cdi, to);
    });
  });
}

}  // namespace

void AddThirdPartyRoutes(RouteTable& routes, rpc::Channel& thirdparty,
                         RecipeUserHandlers& recipe_user) {
  const RouteGroup group(routes, "thirdparty",
                         std::make_shared<ThirdPartyServiceClient>(thirdparty));
  group.Add(HttpMethod::kPost, "/recipe/signinup", SignInOrUp);
  group.Add(HttpMethod::kGet, "/recipe/users/by-email", ListUsersByEmail);
  recipe_user.Add("thirdparty", HttpMethod::kGet, group.Bind(GetUser));
}

}  // namespace gatehouse::gateway
