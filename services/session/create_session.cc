#include "services/session/create_session.h"

#include <utility>

#include "libs/base/status.h"
#include "libs/crypto/bytes.h"
#include "services/session/refresh_token.h"
#include "services/session/tokens.h"

namespace gatehouse::session {
namespace {

std::string NewHandle(const tenancy::Tenant& tenant) {
  std::string handle = crypto::NewUuid4();
  if (!tenant.is_public()) handle += '_' + tenant.tenant_id;
  return handle;
}

}  // namespace

absl::StatusOr<v1::CreateSessionResponse> CreateSession(const SessionParts& parts,
                                                        CallContext& context,
                                                        const tenancy::Tenant& app,
                                                        const tenancy::Tenant& tenant,
                                                        const v1::CreateSessionRequest& request) {
  const config::CoreConfig& config = *tenant.config;
  const auto validity = request.has_access_token_validity_ms()
                            ? std::optional(request.access_token_validity_ms())
                            : std::nullopt;
  RETURN_IF_ERROR(CheckValidity(config, validity));

  AccessToken token;
  ASSIGN_OR_RETURN(token.version, MintedVersion(request.access_token_version()));
  ASSIGN_OR_RETURN(token.user_data,
                   ParseUserData(request.user_data_in_jwt_json(), "userDataInJWT"));
  RETURN_IF_ERROR(CheckUserData(token.version, token.user_data));
  RETURN_IF_ERROR(
      ParseUserData(request.user_data_in_database_json(), "userDataInDatabase").status());

  const bool use_static_key = request.has_use_static_key()
                                  ? request.use_static_key()
                                  : !config.access_token_signing_key_dynamic();
  ASSIGN_OR_RETURN(const auto keys,
                   parts.keys.Get(context, app, use_static_key || request.legacy()));
  ASSIGN_OR_RETURN(const SigningKey* key, keys->ToSign(use_static_key));
  ASSIGN_OR_RETURN(const auto master_key, parts.master_keys.Get(context, app));

  RefreshToken refresh;
  refresh.session_handle = NewHandle(tenant);
  refresh.tenant_id = tenant.tenant_id;
  if (request.enable_anti_csrf()) refresh.anti_csrf_token = crypto::NewUuid4();
  const int64_t now_ms = parts.clock.NowMs();
  const int64_t refresh_expiry_ms = now_ms + config.refresh_token_validity_ms();
  v1::CreateSessionResponse response;
  if (request.legacy()) {
    ASSIGN_OR_RETURN(*response.mutable_legacy_keys(), MakeLegacyKeys(*keys, *app.config, now_ms));
  }
  std::string refresh_token, refresh_hash1;
  // Stores the session of `user`, the refresh token's content included.
  const auto store = [&](UserIds& user, bool resolve) -> absl::StatusOr<bool> {
    refresh.user_id = user.recipe_user_id;
    refresh_token = SealRefreshToken(refresh, *master_key);
    refresh_hash1 = Hash1(refresh_token);
    ASSIGN_OR_RETURN(CreatedSession created,
                     parts.store.Create(tenant,
                                        {.handle = refresh.session_handle,
                                         .user_id = user.recipe_user_id,
                                         .refresh_hash2 = Hash2OfHash1(refresh_hash1),
                                         .session_data = request.user_data_in_database_json(),
                                         .jwt_payload = request.user_data_in_jwt_json(),
                                         .expires_at_ms = refresh_expiry_ms,
                                         .created_at_ms = now_ms,
                                         .use_static_key = use_static_key,
                                         .resolve_user = resolve},
                                        context.deadline));
    if (created.user.has_value()) user = *std::move(created.user);
    return created.created;
  };
  // Nearly always the id is the one that clients know the user by, so that one visit does.
  UserIds user;
  user.recipe_user_id = request.user_id();
  const bool at_once = parts.users.AreWith(tenant);
  if (!at_once) {
    ASSIGN_OR_RETURN(user, parts.users.Resolve(context, tenant, request.user_id()));
  }
  ASSIGN_OR_RETURN(const bool stored, store(user, at_once));
  if (!stored) RETURN_IF_ERROR(store(user, /*resolve=*/false).status());

  token.session_handle = refresh.session_handle;
  token.user_id = user.user_id;
  token.recipe_user_id = user.recipe_user_id;
  token.tenant_id = tenant.tenant_id;
  token.refresh_token_hash1 = refresh_hash1;
  token.anti_csrf_token = refresh.anti_csrf_token;
  token.created_ms = now_ms;
  token.expiry_ms = now_ms + FreshValidityMs(config, validity);
  v1::IssuedSession& issued = *response.mutable_issued();
  RETURN_IF_ERROR(Mint(token, *key, *issued.mutable_access_token()));

  parts.users.NoteActivity(context, tenant, user.primary_supertokens_user_id);
  parts.activities.Add(tenant, {.event_type = "session_created",
                                .recipe_user_id = user.supertokens_user_id,
                                .primary_or_recipe_user_id = user.primary_supertokens_user_id,
                                .identifier = token.session_handle});

  FillSession(token, *issued.mutable_session());
  FillToken(std::move(refresh_token), refresh_expiry_ms, now_ms, *issued.mutable_refresh_token());
  if (token.anti_csrf_token.has_value()) issued.set_anti_csrf_token(*token.anti_csrf_token);
  if (request.legacy()) {
    FillToken(crypto::NewUuid4(), refresh_expiry_ms, now_ms, *issued.mutable_id_refresh_token());
  }
  return response;
}

}  // namespace gatehouse::session
