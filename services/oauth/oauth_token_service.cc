#include "services/oauth/oauth_token_service.h"

#include <optional>
#include <utility>

#include "libs/base/json.h"
#include "libs/base/status.h"
#include "services/oauth/client_authentication.h"
#include "services/oauth/oauth_errors.h"
#include "services/oauth/token_claims.h"

namespace gatehouse::oauth {
namespace {

absl::StatusOr<v1::IssueTokensResponse> Refuse(v1::OAuthError error) {
  v1::IssueTokensResponse response;
  *response.mutable_refused() = std::move(error);
  return response;
}

}  // namespace

absl::StatusOr<v1::IssueTokensResponse> OAuthTokenServiceImpl::IssueTokens(
    rpc::CallContext& context, const v1::IssueTokensRequest& request) {
  if (request.grant_type() == "authorization_code" || request.grant_type() == "refresh_token") {
    return MakeError(ErrorReason::kNotSupported, "This operation is not available");
  }
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  const Where where = {app, context.deadline};
  ASSIGN_OR_RETURN(const std::optional<v1::Client> client,
                   clients_.Find(where, ClaimedClientId(request.authentication())));
  if (!client.has_value()) {
    v1::IssueTokensResponse response;
    response.set_client_not_found(true);
    return response;
  }
  if (request.grant_type().empty()) {
    return Refuse(InvalidRequest("Request parameter 'grant_type' is missing"));
  }
  if (auto refused = AuthenticateClient(request.authentication(), *client)) {
    return Refuse(*std::move(refused));
  }
  if (request.grant_type() != "client_credentials") {
    return Refuse(InvalidRequest(
        "Make sure that the various parameters are correct, be aware of case sensitivity and trim "
        "your parameters. Make sure that the client you are using has exactly whitelisted the "
        "redirect_uri you specified."));
  }
  return rules_.IssueToClient(context, where, *client, request);
}

absl::StatusOr<v1::IntrospectTokenResponse> OAuthTokenServiceImpl::IntrospectToken(
    rpc::CallContext& context, const v1::IntrospectTokenRequest& request) {
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const std::optional<json::Value> claims,
                   rules_.Introspect(context, {app, context.deadline}, request.token()));
  v1::IntrospectTokenResponse response;
  response.set_active(claims.has_value());
  if (claims.has_value()) response.set_claims(json::Serialize(*claims));
  return response;
}

absl::StatusOr<v1::RevokeTokenResponse> OAuthTokenServiceImpl::RevokeToken(
    rpc::CallContext& context, const v1::RevokeTokenRequest& request) {
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  const Where where = {app, context.deadline};
  v1::RevokeTokenResponse response;
  if (!IsRefreshToken(request.token())) {
    RETURN_IF_ERROR(rules_.Revoke(context, where, request.token()));
    return response;
  }
  ASSIGN_OR_RETURN(const std::optional<v1::Client> client,
                   clients_.Find(where, ClaimedClientId(request.authentication())));
  if (!client.has_value()) {
    *response.mutable_refused() = InvalidClient();
  } else if (auto refused = AuthenticateClient(request.authentication(), *client)) {
    *response.mutable_refused() = *std::move(refused);
  }
  return response;
}

absl::StatusOr<v1::RevokeTokensOfClientResponse> OAuthTokenServiceImpl::RevokeTokensOfClient(
    rpc::CallContext& context, const v1::RevokeTokensOfClientRequest& request) {
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  RETURN_IF_ERROR(sessions_.RevokeClient({app, context.deadline}, request.client_id()));
  return v1::RevokeTokensOfClientResponse();
}

absl::StatusOr<v1::RevokeTokensOfSessionResponse> OAuthTokenServiceImpl::RevokeTokensOfSession(
    rpc::CallContext& context, const v1::RevokeTokensOfSessionRequest& request) {
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  RETURN_IF_ERROR(sessions_.RevokeSession({app, context.deadline}, request.session_handle()));
  return v1::RevokeTokensOfSessionResponse();
}

}  // namespace gatehouse::oauth
