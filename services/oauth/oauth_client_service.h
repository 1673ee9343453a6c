#pragma once

#include "gatehouse/oauth/v1/oauth_client_service.rpc.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/oauth/pg_client_store.h"

namespace gatehouse::oauth {

// oauth_client_service.proto: prepares clients by the rules (client_rules.h) and keeps them.
// Thread-safe.
class OAuthClientServiceImpl final : public v1::OAuthClientService {
 public:
  // Both outlive the service.
  OAuthClientServiceImpl(const tenancy::TenantDirectory& directory, PgClientStore& store)
      : directory_(directory), store_(store) {}

  absl::StatusOr<v1::CreateClientResponse> CreateClient(
      rpc::CallContext& context, const v1::CreateClientRequest& request) override;
  absl::StatusOr<v1::GetClientResponse> GetClient(rpc::CallContext& context,
                                                  const v1::GetClientRequest& request) override;
  absl::StatusOr<v1::UpdateClientResponse> UpdateClient(
      rpc::CallContext& context, const v1::UpdateClientRequest& request) override;
  absl::StatusOr<v1::ListClientsResponse> ListClients(
      rpc::CallContext& context, const v1::ListClientsRequest& request) override;
  absl::StatusOr<v1::DeleteClientResponse> DeleteClient(
      rpc::CallContext& context, const v1::DeleteClientRequest& request) override;

 private:
  const tenancy::TenantDirectory& directory_;
  PgClientStore& store_;
};

}  // namespace gatehouse::oauth
