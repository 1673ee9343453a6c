#include <memory>
#include <string>

#include "gatehouse/oauth/v1/oauth_logout_service.rpc.h"
#include "gateway/api/route_group.h"
#include "gateway/json_input.h"
#include "gateway/routes/app_checks.h"
#include "gateway/routes/oauth_json.h"
#include "gateway/routes/oauth_routes.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::gateway {
namespace {

using json::Value;

// What the handlers work with.
struct Logouts {
  oauth::v1::OAuthLogoutServiceClient service;
  const tenancy::TenantDirectory& tenants;
};

Reply RedirectReplyJson(std::string address) {
  return JsonReply(Value::Object({{"redirectTo", std::move(address)}, {"status", "OK"}}));
}

// GET /recipe/oauth/sessions/logout?clientId&idTokenHint&postLogoutRedirectUri&state
absl::StatusOr<Reply> RequestLogout(ApiRequest& request, Logouts& parts) {
  oauth::v1::RequestLogoutRequest call;
  RETURN_IF_ERROR(RequireAppThenPublicTenant(parts.tenants, request));
  if (const auto text = request.Query("clientId")) call.set_client_id(std::string(*text));
  if (const auto text = request.Query("idTokenHint")) call.set_id_token_hint(std::string(*text));
  if (const auto text = request.Query("postLogoutRedirectUri")) {
    call.set_post_logout_redirect_uri(std::string(*text));
  }
  if (const auto text = request.Query("state")) call.set_state(std::string(*text));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, parts.service.RequestLogout(request.context, call));
  if (reply.client_not_found()) return StatusReply("CLIENT_NOT_FOUND_ERROR");
  if (reply.has_refused()) return OAuthErrorReply(reply.refused());
  return RedirectReplyJson(StrCat("{apiDomain}/oauth/logout?logout_challenge=", reply.challenge()));
}

// PUT /recipe/oauth/auth/requests/logout/accept {challenge}
absl::StatusOr<Reply> AcceptLogout(ApiRequest& request, Logouts& parts) {
  oauth::v1::AcceptLogoutRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_challenge(), RequireString(*body, "challenge"));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(parts.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, parts.service.AcceptLogout(request.context, call));
  if (reply.has_refused()) return OAuthErrorReply(reply.refused());
  return RedirectReplyJson(reply.redirect_to());
}

// PUT /recipe/oauth/auth/requests/logout/reject {challenge}
absl::StatusOr<Reply> RejectLogout(ApiRequest& request, Logouts& parts) {
  oauth::v1::RejectLogoutRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_challenge(), RequireString(*body, "challenge"));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(parts.tenants, request));
  *call.mutable_scope() = request.scope;
  RETURN_IF_ERROR(parts.service.RejectLogout(request.context, call).status());
  return StatusReply("OK");
}

}  // namespace

void AddOAuthLogoutRoutes(RouteTable& routes, rpc::Channel& channel,
                          const tenancy::TenantDirectory& tenants) {
  const RouteGroup group(
      routes, "oauth",
      std::make_shared<Logouts>(Logouts{oauth::v1::OAuthLogoutServiceClient(channel), tenants}));
  group.Add(HttpMethod::kGet, "/recipe/oauth/sessions/logout", RequestLogout);
  group.Add(HttpMethod::kPut, "/recipe/oauth/auth/requests/logout/accept", AcceptLogout);
  group.Add(HttpMethod::kPut, "/recipe/oauth/auth/requests/logout/reject", RejectLogout);
}

}  // namespace gatehouse::gateway
