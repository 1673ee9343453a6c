#pragma once

#include "gatehouse/dashboard/v1/dashboard_session_service.rpc.h"
#include "libs/base/clock.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/dashboard/pg_dashboard_store.h"

namespace gatehouse::dashboard {

// dashboard_session_service.proto: finds the app, asks the store, and decides whether a session
// still counts. Thread-safe.
class DashboardSessionServiceImpl final : public v1::DashboardSessionService {
 public:
  // All outlive the service.
  DashboardSessionServiceImpl(const tenancy::TenantDirectory& directory, PgDashboardStore& store,
                              const Clock& clock)
      : directory_(directory), store_(store), clock_(clock) {}

  absl::StatusOr<v1::VerifySessionResponse> VerifySession(
      rpc::CallContext& context, const v1::VerifySessionRequest& request) override;
  absl::StatusOr<v1::RevokeSessionResponse> RevokeSession(
      rpc::CallContext& context, const v1::RevokeSessionRequest& request) override;
  absl::StatusOr<v1::ListSessionsResponse> ListSessions(
      rpc::CallContext& context, const v1::ListSessionsRequest& request) override;

 private:
  const tenancy::TenantDirectory& directory_;
  PgDashboardStore& store_;
  const Clock& clock_;
};

}  // namespace gatehouse::dashboard
