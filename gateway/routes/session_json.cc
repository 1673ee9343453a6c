#include "gateway/routes/session_json.h"

#include <utility>

#include "libs/base/json.h"

namespace gatehouse::gateway {

std::string EmbeddedJson(std::string_view text) {
  const auto value = json::Parse(text);
  return value.ok() && value->is_object() ? json::Serialize(*value) : "{}";
}

void AddSession(const session::v1::Session& session, CdiVersion cdi, json::ObjectWriter& reply) {
  json::ObjectWriter out = reply.AddObject("session");
  out.Add("handle", session.handle());
  out.Add("userId", session.user_id());
  if (cdi >= cdi::k4_0) out.Add("recipeUserId", session.recipe_user_id());
  out.AddJson("userDataInJWT", session.user_data_in_jwt_json());
  if (cdi >= cdi::k3_0) out.Add("tenantId", session.tenant_id());
  out.End();
}

void AddToken(const json::Key& key, const session::v1::Token& token, json::ObjectWriter& reply) {
  json::ObjectWriter out = reply.AddObject(key);
  out.Add("token", token.token());
  out.Add("expiry", token.expiry_ms());
  out.Add("createdTime", token.created_ms());
  out.End();
}

void AddIssuedSession(const session::v1::IssuedSession& issued, CdiVersion cdi,
                      json::ObjectWriter& reply) {
  AddSession(issued.session(), cdi, reply);
  AddToken("accessToken", issued.access_token(), reply);
  AddToken("refreshToken", issued.refresh_token(), reply);
  if (issued.has_id_refresh_token()) AddToken("idRefreshToken", issued.id_refresh_token(), reply);
  if (issued.has_anti_csrf_token()) reply.Add("antiCsrfToken", issued.anti_csrf_token());
}

void AddLegacyKeys(const session::v1::LegacyKeys& keys, CdiVersion cdi, json::ObjectWriter& reply) {
  reply.Add("jwtSigningPublicKey", keys.public_key());
  reply.Add("jwtSigningPublicKeyExpiryTime", keys.expiry_ms());
  if (cdi < cdi::k2_9) return;
  json::Array list;
  for (const auto& key : keys.keys()) {
    list.push_back(json::Value::Object({{"publicKey", key.public_key()},
                                        {"expiryTime", key.expiry_ms()},
                                        {"createdAt", key.created_ms()}}));
  }
  reply.AddJson("jwtSigningPublicKeyList", json::Serialize(json::Value::Array(std::move(list))));
}

session::v1::AccessTokenVersion AccessTokenVersionOf(CdiVersion cdi) {
  if (cdi >= cdi::k4_0) return session::v1::ACCESS_TOKEN_VERSION_V5;
  if (cdi >= cdi::k3_0) return session::v1::ACCESS_TOKEN_VERSION_V4;
  if (cdi >= cdi::k2_21) return session::v1::ACCESS_TOKEN_VERSION_V3;
  return session::v1::ACCESS_TOKEN_VERSION_V2;
}

}  // namespace gatehouse::gateway
