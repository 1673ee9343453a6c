#pragma once

#include "gatehouse/tenants/v1/activity_log_service.rpc.h"
#include "services/tenants/pg_activity_log_store.h"

namespace gatehouse::tenants {

// The RPC adapter of PgActivityLogStore. Arguments outlive it.
class ActivityLogServiceImpl final : public v1::ActivityLogService {
 public:
  ActivityLogServiceImpl(const tenancy::TenantDirectory& directory, PgActivityLogStore& store)
      : directory_(directory), store_(store) {}

  absl::StatusOr<v1::AppendActivitiesResponse> AppendActivities(
      rpc::CallContext& context, const v1::AppendActivitiesRequest& request) override;

 private:
  const tenancy::TenantDirectory& directory_;
  PgActivityLogStore& store_;
};

}  // namespace gatehouse::tenants
