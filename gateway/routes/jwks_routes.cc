#include "gateway/routes/jwks_routes.h"

#include <memory>
#include <string>
#include <utility>

#include "gatehouse/jwks/v1/jwks_service.rpc.h"
#include "gateway/api/route_group.h"
#include "gateway/json_input.h"
#include "libs/base/json.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::gateway {
namespace {

using Jwks = jwks::v1::JwksServiceClient;

absl::StatusOr<jwks::v1::GetPublicKeysResponse> FetchKeys(ApiRequest& request, Jwks& jwks) {
  jwks::v1::GetPublicKeysRequest call;
  *call.mutable_scope() = request.scope;
  return jwks.GetPublicKeys(request.context, call);
}

json::Value KeySet(const jwks::v1::GetPublicKeysResponse& response) {
  json::Array keys;
  keys.reserve(response.keys_size());
  for (const jwks::v1::PublicKey& key : response.keys()) {
    keys.push_back(json::Value::Object({{"kty", "RSA"},
                                        {"kid", key.key_id()},
                                        {"n", key.modulus_base64url()},
                                        {"e", key.exponent_base64url()},
                                        {"alg", "RS256"},
                                        {"use", "sig"}}));
  }
  return json::Value::Array(std::move(keys));
}

// GET /.well-known/jwks.json. The path's tenant does not matter: keys belong to the app.
absl::StatusOr<Reply> WellKnown(ApiRequest& request, Jwks& jwks) {
  ASSIGN_OR_RETURN(const auto response, FetchKeys(request, jwks));
  Reply reply = JsonReply(json::Value::Object({{"keys", KeySet(response)}}));
  reply.headers.emplace_back(
      "Cache-Control",
      StrCat("max-age=", std::to_string(response.max_age_s()), ", must-revalidate"));
  return reply;
}

// GET /recipe/jwt/jwks.
absl::StatusOr<Reply> RecipeKeySet(ApiRequest& request, Jwks& jwks) {
  RETURN_IF_ERROR(request.RequirePublicTenant());
  ASSIGN_OR_RETURN(const auto response, FetchKeys(request, jwks));
  return JsonReply(json::Value::Object({{"keys", KeySet(response)}, {"status", "OK"}}));
}

// POST /recipe/jwt.
absl::StatusOr<Reply> CreateJwt(ApiRequest& request, Jwks& jwks) {
  ASSIGN_OR_RETURN(const json::Value* body, request.JsonBody());
  jwks::v1::CreateJwtRequest call;
  ASSIGN_OR_RETURN(*call.mutable_algorithm(), RequireString(*body, "algorithm"));
  ASSIGN_OR_RETURN(*call.mutable_jwks_domain(), RequireString(*body, "jwksDomain"));
  ASSIGN_OR_RETURN(const json::Value* payload, RequireObject(*body, "payload"));
  call.set_payload_json(json::Serialize(*payload));
  ASSIGN_OR_RETURN(const int64_t validity_s, RequireInt64(*body, "validity"));
  if (validity_s <= 0) return BadInput("validity must be greater than or equal to 0");
  call.set_validity_s(validity_s);
  call.set_use_static_key(true);
  if (request.cdi >= cdi::k2_21) {
    ASSIGN_OR_RETURN(const auto use_static, OptionalBool(*body, "useStaticSigningKey"));
    call.set_use_static_key(use_static.value_or(true));
  }
  RETURN_IF_ERROR(request.RequirePublicTenant());
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto response, jwks.CreateJwt(request.context, call));
  if (response.unsupported_algorithm()) return StatusReply("UNSUPPORTED_ALGORITHM_ERROR");
  return JsonReply(json::Value::Object({{"status", "OK"}, {"jwt", response.jwt()}}));
}

}  // namespace

void AddJwksRoutes(RouteTable& routes, rpc::Channel& channel) {
  const RouteGroup group(routes, "jwks", std::make_shared<Jwks>(channel));
  group.Add(HttpMethod::kGet, "/.well-known/jwks.json", WellKnown,
            {.needs_api_key = false, .needs_version = false, .from_memory = true});
  group.Add(HttpMethod::kGet, "/recipe/jwt/jwks", RecipeKeySet, {.from_memory = true});
  group.Add(HttpMethod::kPost, "/recipe/jwt", CreateJwt);
}

}  // namespace gatehouse::gateway
