#pragma once

#include "gatehouse/dashboard/v1/dashboard_user_service.rpc.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/dashboard/dashboard_users.h"
#include "services/dashboard/pg_dashboard_store.h"

namespace gatehouse::dashboard {

// dashboard_user_service.proto: checks the input, finds the app, calls the rule (dashboard_users.h)
// or, if there is none, the store, and encodes the answer. Thread-safe.
class DashboardUserServiceImpl final : public v1::DashboardUserService {
 public:
  // All outlive the service.
  DashboardUserServiceImpl(const tenancy::TenantDirectory& directory, DashboardUsers& rules,
                           PgDashboardStore& store)
      : directory_(directory), rules_(rules), store_(store) {}

  absl::StatusOr<v1::CreateUserResponse> CreateUser(rpc::CallContext& context,
                                                    const v1::CreateUserRequest& request) override;
  absl::StatusOr<v1::UpdateUserResponse> UpdateUser(rpc::CallContext& context,
                                                    const v1::UpdateUserRequest& request) override;
  absl::StatusOr<v1::DeleteUserResponse> DeleteUser(rpc::CallContext& context,
                                                    const v1::DeleteUserRequest& request) override;
  absl::StatusOr<v1::ListUsersResponse> ListUsers(rpc::CallContext& context,
                                                  const v1::ListUsersRequest& request) override;
  absl::StatusOr<v1::SignInResponse> SignIn(rpc::CallContext& context,
                                            const v1::SignInRequest& request) override;

 private:
  const tenancy::TenantDirectory& directory_;
  DashboardUsers& rules_;
  PgDashboardStore& store_;
};

}  // namespace gatehouse::dashboard
