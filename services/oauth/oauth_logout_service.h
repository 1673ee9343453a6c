#pragma once

#include "gatehouse/oauth/v1/oauth_logout_service.rpc.h"
#include "libs/base/clock.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/oauth/pg_client_store.h"
#include "services/oauth/pg_logout_store.h"
#include "services/oauth/pg_session_store.h"
#include "services/oauth/token_keys.h"

namespace gatehouse::oauth {

// oauth_logout_service.proto. Thread-safe.
class OAuthLogoutServiceImpl final : public v1::OAuthLogoutService {
 public:
  // All outlive the service.
  OAuthLogoutServiceImpl(const tenancy::TenantDirectory& directory, PgClientStore& clients,
                         PgLogoutStore& logouts, PgSessionStore& sessions, TokenKeys& keys,
                         const Clock& clock)
      : directory_(directory),
        clients_(clients),
        logouts_(logouts),
        sessions_(sessions),
        keys_(keys),
        clock_(clock) {}

  absl::StatusOr<v1::RequestLogoutResponse> RequestLogout(
      rpc::CallContext& context, const v1::RequestLogoutRequest& request) override;
  absl::StatusOr<v1::AcceptLogoutResponse> AcceptLogout(
      rpc::CallContext& context, const v1::AcceptLogoutRequest& request) override;
  absl::StatusOr<v1::RejectLogoutResponse> RejectLogout(
      rpc::CallContext& context, const v1::RejectLogoutRequest& request) override;

 private:
  const tenancy::TenantDirectory& directory_;
  PgClientStore& clients_;
  PgLogoutStore& logouts_;
  PgSessionStore& sessions_;
  TokenKeys& keys_;
  const Clock& clock_;
};

}  // namespace gatehouse::oauth
