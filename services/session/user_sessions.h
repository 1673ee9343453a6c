#pragma once

#include "absl/status/statusor.h"
#include "gatehouse/common/v1/user_data_service.pb.h"
#include "gatehouse/session/v1/session_service.pb.h"
#include "services/session/session_parts.h"

namespace gatehouse::session {

// Sessions by their users or handles. Those of a user are in one database, but an app's tenants may
// have several: each is asked, and one that is down is an error (DEPENDENCY_DOWN) if sessions of
// the user can be in it.

absl::StatusOr<v1::ListUserSessionsResponse> ListUserSessions(
    const SessionParts& parts, CallContext& context, const tenancy::TenantPtr& tenant,
    const v1::ListUserSessionsRequest& request);

// Of any tenants of the scope's app, which each handle names. BAD_INPUT before any is revoked.
absl::StatusOr<v1::RevokeSessionsResponse> RevokeSessions(const SessionParts& parts,
                                                          CallContext& context,
                                                          const v1::RevokeSessionsRequest& request);

absl::StatusOr<v1::RevokeUserSessionsResponse> RevokeUserSessions(
    const SessionParts& parts, CallContext& context, const tenancy::TenantPtr& tenant,
    const v1::RevokeUserSessionsRequest& request);

// For users that are removed: also sessions that have expired.
absl::StatusOr<common::v1::RemoveUsersResponse> RemoveUsers(
    const SessionParts& parts, CallContext& context, const tenancy::TenantPtr& app,
    const common::v1::RemoveUsersRequest& request);
absl::StatusOr<common::v1::RemoveUserFromTenantResponse> RemoveUserFromTenant(
    const SessionParts& parts, CallContext& context, const tenancy::Tenant& tenant,
    const common::v1::RemoveUserFromTenantRequest& request);

// Whether there is a session that has not expired.
absl::StatusOr<common::v1::IsUserIdInUseResponse> IsUserIdInUse(
    const SessionParts& parts, CallContext& context, const tenancy::TenantPtr& app,
    const common::v1::IsUserIdInUseRequest& request);

}  // namespace gatehouse::session
