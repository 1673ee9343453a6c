#include "services/session/regenerate_session.h"

#include <utility>

#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "services/session/tokens.h"

namespace gatehouse::session {

absl::StatusOr<v1::RegenerateSessionResponse> RegenerateSession(
    const SessionParts& parts, CallContext& context, const tenancy::Tenant& app,
    const v1::RegenerateSessionRequest& request) {
  const auto raw = SplitAccessToken(request.access_token());
  if (!raw.ok()) {
    if (ReasonOf(raw.status()) == ErrorReason::kBadInput) return raw.status();
    return BadInput(Problem::kMalformed, "The access token is not a JWT",
                    {{"field", "accessToken"}});
  }
  v1::RegenerateSessionResponse response;
  const auto read = ReadAccessToken(*raw);
  if (!read.ok()) {
    if (ReasonOf(read.status()) == ErrorReason::kBadInput) return read.status();
    response.set_unauthorised_message(std::string(read.status().message()));
    return response;
  }
  AccessToken token = *read;
  ASSIGN_OR_RETURN(const auto tenant,
                   TenantOfApp(parts, context, request.scope(), token.tenant_id));
  ASSIGN_OR_RETURN(const auto keys, parts.keys.Get(context, app, /*with_static=*/false));
  const int64_t now_ms = parts.clock.NowMs();
  const auto missing = [&response] {
    response.set_unauthorised_message("Session does not exist.");
    return response;
  };

  if (!raw->says_version) {
    ASSIGN_OR_RETURN(const auto row,
                     parts.store.Get(*tenant, token.session_handle, context.deadline));
    if (!row.has_value()) return missing();
    ASSIGN_OR_RETURN(const bool of_its_user,
                     IsOfItsUser(parts, context, *tenant, token, row->user_id));
    if (!of_its_user) return missing();
  }

  bool use_static_key;
  absl::Status refused;
  if (request.has_user_data_in_jwt_json()) {
    ASSIGN_OR_RETURN(token.user_data,
                     ParseUserData(request.user_data_in_jwt_json(), "userDataInJWT"));
    refused = CheckUserData(token.version, token.user_data);
    if (refused.ok() && request.check_protected_claims() &&
        HasOwnClaim(token.version, token.user_data)) {
      refused = BadInput(Problem::kReserved, kProtectedClaimMessage, {{"field", "userDataInJWT"}});
    }
  }
  if (request.has_user_data_in_jwt_json() && refused.ok()) {
    ASSIGN_OR_RETURN(const auto updated,
                     parts.store.Update(*tenant, token.session_handle, now_ms, std::nullopt,
                                        request.user_data_in_jwt_json(), context.deadline));
    if (!updated.has_value()) return missing();
    use_static_key = updated->use_static_key;
  } else {
    ASSIGN_OR_RETURN(const auto row,
                     parts.store.Get(*tenant, token.session_handle, context.deadline));
    if (!row.has_value() || row->expires_at_ms <= now_ms) return missing();
    RETURN_IF_ERROR(refused);
    token.user_data = StoredUserData(row->jwt_payload);
    use_static_key = row->use_static_key;
    const bool mints = token.expiry_ms >= now_ms;
    if ((request.check_protected_claims() && HasOwnClaim(token.version, token.user_data)) ||
        (mints && HasProtectedClaim(token.version, token.user_data))) {
      return BadInput(Problem::kReserved, kProtectedClaimMessage, {{"field", "userDataInJWT"}});
    }
  }

  auto& regenerated = *response.mutable_regenerated();
  FillSession(token, *regenerated.mutable_session());
  if (token.expiry_ms < now_ms) return response;  // the client has to refresh anyway
  token.created_ms = now_ms;
  ASSIGN_OR_RETURN(const SigningKey key, parts.keys.ToSign(context, app, *keys, use_static_key));
  RETURN_IF_ERROR(Mint(token, key, *regenerated.mutable_access_token()));
  return response;
}

}  // namespace gatehouse::session
