#include "services/oauth/tokens.h"

#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/crypto/bytes.h"
#include "services/oauth/client_authentication.h"
#include "services/oauth/client_rules.h"
#include "services/oauth/oauth_errors.h"
#include "services/oauth/scopes.h"
#include "services/oauth/token_claims.h"

namespace gatehouse::oauth {
namespace {

constexpr char kGrant[] = "client_credentials";

std::optional<v1::OAuthError> CheckClientCredentials(const v1::Client& client,
                                                     const std::vector<std::string>& scopes,
                                                     const std::vector<std::string>& audience) {
  if (auto refused = CheckGrantType(client, kGrant)) return refused;
  if (auto refused = CheckScopes(client, scopes)) return refused;
  if (auto refused = CheckAudience(client, audience)) return refused;
  if (IsPublic(client)) {
    return InvalidGrant(
        "The OAuth 2.0 Client is marked as public and is thus not allowed to use authorization "
        "grant 'client_credentials'.");
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<v1::IssueTokensResponse> Tokens::IssueToClient(
    CallContext& context, const Where& app, const v1::Client& client,
    const v1::IssueTokensRequest& request) {
  v1::IssueTokensResponse response;
  std::vector<std::string> scopes = SplitWords(request.requested_scope());
  std::vector<std::string> audience = SplitWords(request.requested_audience());
  if (auto refused = CheckClientCredentials(client, scopes, audience)) {
    *response.mutable_refused() = *std::move(refused);
    return response;
  }
  ASSIGN_OR_RETURN(
      const json::Value callers,
      ParseClaims(request.has_access_token_claims() ? request.access_token_claims() : "{}"));
  const int64_t now_s = clock_.NowMs() / 1000;
  const int64_t lifetime_s = LifespanSeconds(
      client.has_client_credentials_grant_access_token_lifespan(),
      client.client_credentials_grant_access_token_lifespan(), kAccessTokenLifetimeS);
  const AccessTokenClaims claims = {.issuer = request.issuer(),
                                    .subject = client.client_id(),
                                    .client_id = client.client_id(),
                                    .scopes = scopes,
                                    .audience = std::move(audience),
                                    .gid = crypto::NewUuid4(),
                                    .jti = crypto::NewUuid4(),
                                    .issued_at_s = now_s,
                                    .expires_at_s = now_s + lifetime_s};
  const json::Value token = AccessTokenJson(claims, callers);
  ASSIGN_OR_RETURN(std::string signed_token,
                   keys_.Sign(context, *app.tenant, token, request.use_dynamic_key()));
  // Afterwards, so that a token that could not be signed leaves nothing behind.
  ASSIGN_OR_RETURN(const bool added,
                   store_.AddMachineGrant(app, {.gid = claims.gid,
                                                .client_id = client.client_id(),
                                                .session_handle = SessionHandleOf(token),
                                                .jti = claims.jti,
                                                .issued_at_s = now_s,
                                                .expires_at_s = claims.expires_at_s}));
  if (!added) {
    response.set_client_not_found(true);
    return response;
  }
  v1::IssueTokensResponse::Tokens& tokens = *response.mutable_tokens();
  tokens.set_access_token(std::move(signed_token));
  tokens.set_expires_in_s(lifetime_s);
  tokens.set_scope(JoinWords(scopes));
  return response;
}

absl::StatusOr<std::optional<json::Value>> Tokens::Introspect(CallContext& context,
                                                              const Where& app,
                                                              std::string_view token) {
  ASSIGN_OR_RETURN(std::optional<json::Value> claims, keys_.Verify(context, *app.tenant, token));
  if (!claims.has_value()) return std::nullopt;
  const json::Value* kind = claims->Find("stt");
  const json::Value* expiry = claims->Find("exp");
  const std::optional<std::string_view> gid = claims->FindString("gid");
  const std::optional<std::string_view> jti = claims->FindString("jti");
  if (kind == nullptr || kind->AsInt64() != 1 || expiry == nullptr ||
      expiry->AsInt64().value_or(0) <= clock_.NowMs() / 1000 || !gid.has_value() ||
      !jti.has_value()) {
    return std::nullopt;
  }
  ASSIGN_OR_RETURN(const bool alive, store_.IsAlive(app, *gid, *jti));
  if (!alive) return std::nullopt;
  return claims;
}

absl::Status Tokens::Revoke(CallContext& context, const Where& app, std::string_view token) {
  ASSIGN_OR_RETURN(const std::optional<json::Value> claims,
                   keys_.Verify(context, *app.tenant, token));
  if (!claims.has_value()) return absl::OkStatus();
  const std::optional<std::string_view> gid = claims->FindString("gid");
  const std::optional<std::string_view> jti = claims->FindString("jti");
  if (!gid.has_value() || !jti.has_value()) return absl::OkStatus();
  return store_.RevokeAccessToken(app, *gid, *jti);
}

}  // namespace gatehouse::oauth
