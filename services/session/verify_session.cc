#include "services/session/verify_session.h"

#include <utility>

#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/crypto/bytes.h"
#include "services/session/refresh_token.h"
#include "services/session/tokens.h"

namespace gatehouse::session {
namespace {

// Null unless one of the keys that are valid has signed it.
std::shared_ptr<const VerifiedToken> SignedByAny(VerifiedTokens& tokens, const RawAccessToken& raw,
                                                 const KeySet& keys, int64_t now_ms) {
  if (!raw.key_id.empty()) {
    const SigningKey* key = keys.Find(raw.key_id, now_ms);
    return key == nullptr ? nullptr : tokens.Verify(raw, key->pair->public_key());
  }
  for (const auto* list : {&keys.dynamic_keys, &keys.static_keys}) {
    for (const SigningKey& key : *list) {
      if (key.expires_at_ms != 0 && key.expires_at_ms < now_ms) continue;
      if (auto token = tokens.Verify(raw, key.pair->public_key())) return token;
    }
  }
  return nullptr;
}

// Whether the session's claims have changed since the token was made.
bool PayloadChanged(const VerifiedToken& token, const SessionRow& row) {
  return StoredUserData(token.user_data_json) != StoredUserData(row.jwt_payload);
}

// Whether keys that we lack could make a difference: a JWT names its key, an older token may have
// been signed by any.
bool MayHaveAnotherKey(const RawAccessToken& raw, const KeySet& keys, int64_t now_ms) {
  return raw.key_id.empty() || keys.Find(raw.key_id, now_ms) == nullptr;
}

bool IsHashOf(std::string_view stored_hash2, std::string_view hash1) {
  return crypto::ConstantTimeEqual(stored_hash2, Hash2OfHash1(hash1));
}

// Whether the token is older than the tenant: it belongs to a former one of that name. The creation
// time of a tenant with its own database is unknown. A token's time is in whole seconds.
bool IsOlderThan(const tenancy::Tenant& tenant, const AccessToken& token) {
  return token.created_ms / 1000 < tenant.record.created_at_ms() / 1000;
}

// Whether the refresh token of `hash1` is the session's current or previous one.
bool IsOfLineage(const SessionRow& row, std::string_view hash1) {
  const std::string hash2 = Hash2OfHash1(hash1);
  return crypto::ConstantTimeEqual(row.refresh_hash2, hash2) ||
         (row.previous_refresh_hash2.has_value() &&
          crypto::ConstantTimeEqual(*row.previous_refresh_hash2, hash2));
}

// A token that was checked: its content, or what to tell the client instead.
struct Judged {
  std::shared_ptr<const VerifiedToken> token;  // with content, unless there is a message
  bool is_general_jwt = false;
  std::shared_ptr<const KeySet> keys;
  std::optional<std::string> try_refresh_message;
};

absl::StatusOr<Judged> Judge(const SessionParts& parts, CallContext& context,
                             const v1::VerifySessionRequest& request, const tenancy::Tenant& app) {
  Judged judged;
  ASSIGN_OR_RETURN(judged.keys, parts.keys.Get(context, app, /*with_static=*/request.legacy()));
  const auto try_refresh = [&judged](std::string_view message) {
    judged.try_refresh_message = std::string(message);
    return judged;
  };
  const auto raw = SplitAccessToken(request.access_token());
  if (!raw.ok()) {
    if (ReasonOf(raw.status()) == ErrorReason::kBadInput) return raw.status();
    return try_refresh({raw.status().message().data(), raw.status().message().size()});
  }
  const int64_t now_ms = parts.clock.NowMs();
  VerifiedTokens& tokens = parts.keys.tokens();
  judged.token = SignedByAny(tokens, *raw, *judged.keys, now_ms);
  if (judged.token == nullptr) {
    if (!crypto::Base64Decode(raw->parts.signature).ok()) {
      return BadInput(Problem::kMalformed, "The access token is not a JWT",
                      {{"field", "accessToken"}});
    }
    if (!MayHaveAnotherKey(*raw, *judged.keys, now_ms)) {
      return try_refresh("JWT verification failed");
    }
    ASSIGN_OR_RETURN(judged.keys, parts.keys.Refetch(context, app, judged.keys));
    judged.token = SignedByAny(tokens, *raw, *judged.keys, now_ms);
    if (judged.token == nullptr) return try_refresh("JWT verification failed");
  }
  const absl::StatusOr<AccessToken>& token = judged.token->content;
  if (!token.ok()) {
    if (ReasonOf(token.status()) == ErrorReason::kBadInput) return token.status();
    return try_refresh({token.status().message().data(), token.status().message().size()});
  }
  judged.is_general_jwt = !raw->says_version;
  if (token->expiry_ms < now_ms) return try_refresh("Access token expired");
  if (request.enable_anti_csrf() && request.do_anti_csrf_check()) {
    if (!token->anti_csrf_token.has_value()) {
      return try_refresh(
          "Access token does not contain all the information. Maybe the structure has changed?");
    }
    if (!request.has_anti_csrf_token() ||
        !crypto::ConstantTimeEqual(request.anti_csrf_token(), *token->anti_csrf_token)) {
      return try_refresh("anti-csrf check failed");
    }
  }
  return judged;
}

// The way before 5.6 (formats: 2.11): the first token of a rotation makes its refresh token the
// current one, and is exchanged for one that no longer names a parent. `row` is set when the
// database was asked for.
absl::Status VerifyLazily(const SessionParts& parts, CallContext& context,
                          const tenancy::Tenant& app, const tenancy::Tenant& tenant,
                          const VerifiedToken& verified_token,
                          const std::optional<SessionRow>& row, const KeySet& keys,
                          v1::VerifySessionResponse& response) {
  const AccessToken& token = *verified_token.content;
  const bool payload_changed = row.has_value() && PayloadChanged(verified_token, *row);
  v1::VerifySessionResponse::Verified& verified = *response.mutable_verified();
  FillSession(token, verified_token.user_data_json, *verified.mutable_session());
  if (!token.parent_refresh_token_hash1.has_value() && !payload_changed) return absl::OkStatus();

  const int64_t now_ms = parts.clock.NowMs();
  std::optional<ChangedSession> source;  // what a new token is made from; none: no new token
  if (token.parent_refresh_token_hash1.has_value()) {
    ASSIGN_OR_RETURN(
        source,
        parts.store.Promote(tenant, token.session_handle,
                            {.parent_hash2 = Hash2OfHash1(*token.parent_refresh_token_hash1),
                             .child_hash2 = Hash2OfHash1(token.refresh_token_hash1),
                             .now_ms = now_ms,
                             .expires_at_ms = now_ms + tenant.config->refresh_token_validity_ms()},
                            context.deadline));
  }
  if (!source.has_value()) {
    std::optional<SessionRow> current = row;
    if (!current.has_value() || token.parent_refresh_token_hash1.has_value()) {
      ASSIGN_OR_RETURN(current, parts.store.Get(tenant, token.session_handle, context.deadline));
    }
    if (!current.has_value()) {
      response.set_unauthorised_message("Session missing in db");
      return absl::OkStatus();
    }
    if (payload_changed || IsHashOf(current->refresh_hash2, token.refresh_token_hash1)) {
      source = {current->user_id, current->jwt_payload, current->use_static_key, std::nullopt};
    }
  }
  if (!source.has_value()) return absl::OkStatus();

  AccessToken renewed = token;
  renewed.parent_refresh_token_hash1.reset();
  renewed.user_data = StoredUserData(source->jwt_payload);
  renewed.created_ms = now_ms;
  renewed.expiry_ms = now_ms + tenant.config->access_token_validity_ms();
  if (HasProtectedClaim(renewed.version, renewed.user_data)) {
    return BadInput(Problem::kReserved, kProtectedClaimMessage, {{"field", "userDataInJWT"}});
  }
  FillSession(renewed, *verified.mutable_session());
  // V1 has no static keys.
  const bool use_static_key = source->use_static_key && token.version != TokenVersion::kV1;
  ASSIGN_OR_RETURN(const SigningKey key, parts.keys.ToSign(context, app, keys, use_static_key));
  return Mint(renewed, key, *verified.mutable_access_token());
}

}  // namespace

absl::StatusOr<v1::VerifySessionResponse> VerifySession(const SessionParts& parts,
                                                        CallContext& context,
                                                        const tenancy::Tenant& app,
                                                        const v1::VerifySessionRequest& request) {
  ASSIGN_OR_RETURN(const Judged judged, Judge(parts, context, request, app));
  v1::VerifySessionResponse response;
  const auto with_keys = [&]() -> absl::StatusOr<v1::VerifySessionResponse> {
    if (request.legacy()) {
      ASSIGN_OR_RETURN(*response.mutable_legacy_keys(),
                       MakeLegacyKeys(*judged.keys, *app.config, parts.clock.NowMs()));
    }
    return std::move(response);
  };
  if (judged.try_refresh_message.has_value()) {
    response.set_try_refresh_token_message(*judged.try_refresh_message);
    return with_keys();
  }

  const AccessToken& token = *judged.token->content;
  ASSIGN_OR_RETURN(const auto tenant,
                   TenantOfApp(parts, context, request.scope(), token.tenant_id));
  // A JWT from POST /recipe/jwt may copy a session's claims, which SDK users do, but it counts as
  // the session's only while the session lives, and only for its user.
  const bool asked_for_database = request.has_check_database()
                                      ? request.check_database()
                                      : app.config->access_token_blacklisting();
  const bool check_database = judged.is_general_jwt || asked_for_database;
  std::optional<SessionRow> row;
  if (check_database) {
    ASSIGN_OR_RETURN(row, parts.store.Get(*tenant, token.session_handle, context.deadline));
    if (!row.has_value()) {
      // The caller did not ask for the database: answer as in the exchange of such a token.
      const bool exchanged = !asked_for_database && !request.stateless() &&
                             token.parent_refresh_token_hash1.has_value();
      response.set_unauthorised_message(
          exchanged ? "Session missing in db"
                    : "Either the session has ended or has been blacklisted");
      return response;
    }
    if (judged.is_general_jwt) {
      ASSIGN_OR_RETURN(const bool of_its_user,
                       IsOfItsUser(parts, context, *tenant, token, row->user_id));
      if (!of_its_user) {
        response.set_try_refresh_token_message("JWT verification failed");
        return with_keys();
      }
    }
  }

  if (!check_database && IsOlderThan(*tenant, token)) {
    // Clocks of two machines may differ, but sessions of a former tenant were deleted with it.
    ASSIGN_OR_RETURN(const auto still_there,
                     parts.store.Get(*tenant, token.session_handle, context.deadline));
    if (!still_there.has_value()) {
      response.set_unauthorised_message("Either the session has ended or has been blacklisted");
      return response;
    }
  }

  if (!request.stateless()) {
    RETURN_IF_ERROR(VerifyLazily(parts, context, app, *tenant, *judged.token, row, *judged.keys,
                                 response));
    if (response.has_verified()) return with_keys();
    return response;
  }

  v1::VerifySessionResponse::Verified& verified = *response.mutable_verified();
  FillSession(token, judged.token->user_data_json, *verified.mutable_session());
  if (row.has_value()) {
    const bool lineage = IsOfLineage(*row, token.refresh_token_hash1) ||
                         (token.parent_refresh_token_hash1.has_value() &&
                          IsOfLineage(*row, *token.parent_refresh_token_hash1));
    if (!lineage) {
      response.set_unauthorised_message("rotated-out token branch; refresh required");
      return response;
    }
    verified.set_payload_update_available(PayloadChanged(*judged.token, *row));
  }
  return with_keys();
}

}  // namespace gatehouse::session
