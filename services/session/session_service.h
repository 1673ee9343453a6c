#pragma once

#include "gatehouse/common/v1/user_data_service.rpc.h"
#include "gatehouse/session/v1/session_service.rpc.h"
#include "services/session/session_parts.h"

namespace gatehouse::session {

// session_service.proto, and user_data_service.proto for users' sessions: finds the tenants, and
// calls the rules. Thread-safe.
class SessionService final : public v1::SessionService, public common::v1::UserDataService {
 public:
  explicit SessionService(SessionParts parts) : parts_(parts) {}

  absl::StatusOr<v1::CreateSessionResponse> CreateSession(
      rpc::CallContext& context, const v1::CreateSessionRequest& request) override;
  absl::StatusOr<v1::VerifySessionResponse> VerifySession(
      rpc::CallContext& context, const v1::VerifySessionRequest& request) override;
  absl::StatusOr<v1::RefreshSessionResponse> RefreshSession(
      rpc::CallContext& context, const v1::RefreshSessionRequest& request) override;
  absl::StatusOr<v1::RegenerateSessionResponse> RegenerateSession(
      rpc::CallContext& context, const v1::RegenerateSessionRequest& request) override;
  absl::StatusOr<v1::GetSessionResponse> GetSession(rpc::CallContext& context,
                                                    const v1::GetSessionRequest& request) override;
  absl::StatusOr<v1::UpdateSessionResponse> UpdateSession(
      rpc::CallContext& context, const v1::UpdateSessionRequest& request) override;
  absl::StatusOr<v1::ListUserSessionsResponse> ListUserSessions(
      rpc::CallContext& context, const v1::ListUserSessionsRequest& request) override;
  absl::StatusOr<v1::RevokeSessionsResponse> RevokeSessions(
      rpc::CallContext& context, const v1::RevokeSessionsRequest& request) override;
  absl::StatusOr<v1::RevokeUserSessionsResponse> RevokeUserSessions(
      rpc::CallContext& context, const v1::RevokeUserSessionsRequest& request) override;
  absl::StatusOr<v1::GetHandshakeResponse> GetHandshake(
      rpc::CallContext& context, const v1::GetHandshakeRequest& request) override;

  absl::StatusOr<common::v1::RemoveUsersResponse> RemoveUsers(
      rpc::CallContext& context, const common::v1::RemoveUsersRequest& request) override;
  absl::StatusOr<common::v1::RemoveUserFromTenantResponse> RemoveUserFromTenant(
      rpc::CallContext& context, const common::v1::RemoveUserFromTenantRequest& request) override;
  absl::StatusOr<common::v1::IsUserIdInUseResponse> IsUserIdInUse(
      rpc::CallContext& context, const common::v1::IsUserIdInUseRequest& request) override;

 private:
  // The tenant that a handle names. BAD_INPUT when it is none.
  absl::StatusOr<tenancy::TenantPtr> TenantOf(const CallContext& context,
                                              const common::v1::Scope& scope,
                                              std::string_view handle) const;

  const SessionParts parts_;
};

}  // namespace gatehouse::session
