#pragma once

#include "gatehouse/tenants/v1/tenant_directory.rpc.h"
#include "services/tenants/catalogue.h"
#include "services/tenants/pg_tenant_store.h"

namespace gatehouse::tenants {

// The stream that feeds every process's tenancy::TenantDirectory. Arguments outlive it.
class DirectoryService final : public v1::TenantDirectoryService {
 public:
  DirectoryService(Catalogue& catalogue, PgTenantStore& store)
      : catalogue_(catalogue), store_(store) {}

  absl::Status WatchTenants(rpc::CallContext& context, const v1::WatchTenantsRequest& request,
                            Catalogue::Watcher stream) override;
  absl::StatusOr<v1::GetDirectoryEntriesResponse> GetDirectoryEntries(
      rpc::CallContext& context, const v1::GetDirectoryEntriesRequest& request) override;

 private:
  Catalogue& catalogue_;
  PgTenantStore& store_;
};

}  // namespace gatehouse::tenants
