#include "services/session/session_data.h"

#include <utility>

#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "services/session/tokens.h"

namespace gatehouse::session {

absl::StatusOr<v1::GetSessionResponse> GetSession(const SessionParts& parts, CallContext& context,
                                                  const tenancy::Tenant& tenant,
                                                  const v1::GetSessionRequest& request) {
  std::optional<ShownSession> shown;
  if (request.resolve_user()) {
    ASSIGN_OR_RETURN(shown, parts.store.GetShown(tenant, request.handle(), context.deadline));
  } else {
    ASSIGN_OR_RETURN(auto row, parts.store.Get(tenant, request.handle(), context.deadline));
    if (row.has_value()) shown = ShownSession{*std::move(row), std::nullopt};
  }
  v1::GetSessionResponse response;
  if (!shown.has_value() || shown->row.expires_at_ms <= parts.clock.NowMs()) return response;
  SessionRow& row = shown->row;
  auto& session = *response.mutable_session();
  session.set_handle(request.handle());
  session.set_recipe_user_id(row.user_id);
  // As in the original: for an id in internal form the primary user's internal id is shown, and an
  // external one stays unchanged.
  session.set_user_id(std::move(shown->primary_user_id).value_or(row.user_id));
  session.set_tenant_id(tenant.tenant_id);
  session.set_user_data_in_database_json(std::move(row.session_data));
  session.set_user_data_in_jwt_json(std::move(row.jwt_payload));
  session.set_expiry_ms(row.expires_at_ms);
  session.set_created_ms(row.created_at_ms);
  return response;
}

absl::StatusOr<v1::UpdateSessionResponse> UpdateSession(const SessionParts& parts,
                                                        CallContext& context,
                                                        const tenancy::Tenant& tenant,
                                                        const v1::UpdateSessionRequest& request) {
  std::optional<std::string> session_data, jwt_payload;
  if (request.has_user_data_in_database_json()) {
    RETURN_IF_ERROR(
        ParseUserData(request.user_data_in_database_json(), "userDataInDatabase").status());
    session_data = request.user_data_in_database_json();
  }
  if (request.has_user_data_in_jwt_json()) {
    ASSIGN_OR_RETURN(const json::Value user_data,
                     ParseUserData(request.user_data_in_jwt_json(), "userDataInJWT"));
    if (request.protected_claims_of() != v1::ACCESS_TOKEN_VERSION_UNSPECIFIED) {
      ASSIGN_OR_RETURN(const TokenVersion version, MintedVersion(request.protected_claims_of()));
      if (HasProtectedClaim(version, user_data)) {
        return BadInput(Problem::kReserved, kProtectedClaimMessage, {{"field", "userDataInJWT"}});
      }
    }
    jwt_payload = request.user_data_in_jwt_json();
  }
  ASSIGN_OR_RETURN(const auto updated,
                   parts.store.Update(tenant, request.handle(), parts.clock.NowMs(), session_data,
                                      jwt_payload, context.deadline));
  v1::UpdateSessionResponse response;
  response.set_found(updated.has_value());
  return response;
}

absl::StatusOr<v1::GetHandshakeResponse> GetHandshake(const SessionParts& parts,
                                                      CallContext& context,
                                                      const tenancy::Tenant& app,
                                                      const tenancy::Tenant& tenant) {
  ASSIGN_OR_RETURN(const auto keys, parts.keys.Get(context, app, /*with_static=*/true));
  v1::GetHandshakeResponse response;
  ASSIGN_OR_RETURN(*response.mutable_legacy_keys(),
                   MakeLegacyKeys(*keys, *app.config, parts.clock.NowMs()));
  response.set_access_token_blacklisting(tenant.config->access_token_blacklisting());
  response.set_access_token_validity_ms(tenant.config->access_token_validity_ms());
  response.set_refresh_token_validity_ms(tenant.config->refresh_token_validity_ms());
  return response;
}

}  // namespace gatehouse::session
