#pragma once

#include "gatehouse/tenants/v1/tenants_service.rpc.h"
#include "services/tenants/tenant_manager.h"

namespace gatehouse::tenants {

// The RPC adapter of TenantManager. Arguments outlive it.
class TenantsService final : public v1::TenantsService {
 public:
  TenantsService(const tenancy::TenantDirectory& directory, Catalogue& catalogue,
                 TenantManager& manager, PgTenantStore& store, PgTenantStorages& storages)
      : directory_(directory),
        catalogue_(catalogue),
        manager_(manager),
        store_(store),
        storages_(storages) {}

  absl::StatusOr<v1::UpsertTenantResponse> UpsertTenant(
      rpc::CallContext& context, const v1::UpsertTenantRequest& request) override;
  absl::StatusOr<v1::GetTenantResponse> GetTenant(rpc::CallContext& context,
                                                  const v1::GetTenantRequest& request) override;
  absl::StatusOr<v1::ListTenantsResponse> ListTenants(
      rpc::CallContext& context, const v1::ListTenantsRequest& request) override;
  absl::StatusOr<v1::RemoveTenantResponse> RemoveTenant(
      rpc::CallContext& context, const v1::RemoveTenantRequest& request) override;
  absl::StatusOr<v1::RemoveAppResponse> RemoveApp(rpc::CallContext& context,
                                                  const v1::RemoveAppRequest& request) override;
  absl::StatusOr<v1::RemoveConnectionUriDomainResponse> RemoveConnectionUriDomain(
      rpc::CallContext& context, const v1::RemoveConnectionUriDomainRequest& request) override;
  absl::StatusOr<v1::PutThirdPartyProviderResponse> PutThirdPartyProvider(
      rpc::CallContext& context, const v1::PutThirdPartyProviderRequest& request) override;
  absl::StatusOr<v1::RemoveThirdPartyProviderResponse> RemoveThirdPartyProvider(
      rpc::CallContext& context, const v1::RemoveThirdPartyProviderRequest& request) override;
  absl::StatusOr<v1::CheckStorageResponse> CheckStorage(
      rpc::CallContext& context, const v1::CheckStorageRequest& request) override;

 private:
  // A change is in effect everywhere when its reply is given.
  void AwaitWatchers(const rpc::CallContext& context);

  const tenancy::TenantDirectory& directory_;
  Catalogue& catalogue_;
  TenantManager& manager_;
  PgTenantStore& store_;
  PgTenantStorages& storages_;
};

}  // namespace gatehouse::tenants
