#pragma once

#include "absl/status/statusor.h"
#include "gatehouse/session/v1/session_service.pb.h"
#include "services/session/session_parts.h"

namespace gatehouse::session {

// A new access token with other user data, or with what is stored, for one that may have expired.
absl::StatusOr<v1::RegenerateSessionResponse> RegenerateSession(
    const SessionParts& parts, CallContext& context, const tenancy::Tenant& app,
    const v1::RegenerateSessionRequest& request);

}  // namespace gatehouse::session
