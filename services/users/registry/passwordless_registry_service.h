#pragma once

#include "gatehouse/users/v1/passwordless_registry_service.rpc.h"
#include "libs/base/clock.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/users/registry/activity_recorder.h"
#include "services/users/registry/pg_passwordless_store.h"
#include "services/users/registry/pg_user_store.h"

namespace gatehouse::users {

// The registry for the passwordless service (passwordless_registry_service.proto). Thread-safe.
class PasswordlessRegistryServiceImpl final : public v1::PasswordlessRegistryService {
 public:
  // All outlive the service.
  PasswordlessRegistryServiceImpl(const tenancy::TenantDirectory& directory, PgUserStore& users,
                                  PgPasswordlessStore& store, ActivityRecorder& activity,
                                  const Clock& clock)
      : directory_(directory), users_(users), store_(store), activity_(activity), clock_(clock) {}

  absl::StatusOr<v1::SignInOrUpPasswordlessResponse> SignInOrUpPasswordless(
      rpc::CallContext& context, const v1::SignInOrUpPasswordlessRequest& request) override;
  absl::StatusOr<v1::UpdatePasswordlessUserResponse> UpdatePasswordlessUser(
      rpc::CallContext& context, const v1::UpdatePasswordlessUserRequest& request) override;

 private:
  const tenancy::TenantDirectory& directory_;
  PgUserStore& users_;
  PgPasswordlessStore& store_;
  ActivityRecorder& activity_;
  const Clock& clock_;
};

}  // namespace gatehouse::users
