#pragma once

#include "gatehouse/oauth/v1/oauth_token_service.rpc.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/oauth/client_limits.h"
#include "services/oauth/grant_tokens.h"
#include "services/oauth/pg_client_store.h"
#include "services/oauth/pg_session_store.h"
#include "services/oauth/tokens.h"

namespace gatehouse::oauth {

// oauth_token_service.proto: finds the app and the client, authenticates it, and calls the rule
// (tokens.h, grant_tokens.h). Thread-safe.
class OAuthTokenServiceImpl final : public v1::OAuthTokenService {
 public:
  // All outlive the service.
  OAuthTokenServiceImpl(const tenancy::TenantDirectory& directory, PgClientStore& clients,
                        PgSessionStore& sessions, Tokens& rules, GrantTokens& grants,
                        ClientLimits& limits)
      : directory_(directory),
        clients_(clients),
        sessions_(sessions),
        rules_(rules),
        grants_(grants),
        limits_(limits) {}

  absl::StatusOr<v1::IssueTokensResponse> IssueTokens(
      rpc::CallContext& context, const v1::IssueTokensRequest& request) override;
  absl::StatusOr<v1::IntrospectTokenResponse> IntrospectToken(
      rpc::CallContext& context, const v1::IntrospectTokenRequest& request) override;
  absl::StatusOr<v1::RevokeTokenResponse> RevokeToken(
      rpc::CallContext& context, const v1::RevokeTokenRequest& request) override;
  absl::StatusOr<v1::RevokeTokensOfClientResponse> RevokeTokensOfClient(
      rpc::CallContext& context, const v1::RevokeTokensOfClientRequest& request) override;
  absl::StatusOr<v1::RevokeTokensOfSessionResponse> RevokeTokensOfSession(
      rpc::CallContext& context, const v1::RevokeTokensOfSessionRequest& request) override;

 private:
  // The refusal, or nullopt. kOverloaded: too many wrong secrets of this client.
  absl::StatusOr<std::optional<v1::OAuthError>> Authenticate(
      const Where& app, const v1::ClientAuthentication& authentication, const v1::Client& client);

  const tenancy::TenantDirectory& directory_;
  PgClientStore& clients_;
  PgSessionStore& sessions_;
  Tokens& rules_;
  GrantTokens& grants_;
  ClientLimits& limits_;
};

}  // namespace gatehouse::oauth
