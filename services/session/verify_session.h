#pragma once

#include "absl/status/statusor.h"
#include "gatehouse/session/v1/session_service.pb.h"
#include "services/session/session_parts.h"

namespace gatehouse::session {

// What an access token says, if it is good: judged by its signature and times, and by the session's
// row where the request asks for it or the token is none that sessions make.
absl::StatusOr<v1::VerifySessionResponse> VerifySession(const SessionParts& parts,
                                                        CallContext& context,
                                                        const tenancy::Tenant& app,
                                                        const v1::VerifySessionRequest& request);

}  // namespace gatehouse::session
