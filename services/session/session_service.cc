#include "services/session/session_service.h"

#include <string>

#include "libs/base/status.h"
#include "services/session/create_session.h"
#include "services/session/refresh_session.h"
#include "services/session/regenerate_session.h"
#include "services/session/session_data.h"
#include "services/session/user_sessions.h"
#include "services/session/verify_session.h"

namespace gatehouse::session {

absl::StatusOr<v1::CreateSessionResponse> SessionService::CreateSession(
    rpc::CallContext& context, const v1::CreateSessionRequest& request) {
  ASSIGN_OR_RETURN(const auto tenant, parts_.directory.Find(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const auto app, parts_.directory.FindApp(request.scope(), context.deadline));
  return session::CreateSession(parts_, context, *app, *tenant, request);
}

absl::StatusOr<v1::VerifySessionResponse> SessionService::VerifySession(
    rpc::CallContext& context, const v1::VerifySessionRequest& request) {
  ASSIGN_OR_RETURN(const auto app, parts_.directory.FindApp(request.scope(), context.deadline));
  return session::VerifySession(parts_, context, *app, request);
}

absl::StatusOr<v1::RefreshSessionResponse> SessionService::RefreshSession(
    rpc::CallContext& context, const v1::RefreshSessionRequest& request) {
  RETURN_IF_ERROR(parts_.directory.Find(request.scope(), context.deadline).status());
  ASSIGN_OR_RETURN(const auto app, parts_.directory.FindApp(request.scope(), context.deadline));
  return session::RefreshSession(parts_, context, *app, request);
}

absl::StatusOr<v1::RegenerateSessionResponse> SessionService::RegenerateSession(
    rpc::CallContext& context, const v1::RegenerateSessionRequest& request) {
  ASSIGN_OR_RETURN(const auto app, parts_.directory.FindApp(request.scope(), context.deadline));
  return session::RegenerateSession(parts_, context, *app, request);
}

absl::StatusOr<v1::GetSessionResponse> SessionService::GetSession(
    rpc::CallContext& context, const v1::GetSessionRequest& request) {
  ASSIGN_OR_RETURN(const auto tenant, TenantOf(context, request.scope(), request.handle()));
  return session::GetSession(parts_, context, *tenant, request);
}

absl::StatusOr<v1::UpdateSessionResponse> SessionService::UpdateSession(
    rpc::CallContext& context, const v1::UpdateSessionRequest& request) {
  ASSIGN_OR_RETURN(const auto tenant, TenantOf(context, request.scope(), request.handle()));
  return session::UpdateSession(parts_, context, *tenant, request);
}

absl::StatusOr<v1::GetHandshakeResponse> SessionService::GetHandshake(
    rpc::CallContext& context, const v1::GetHandshakeRequest& request) {
  ASSIGN_OR_RETURN(const auto tenant, parts_.directory.Find(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const auto app, parts_.directory.FindApp(request.scope(), context.deadline));
  return session::GetHandshake(parts_, context, *app, *tenant);
}

absl::StatusOr<v1::ListUserSessionsResponse> SessionService::ListUserSessions(
    rpc::CallContext& context, const v1::ListUserSessionsRequest& request) {
  ASSIGN_OR_RETURN(const auto tenant, parts_.directory.Find(request.scope(), context.deadline));
  return session::ListUserSessions(parts_, context, tenant, request);
}

absl::StatusOr<v1::RevokeSessionsResponse> SessionService::RevokeSessions(
    rpc::CallContext& context, const v1::RevokeSessionsRequest& request) {
  RETURN_IF_ERROR(parts_.directory.FindApp(request.scope(), context.deadline).status());
  return session::RevokeSessions(parts_, context, request);
}

absl::StatusOr<v1::RevokeUserSessionsResponse> SessionService::RevokeUserSessions(
    rpc::CallContext& context, const v1::RevokeUserSessionsRequest& request) {
  ASSIGN_OR_RETURN(const auto tenant, parts_.directory.Find(request.scope(), context.deadline));
  return session::RevokeUserSessions(parts_, context, tenant, request);
}

absl::StatusOr<common::v1::RemoveUsersResponse> SessionService::RemoveUsers(
    rpc::CallContext& context, const common::v1::RemoveUsersRequest& request) {
  ASSIGN_OR_RETURN(const auto app, parts_.directory.FindApp(request.scope(), context.deadline));
  return session::RemoveUsers(parts_, context, app, request);
}

absl::StatusOr<common::v1::RemoveUserFromTenantResponse> SessionService::RemoveUserFromTenant(
    rpc::CallContext& context, const common::v1::RemoveUserFromTenantRequest& request) {
  ASSIGN_OR_RETURN(const auto tenant, parts_.directory.Find(request.scope(), context.deadline));
  return session::RemoveUserFromTenant(parts_, context, *tenant, request);
}

absl::StatusOr<common::v1::IsUserIdInUseResponse> SessionService::IsUserIdInUse(
    rpc::CallContext& context, const common::v1::IsUserIdInUseRequest& request) {
  ASSIGN_OR_RETURN(const auto app, parts_.directory.FindApp(request.scope(), context.deadline));
  return session::IsUserIdInUse(parts_, context, app, request);
}

absl::StatusOr<tenancy::TenantPtr> SessionService::TenantOf(const CallContext& context,
                                                            const common::v1::Scope& scope,
                                                            std::string_view handle) const {
  ASSIGN_OR_RETURN(const std::string tenant_id, TenantOfHandle(handle));
  return TenantOfApp(parts_, context, scope, tenant_id);
}

}  // namespace gatehouse::session
