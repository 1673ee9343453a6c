#pragma once

#include "gatehouse/saml/v1/saml_service.rpc.h"
#include "libs/base/clock.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/saml/pg_client_store.h"
#include "services/saml/service_keys.h"
#include "services/saml/sign_on.h"

namespace gatehouse::activity {
class ActivityLog;
}

namespace gatehouse::saml {

// saml_service.proto: finds the tenant, calls the rule or, if there is none, the store, and encodes
// the answer. Thread-safe.
class SamlServiceImpl final : public v1::SamlService {
 public:
  // All outlive the service.
  SamlServiceImpl(const tenancy::TenantDirectory& directory, PgClientStore& clients,
                  SignOn& sign_on, ServiceKeys& keys, activity::ActivityLog& activities,
                  const Clock& clock)
      : directory_(directory),
        clients_(clients),
        sign_on_(sign_on),
        keys_(keys),
        activities_(activities),
        clock_(clock) {}

  absl::StatusOr<v1::PutClientResponse> PutClient(rpc::CallContext& context,
                                                  const v1::PutClientRequest& request) override;
  absl::StatusOr<v1::ListClientsResponse> ListClients(
      rpc::CallContext& context, const v1::ListClientsRequest& request) override;
  absl::StatusOr<v1::RemoveClientResponse> RemoveClient(
      rpc::CallContext& context, const v1::RemoveClientRequest& request) override;
  absl::StatusOr<v1::StartLoginResponse> StartLogin(rpc::CallContext& context,
                                                    const v1::StartLoginRequest& request) override;
  absl::StatusOr<v1::GetLoginFormResponse> GetLoginForm(
      rpc::CallContext& context, const v1::GetLoginFormRequest& request) override;
  absl::StatusOr<v1::FinishLoginResponse> FinishLogin(
      rpc::CallContext& context, const v1::FinishLoginRequest& request) override;
  absl::StatusOr<v1::ExchangeCodeResponse> ExchangeCode(
      rpc::CallContext& context, const v1::ExchangeCodeRequest& request) override;
  absl::StatusOr<v1::CheckClientSecretResponse> CheckClientSecret(
      rpc::CallContext& context, const v1::CheckClientSecretRequest& request) override;
  absl::StatusOr<v1::GetServiceMetadataResponse> GetServiceMetadata(
      rpc::CallContext& context, const v1::GetServiceMetadataRequest& request) override;

 private:
  const tenancy::TenantDirectory& directory_;
  PgClientStore& clients_;
  SignOn& sign_on_;
  ServiceKeys& keys_;
  activity::ActivityLog& activities_;
  const Clock& clock_;
};

}  // namespace gatehouse::saml
