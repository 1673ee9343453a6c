#pragma once

#include <atomic>

#include "gatehouse/tenants/v1/tenant_directory.rpc.h"
#include "services/tenants/catalogue.h"
#include "services/tenants/pg_tenant_store.h"
#include "services/tenants/tenant_manager.h"

namespace gatehouse::tenants {

// The stream that feeds every process's tenancy::TenantDirectory. Arguments outlive it.
class DirectoryService final : public v1::TenantDirectoryService {
 public:
  DirectoryService(Catalogue& catalogue, TenantManager& manager, PgTenantStore& store)
      : catalogue_(catalogue), manager_(manager), store_(store) {}

  absl::Status WatchTenants(rpc::CallContext& context, const v1::WatchTenantsRequest& request,
                            Catalogue::Watcher stream) override;
  absl::StatusOr<v1::GetDirectoryEntriesResponse> GetDirectoryEntries(
      rpc::CallContext& context, const v1::GetDirectoryEntriesRequest& request) override;

 private:
  // Brings the catalogue up to what the database has now.
  absl::Status CatchUp();

  Catalogue& catalogue_;
  TenantManager& manager_;
  PgTenantStore& store_;
  // Whether the last attempt to catch up failed, and whether one is being made.
  std::atomic<bool> failed_ = false;
  std::atomic<bool> trying_ = false;
};

}  // namespace gatehouse::tenants
