#pragma once

#include "gatehouse/users/v1/registry_service.rpc.h"
#include "libs/base/clock.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/users/registry/activity_recorder.h"
#include "services/users/registry/pg_user_store.h"

namespace gatehouse::users {

// The registry for other services (registry_service.proto). Thread-safe.
class RegistryServiceImpl final : public v1::RegistryService {
 public:
  // All outlive the service.
  RegistryServiceImpl(const tenancy::TenantDirectory& directory, PgUserStore& store,
                      ActivityRecorder& activity, const Clock& clock)
      : directory_(directory), store_(store), activity_(activity), clock_(clock) {}

  absl::StatusOr<v1::ResolveUserIdsResponse> ResolveUserIds(
      rpc::CallContext& context, const v1::ResolveUserIdsRequest& request) override;
  absl::StatusOr<v1::SignInOrUpResponse> SignInOrUp(rpc::CallContext& context,
                                                    const v1::SignInOrUpRequest& request) override;
  absl::StatusOr<v1::ChangeIdentityResponse> ChangeIdentity(
      rpc::CallContext& context, const v1::ChangeIdentityRequest& request) override;
  absl::StatusOr<v1::RecordActivityResponse> RecordActivity(
      rpc::CallContext& context, const v1::RecordActivityRequest& request) override;

 private:
  const tenancy::TenantDirectory& directory_;
  PgUserStore& store_;
  ActivityRecorder& activity_;
  const Clock& clock_;
};

}  // namespace gatehouse::users
