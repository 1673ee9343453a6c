#pragma once

#include "gatehouse/dashboard/v1/core_config_service.rpc.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::dashboard {

// core_config_service.proto, from the tenant directory. Thread-safe.
class CoreConfigServiceImpl final : public v1::CoreConfigService {
 public:
  // `directory` outlives the service.
  explicit CoreConfigServiceImpl(const tenancy::TenantDirectory& directory)
      : directory_(directory) {}

  absl::StatusOr<v1::ListCoreConfigResponse> ListCoreConfig(
      rpc::CallContext& context, const v1::ListCoreConfigRequest& request) override;

 private:
  const tenancy::TenantDirectory& directory_;
};

}  // namespace gatehouse::dashboard
