#include "services/oauth/oauth_token_service.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "libs/base/json.h"
#include "libs/base/status.h"
#include "services/oauth/client_authentication.h"
#include "services/oauth/client_rules.h"
#include "services/oauth/oauth_errors.h"
#include "services/oauth/scopes.h"
#include "services/oauth/token_claims.h"

namespace gatehouse::oauth {
namespace {

constexpr std::string_view kWrongParameters =
    "Make sure that the various parameters are correct, be aware of case sensitivity and trim your "
    "parameters. Make sure that the client you are using has exactly whitelisted the redirect_uri "
    "you specified.";

absl::StatusOr<v1::IssueTokensResponse> Refuse(v1::OAuthError error) {
  v1::IssueTokensResponse response;
  *response.mutable_refused() = std::move(error);
  return response;
}

bool HasScopes(const v1::Grant& grant, const std::string& required) {
  const std::vector<std::string> words = SplitWords(required);
  return std::all_of(words.begin(), words.end(), [&](const std::string& word) {
    return std::find(grant.scopes().begin(), grant.scopes().end(), word) != grant.scopes().end();
  });
}

}  // namespace

absl::StatusOr<std::optional<v1::OAuthError>> OAuthTokenServiceImpl::Authenticate(
    const Where& app, const v1::ClientAuthentication& authentication, const v1::Client& client) {
  // A public client has no secret that could be guessed.
  if (IsPublic(client)) return AuthenticateClient(authentication, client);
  RETURN_IF_ERROR(limits_.CheckFailures(app, client.client_id()));
  auto refused = AuthenticateClient(authentication, client);
  if (refused.has_value()) limits_.NoteFailure(app, client.client_id());
  return refused;
}

absl::StatusOr<v1::IssueTokensResponse> OAuthTokenServiceImpl::IssueTokens(
    rpc::CallContext& context, const v1::IssueTokensRequest& request) {
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
  RETURN_IF_ERROR(limits_.TakeRequest(where, client->client_id()));
  const bool is_refresh = request.grant_type() == "refresh_token";
  std::optional<PgSessionStore::FoundGrant> found;
  if (is_refresh) {
    ASSIGN_OR_RETURN(found, grants_.FindRefreshToken(where, request.refresh_token()));
  }
  ASSIGN_OR_RETURN(auto refused, Authenticate(where, request.authentication(), *client));
  // A token that is not alive is answered before anything else, but only its own client ends
  // others by showing it.
  if (is_refresh && !found.has_value()) {
    if (!refused.has_value()) {
      RETURN_IF_ERROR(grants_.NoteReuse(where, request.refresh_token(), client->client_id()));
    }
    return Refuse(TokenInactive());
  }
  if (refused.has_value()) return Refuse(*std::move(refused));
  if (is_refresh) return grants_.Refresh(context, where, *client, *found, request);
  if (request.grant_type() == "authorization_code") {
    return grants_.RedeemCode(context, where, *client, request);
  }
  if (request.grant_type() != "client_credentials") {
    return Refuse(InvalidRequest(kWrongParameters));
  }
  return rules_.IssueToClient(context, where, *client, request);
}

absl::StatusOr<v1::IntrospectTokenResponse> OAuthTokenServiceImpl::IntrospectToken(
    rpc::CallContext& context, const v1::IntrospectTokenRequest& request) {
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  const Where where = {app, context.deadline};
  v1::IntrospectTokenResponse response;
  if (IsRefreshToken(request.token())) {
    response.set_is_refresh_token(true);
    ASSIGN_OR_RETURN(const auto found, grants_.FindRefreshToken(where, request.token()));
    if (found.has_value() && HasScopes(found->grant, request.required_scope())) {
      response.set_active(true);
      response.set_claims(json::Serialize(GrantTokens::RefreshTokenJson(*found)));
    }
    return response;
  }
  ASSIGN_OR_RETURN(const std::optional<json::Value> claims,
                   rules_.Introspect(context, where, request.token()));
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
  if (ClaimedClientId(request.authentication()).empty()) {
    *response.mutable_refused() = InvalidRequest(kWrongParameters);
    return response;
  }
  ASSIGN_OR_RETURN(const std::optional<v1::Client> client,
                   clients_.Find(where, ClaimedClientId(request.authentication())));
  if (!client.has_value()) {
    *response.mutable_refused() = InvalidClient();
    return response;
  }
  ASSIGN_OR_RETURN(const auto refused, Authenticate(where, request.authentication(), *client));
  if (refused.has_value()) {
    *response.mutable_refused() = InvalidClient();
    return response;
  }
  ASSIGN_OR_RETURN(const auto found, grants_.FindRefreshToken(where, request.token()));
  if (!found.has_value()) return response;
  if (found->client_id != client->client_id()) {
    *response.mutable_refused() = UnauthorizedClient("The token was issued to another client.");
    return response;
  }
  RETURN_IF_ERROR(sessions_.RevokeGrant(where, found->grant.gid()));
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
