#include <utility>

#include "libs/base/status.h"
#include "services/session/session_service.h"
#include "services/session/tokens.h"

namespace gatehouse::session {

absl::StatusOr<tenancy::TenantPtr> SessionService::TenantOfApp(rpc::CallContext& context,
                                                               const common::v1::Scope& scope,
                                                               std::string_view tenant_id) const {
  common::v1::Scope of_session = scope;
  of_session.set_tenant_id(std::string(tenant_id));
  return parts_.directory.Find(of_session, context.deadline);
}

absl::StatusOr<v1::GetSessionResponse> SessionService::GetSession(
    rpc::CallContext& context, const v1::GetSessionRequest& request) {
  ASSIGN_OR_RETURN(const std::string tenant_id, TenantOfHandle(request.handle()));
  ASSIGN_OR_RETURN(const auto tenant, TenantOfApp(context, request.scope(), tenant_id));
  ASSIGN_OR_RETURN(const auto row, parts_.store.Get(*tenant, request.handle(), context.deadline));
  v1::GetSessionResponse response;
  if (!row.has_value() || row->expires_at_ms <= parts_.clock.NowMs()) return response;
  auto& session = *response.mutable_session();
  session.set_handle(request.handle());
  session.set_user_id(row->user_id);
  session.set_recipe_user_id(row->user_id);
  session.set_tenant_id(tenant->tenant_id);
  session.set_user_data_in_database_json(row->session_data);
  session.set_user_data_in_jwt_json(row->jwt_payload);
  session.set_expiry_ms(row->expires_at_ms);
  session.set_created_ms(row->created_at_ms);
  if (request.resolve_user()) {
    ASSIGN_OR_RETURN(const UserIds user, parts_.users.Resolve(context, *tenant, row->user_id));
    // As in the original: for an id in internal form the primary user's internal id is shown, and
    // an external one stays unchanged.
    if (user.supertokens_user_id == row->user_id) {
      session.set_user_id(user.primary_supertokens_user_id);
    }
  }
  return response;
}

absl::StatusOr<v1::UpdateSessionResponse> SessionService::UpdateSession(
    rpc::CallContext& context, const v1::UpdateSessionRequest& request) {
  ASSIGN_OR_RETURN(const std::string tenant_id, TenantOfHandle(request.handle()));
  ASSIGN_OR_RETURN(const auto tenant, TenantOfApp(context, request.scope(), tenant_id));
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
      if (HasProtectedClaim(version, user_data)) return BadInput(kProtectedClaimMessage);
    }
    jwt_payload = request.user_data_in_jwt_json();
  }
  ASSIGN_OR_RETURN(const auto updated,
                   parts_.store.Update(*tenant, request.handle(), parts_.clock.NowMs(),
                                       session_data, jwt_payload, context.deadline));
  v1::UpdateSessionResponse response;
  response.set_found(updated.has_value());
  return response;
}

absl::StatusOr<v1::GetHandshakeResponse> SessionService::GetHandshake(
    rpc::CallContext& context, const v1::GetHandshakeRequest& request) {
  ASSIGN_OR_RETURN(const auto tenant, parts_.directory.Find(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const auto app, parts_.directory.FindApp(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const auto keys, parts_.keys.Get(context, *app, /*with_static=*/true));
  v1::GetHandshakeResponse response;
  ASSIGN_OR_RETURN(*response.mutable_legacy_keys(),
                   MakeLegacyKeys(*keys, *app->config, parts_.clock.NowMs()));
  response.set_access_token_blacklisting(tenant->config->access_token_blacklisting());
  response.set_access_token_validity_ms(tenant->config->access_token_validity_ms());
  response.set_refresh_token_validity_ms(tenant->config->refresh_token_validity_ms());
  return response;
}

}  // namespace gatehouse::session
