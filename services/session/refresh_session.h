#pragma once

#include "absl/status/statusor.h"
#include "gatehouse/session/v1/session_service.pb.h"
#include "services/session/session_parts.h"

namespace gatehouse::session {

// New tokens for a refresh token. Everything that may fail (keys, users) comes before the store is
// changed, so that an error leaves the session unchanged; if the store may have rotated it all the
// same, the rotation is undone (untold_rotations.h). An eager rotation shortens the
// context's deadline.
absl::StatusOr<v1::RefreshSessionResponse> RefreshSession(const SessionParts& parts,
                                                          CallContext& context,
                                                          const tenancy::Tenant& app,
                                                          const v1::RefreshSessionRequest& request);

}  // namespace gatehouse::session
