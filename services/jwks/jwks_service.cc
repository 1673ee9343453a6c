#include "services/jwks/jwks_service.h"

#include "absl/strings/match.h"
#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/jwks/jwt_maker.h"

namespace gatehouse::jwks {
namespace {

void AddPublicKey(const AppKey& key, v1::GetPublicKeysResponse& response) {
  v1::PublicKey& out = *response.add_keys();
  out.set_key_id(key.key_id);
  out.set_modulus_base64url(key.pair->public_key().jwk_n());
  out.set_exponent_base64url(key.pair->public_key().jwk_e());
}

void FillSigningKey(const AppKey& key, int64_t expires_at_ms, v1::SigningKey& out) {
  out.set_key_id(key.key_id);
  out.set_key_pair(key.pair->ToStored());
  out.set_created_at_ms(key.created_at_ms);
  out.set_expires_at_ms(expires_at_ms);
}

}  // namespace

absl::StatusOr<v1::GetPublicKeysResponse> JwksService::GetPublicKeys(
    rpc::CallContext& context, const v1::GetPublicKeysRequest& request) {
  ASSIGN_OR_RETURN(const auto app, directory_.FindApp(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const KeysNow now, keys_.Get(*app, StaticKey::kRequired, context.deadline));
  v1::GetPublicKeysResponse response;
  for (size_t i = 0; i < now.verifiable; ++i) AddPublicKey(now.keys->dynamic_keys[i], response);
  for (const AppKey& key : now.keys->static_keys) AddPublicKey(key, response);
  response.set_max_age_s(
      now.timeline.MaxAgeSeconds(now.keys->dynamic_keys.front().created_at_ms, now.now_ms));
  return response;
}

absl::StatusOr<v1::GetSigningKeysResponse> JwksService::GetSigningKeys(
    rpc::CallContext& context, const v1::GetSigningKeysRequest& request) {
  ASSIGN_OR_RETURN(const auto app, directory_.FindApp(request.scope(), context.deadline));
  const StaticKey static_key =
      request.with_static_key() ? StaticKey::kRequired : StaticKey::kOptional;
  ASSIGN_OR_RETURN(const KeysNow now, request.refresh()
                                          ? keys_.GetFresh(*app, context.deadline)
                                          : keys_.Get(*app, static_key, context.deadline));
  v1::GetSigningKeysResponse response;
  for (size_t i = 0; i < now.verifiable; ++i) {
    const AppKey& key = now.keys->dynamic_keys[i];
    FillSigningKey(key, now.timeline.ExpiresAtMs(key.created_at_ms), *response.add_dynamic_keys());
  }
  for (const AppKey& key : now.keys->static_keys) {
    FillSigningKey(key, 0, *response.add_static_keys());
  }
  response.set_current_dynamic_key_id(now.dynamic_signing_key().key_id);
  response.set_refresh_at_ms(now.change_at_ms);
  return response;
}

absl::StatusOr<v1::CreateJwtResponse> JwksService::CreateJwt(rpc::CallContext& context,
                                                             const v1::CreateJwtRequest& request) {
  ASSIGN_OR_RETURN(const auto app, directory_.FindApp(request.scope(), context.deadline));
  if (request.validity_s() <= 0) {
    return BadInput(Problem::kOutOfRange, "validity must be greater than or equal to 0",
                    {{"field", "validity"}});
  }
  v1::CreateJwtResponse response;
  if (!absl::EqualsIgnoreCase(request.algorithm(), "RS256")) {
    response.set_unsupported_algorithm(true);
    return response;
  }
  const StaticKey static_key =
      request.use_static_key() ? StaticKey::kRequired : StaticKey::kOptional;
  ASSIGN_OR_RETURN(const KeysNow now, keys_.Get(*app, static_key, context.deadline));
  const AppKey& key =
      request.use_static_key() ? now.static_signing_key() : now.dynamic_signing_key();
  ASSIGN_OR_RETURN(*response.mutable_jwt(),
                   MakeJwt(key, request.payload_json(), request.jwks_domain(), request.validity_s(),
                           clock_.NowMs()));
  return response;
}

}  // namespace gatehouse::jwks
