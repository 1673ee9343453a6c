#pragma once

#include "gatehouse/oauth/v1/oauth_flow_service.rpc.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/oauth/authorization.h"
#include "services/oauth/pg_client_store.h"

namespace gatehouse::oauth {

// oauth_flow_service.proto: finds the app, the client and the flow, and calls the rule
// (authorization.h). Thread-safe.
class OAuthFlowServiceImpl final : public v1::OAuthFlowService {
 public:
  // All outlive the service.
  OAuthFlowServiceImpl(const tenancy::TenantDirectory& directory, PgClientStore& clients,
                       Authorization& rules)
      : directory_(directory), clients_(clients), rules_(rules) {}

  absl::StatusOr<v1::AuthorizeResponse> Authorize(rpc::CallContext& context,
                                                  const v1::AuthorizeRequest& request) override;
  absl::StatusOr<v1::GetLoginRequestResponse> GetLoginRequest(
      rpc::CallContext& context, const v1::GetLoginRequestRequest& request) override;
  absl::StatusOr<v1::AcceptLoginResponse> AcceptLogin(
      rpc::CallContext& context, const v1::AcceptLoginRequest& request) override;
  absl::StatusOr<v1::RejectLoginResponse> RejectLogin(
      rpc::CallContext& context, const v1::RejectLoginRequest& request) override;
  absl::StatusOr<v1::GetConsentRequestResponse> GetConsentRequest(
      rpc::CallContext& context, const v1::GetConsentRequestRequest& request) override;
  absl::StatusOr<v1::AcceptConsentResponse> AcceptConsent(
      rpc::CallContext& context, const v1::AcceptConsentRequest& request) override;
  absl::StatusOr<v1::RejectConsentResponse> RejectConsent(
      rpc::CallContext& context, const v1::RejectConsentRequest& request) override;

 private:
  const tenancy::TenantDirectory& directory_;
  PgClientStore& clients_;
  Authorization& rules_;
};

}  // namespace gatehouse::oauth
