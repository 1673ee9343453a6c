#pragma once

#include "gatehouse/users/v1/user_directory_service.rpc.h"
#include "libs/base/clock.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/users/listing/pg_listing_store.h"
#include "services/users/registry/activity_recorder.h"
#include "services/users/registry/pg_user_store.h"

namespace gatehouse::users {

// Finding, listing and counting (user_directory_service.proto). Thread-safe.
class UserDirectoryServiceImpl final : public v1::UserDirectoryService {
 public:
  // All outlive the service.
  UserDirectoryServiceImpl(const tenancy::TenantDirectory& directory, PgUserStore& users,
                           PgListingStore& listing, ActivityRecorder& activity, const Clock& clock)
      : directory_(directory),
        users_(users),
        listing_(listing),
        activity_(activity),
        clock_(clock) {}

  absl::StatusOr<v1::GetUserResponse> GetUser(rpc::CallContext& context,
                                              const v1::GetUserRequest& request) override;
  absl::StatusOr<v1::FindUsersResponse> FindUsers(rpc::CallContext& context,
                                                  const v1::FindUsersRequest& request) override;
  absl::StatusOr<v1::ListUsersResponse> ListUsers(rpc::CallContext& context,
                                                  const v1::ListUsersRequest& request) override;
  absl::StatusOr<v1::CountUsersResponse> CountUsers(rpc::CallContext& context,
                                                    const v1::CountUsersRequest& request) override;
  absl::StatusOr<v1::CountActiveUsersResponse> CountActiveUsers(
      rpc::CallContext& context, const v1::CountActiveUsersRequest& request) override;

 private:
  absl::StatusOr<int64_t> CountWholeApp(const v1::CountUsersRequest& request, absl::Time deadline);

  const tenancy::TenantDirectory& directory_;
  PgUserStore& users_;
  PgListingStore& listing_;
  ActivityRecorder& activity_;
  const Clock& clock_;
};

}  // namespace gatehouse::users
