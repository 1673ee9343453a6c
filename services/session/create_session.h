#pragma once

#include "absl/status/statusor.h"
#include "gatehouse/session/v1/session_service.pb.h"
#include "services/session/session_parts.h"

namespace gatehouse::session {

// A new session of a user of `tenant`, with its first tokens. Everything that may fail comes before the
// store is changed.
absl::StatusOr<v1::CreateSessionResponse> CreateSession(const SessionParts& parts,
                                                        CallContext& context,
                                                        const tenancy::Tenant& app,
                                                        const tenancy::Tenant& tenant,
                                                        const v1::CreateSessionRequest& request);

}  // namespace gatehouse::session
