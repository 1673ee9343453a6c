#pragma once

#include "gatehouse/tenants/v1/app_settings_service.rpc.h"
#include "libs/base/clock.h"
#include "services/tenants/pg_app_settings_store.h"

namespace gatehouse::tenants {

// The RPC adapter of PgAppSettingsStore. Arguments outlive it.
class AppSettingsService final : public v1::AppSettingsService {
 public:
  AppSettingsService(const tenancy::TenantDirectory& directory, PgAppSettingsStore& store,
                     const Clock& clock)
      : directory_(directory), store_(store), clock_(clock) {}

  absl::StatusOr<v1::GetOrCreateSettingResponse> GetOrCreateSetting(
      rpc::CallContext& context, const v1::GetOrCreateSettingRequest& request) override;
  absl::StatusOr<v1::GetSettingResponse> GetSetting(rpc::CallContext& context,
                                                    const v1::GetSettingRequest& request) override;
  absl::StatusOr<v1::SetSettingResponse> SetSetting(rpc::CallContext& context,
                                                    const v1::SetSettingRequest& request) override;
  absl::StatusOr<v1::DeleteSettingResponse> DeleteSetting(
      rpc::CallContext& context, const v1::DeleteSettingRequest& request) override;

 private:
  const tenancy::TenantDirectory& directory_;
  PgAppSettingsStore& store_;
  const Clock& clock_;
};

}  // namespace gatehouse::tenants
