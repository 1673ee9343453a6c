#include "gateway/routes/jwks_routes.h"

#include <memory>
#include <string>
#include <utility>

#include "gatehouse/jwks/v1/jwks_service.rpc.h"
#include "gateway/api/lent_scope.h"
#include "gateway/api/route_group.h"
#include "gateway/json_input.h"
#include "libs/base/json.h"
#include "libs/base/json_object_writer.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::gateway {
namespace {

using Jwks = jwks::v1::JwksServiceClient;

absl::StatusOr<jwks::v1::GetPublicKeysResponse> FetchKeys(ApiRequest& request, Jwks& jwks) {
  jwks::v1::GetPublicKeysRequest call;
  const LentScope lent(request, call);
  return jwks.GetPublicKeys(request.context, call);
}

void AddKeys(const jwks::v1::GetPublicKeysResponse& response, json::ObjectWriter& out) {
  out.AddArray("keys", response.keys(), [](const jwks::v1::PublicKey& key, std::string& text) {
    json::ObjectWriter object(text);
    object.Add("kty", "RSA");
    object.Add("kid", key.key_id());
    object.Add("n", key.modulus_base64url());
    object.Add("e", key.exponent_base64url());
    object.Add("alg", "RS256");
    object.Add("use", "sig");
    object.End();
  });
}

// GET /.well-known/jwks.json. The path's tenant does not matter: keys belong to the app.
absl::StatusOr<Reply> WellKnown(ApiRequest& request, Jwks& jwks) {
  ASSIGN_OR_RETURN(const auto response, FetchKeys(request, jwks));
  Reply reply = ObjectReply([&](json::ObjectWriter& out) { AddKeys(response, out); });
  reply.headers.emplace_back(
      "Cache-Control",
      StrCat("max-age=", std::to_string(response.max_age_s()), ", must-revalidate"));
  return reply;
}

// GET /recipe/jwt/jwks.
absl::StatusOr<Reply> RecipeKeySet(ApiRequest& request, Jwks& jwks) {
  RETURN_IF_ERROR(request.RequirePublicTenant());
  ASSIGN_OR_RETURN(const auto response, FetchKeys(request, jwks));
  return ObjectReply([&](json::ObjectWriter& out) {
    AddKeys(response, out);
    out.Add("status", "OK");
  });
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
