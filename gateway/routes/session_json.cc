#include "gateway/routes/session_json.h"

#include <utility>

namespace gatehouse::gateway {

json::Value EmbeddedJson(std::string_view text) {
  auto value = json::Parse(text);
  return value.ok() && value->is_object() ? *std::move(value) : json::Value::Object();
}

json::Value SessionJson(const session::v1::Session& session, CdiVersion cdi) {
  json::Value out =
      json::Value::Object({{"handle", session.handle()}, {"userId", session.user_id()}});
  if (cdi >= cdi::k4_0) out.Set("recipeUserId", session.recipe_user_id());
  out.Set("userDataInJWT", EmbeddedJson(session.user_data_in_jwt_json()));
  if (cdi >= cdi::k3_0) out.Set("tenantId", session.tenant_id());
  return out;
}

json::Value TokenJson(const session::v1::Token& token) {
  return json::Value::Object({{"token", token.token()},
                              {"expiry", token.expiry_ms()},
                              {"createdTime", token.created_ms()}});
}

void AddIssuedSession(const session::v1::IssuedSession& issued, CdiVersion cdi,
                      json::Value& reply) {
  reply.Set("session", SessionJson(issued.session(), cdi));
  reply.Set("accessToken", TokenJson(issued.access_token()));
  reply.Set("refreshToken", TokenJson(issued.refresh_token()));
  if (issued.has_id_refresh_token()) {
    reply.Set("idRefreshToken", TokenJson(issued.id_refresh_token()));
  }
  if (issued.has_anti_csrf_token()) reply.Set("antiCsrfToken", issued.anti_csrf_token());
}

void AddLegacyKeys(const session::v1::LegacyKeys& keys, CdiVersion cdi, json::Value& reply) {
  reply.Set("jwtSigningPublicKey", keys.public_key());
  reply.Set("jwtSigningPublicKeyExpiryTime", keys.expiry_ms());
  if (cdi < cdi::k2_9) return;
  json::Array list;
  for (const auto& key : keys.keys()) {
    list.push_back(json::Value::Object({{"publicKey", key.public_key()},
                                        {"expiryTime", key.expiry_ms()},
                                        {"createdAt", key.created_ms()}}));
  }
  reply.Set("jwtSigningPublicKeyList", json::Value::Array(std::move(list)));
}

session::v1::AccessTokenVersion AccessTokenVersionOf(CdiVersion cdi) {
  if (cdi >= cdi::k4_0) return session::v1::ACCESS_TOKEN_VERSION_V5;
  if (cdi >= cdi::k3_0) return session::v1::ACCESS_TOKEN_VERSION_V4;
  if (cdi >= cdi::k2_21) return session::v1::ACCESS_TOKEN_VERSION_V3;
  return session::v1::ACCESS_TOKEN_VERSION_V2;
}

}  // namespace gatehouse::gateway
