#pragma once

#include "absl/status/statusor.h"
#include "gatehouse/session/v1/session_service.pb.h"
#include "services/session/session_parts.h"

namespace gatehouse::session {

// What is stored of a session of `tenant`; nothing when there is none or it has expired.
absl::StatusOr<v1::GetSessionResponse> GetSession(const SessionParts& parts, CallContext& context,
                                                  const tenancy::Tenant& tenant,
                                                  const v1::GetSessionRequest& request);

// Replaces what the request has. BAD_INPUT for what is no object, or has claims that it may not.
absl::StatusOr<v1::UpdateSessionResponse> UpdateSession(const SessionParts& parts,
                                                        CallContext& context,
                                                        const tenancy::Tenant& tenant,
                                                        const v1::UpdateSessionRequest& request);

// The keys and the configuration that SDKs before JWKS ask for.
absl::StatusOr<v1::GetHandshakeResponse> GetHandshake(const SessionParts& parts,
                                                      CallContext& context,
                                                      const tenancy::Tenant& app,
                                                      const tenancy::Tenant& tenant);

}  // namespace gatehouse::session
