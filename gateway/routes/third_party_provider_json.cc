#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "gateway/json_input.h"
#include "gateway/routes/hash_order.h"
#include "gateway/routes/tenant_json.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::gateway {
namespace {

using tenants::v1::ThirdPartyProvider;

absl::Status WrongType(std::string_view key) {
  return BadInput(StrCat("Invalid third party config: ", key, " has the wrong type"));
}

// Reads members of one object; the first error stays.
class Reader {
 public:
  Reader(const json::Value& object, absl::Status& status) : object_(object), status_(status) {}

  std::optional<std::string> Text(std::string_view key) {
    const json::Value* value = Find(key);
    if (value == nullptr) return std::nullopt;
    if (auto text = value->AsString()) return std::string(*text);
    if (auto number = value->AsNumberText()) return std::string(*number);
    if (auto flag = value->AsBool()) return std::string(*flag ? "true" : "false");
    return Fail(key);
  }
  std::optional<bool> Flag(std::string_view key) {
    const json::Value* value = Find(key);
    if (value == nullptr) return std::nullopt;
    if (auto flag = value->AsBool()) return *flag;
    if (auto text = value->AsString()) {
      return absl::EqualsIgnoreCase(absl::string_view(text->data(), text->size()), "true");
    }
    Fail(key);
    return std::nullopt;
  }
  // Null is not an object, unlike for other members.
  std::optional<std::string> ObjectText(std::string_view key) {
    const json::Value* value = object_.Find(key);
    if (value == nullptr) return std::nullopt;
    if (!value->is_object()) return Fail(key);
    return json::Serialize(*value);
  }
  const json::Value* Object(std::string_view key) {
    const json::Value* value = Find(key);
    if (value == nullptr || value->is_object()) return value;
    Fail(key);
    return nullptr;
  }
  const json::Value* Array(std::string_view key) {
    const json::Value* value = Find(key);
    if (value == nullptr || value->is_array()) return value;
    Fail(key);
    return nullptr;
  }

 private:
  // nullptr when absent or null.
  const json::Value* Find(std::string_view key) {
    const json::Value* value = object_.Find(key);
    return value == nullptr || value->is_null() ? nullptr : value;
  }
  std::nullopt_t Fail(std::string_view key) {
    if (status_.ok()) status_ = WrongType(key);
    return std::nullopt;
  }

  const json::Value& object_;
  absl::Status& status_;
};

void ReadFields(const json::Value* object, ThirdPartyProvider::UserInfoFields& fields,
                absl::Status& status) {
  if (object == nullptr) return;
  Reader reader(*object, status);
  if (auto v = reader.Text("userId")) fields.set_user_id(*std::move(v));
  if (auto v = reader.Text("email")) fields.set_email(*std::move(v));
  if (auto v = reader.Text("emailVerified")) fields.set_email_verified(*std::move(v));
}

void ReadClient(const json::Value& object, ThirdPartyProvider::Client& client,
                absl::Status& status) {
  if (!object.is_object()) {
    if (status.ok()) status = WrongType("clients");
    return;
  }
  Reader reader(object, status);
  // An empty type means none: it is stored that way.
  if (auto v = reader.Text("clientType"); v && !v->empty()) client.set_client_type(*std::move(v));
  if (auto v = reader.Text("clientId")) client.set_client_id(*std::move(v));
  if (auto v = reader.Text("clientSecret")) client.set_client_secret(*std::move(v));
  if (const json::Value* scope = reader.Array("scope")) {
    auto* scopes = client.mutable_scope();
    for (const json::Value& element : scope->elements()) {
      if (element.is_null()) {
        if (status.ok()) {
          status = BadInput("Invalid third party config: scope array cannot contain a null");
        }
        return;
      }
      const json::Value holder = json::Value::Object({{"scope", element}});
      if (auto v = Reader(holder, status).Text("scope")) scopes->add_values(*std::move(v));
    }
  }
  if (auto v = reader.Flag("forcePKCE")) client.set_force_pkce(*v);
  if (auto v = reader.ObjectText("additionalConfig")) {
    client.set_additional_config_json(*std::move(v));
  }
}

// Writes members that are set.
class Writer {
 public:
  explicit Writer(json::Value& object) : object_(object) {}
  void Text(bool has, const char* key, const std::string& value) {
    if (has) object_.Set(key, value);
  }
  void Object(bool has, const char* key, const std::string& text) {
    if (!has) return;
    auto value = json::Parse(text);
    if (value.ok()) object_.Set(key, *std::move(value));
  }

 private:
  json::Value& object_;
};

json::Value FieldsToJson(const ThirdPartyProvider::UserInfoFields& fields) {
  json::Value object = json::Value::Object();
  Writer writer(object);
  writer.Text(fields.has_user_id(), "userId", fields.user_id());
  writer.Text(fields.has_email(), "email", fields.email());
  writer.Text(fields.has_email_verified(), "emailVerified", fields.email_verified());
  return object;
}

json::Value ClientToJson(const ThirdPartyProvider::Client& client) {
  json::Value object = json::Value::Object();
  Writer writer(object);
  writer.Text(client.has_client_type(), "clientType", client.client_type());
  writer.Text(client.has_client_id(), "clientId", client.client_id());
  writer.Text(client.has_client_secret(), "clientSecret", client.client_secret());
  if (client.has_scope()) {
    json::Array scopes(client.scope().values().begin(), client.scope().values().end());
    object.Set("scope", json::Value::Array(std::move(scopes)));
  }
  if (client.has_force_pkce()) object.Set("forcePKCE", client.force_pkce());
  writer.Object(client.has_additional_config_json(), "additionalConfig",
                client.additional_config_json());
  return object;
}

}  // namespace

json::Value ProviderToJson(const ThirdPartyProvider& p) {
  json::Value object = json::Value::Object({{"thirdPartyId", p.third_party_id()}});
  Writer writer(object);
  writer.Text(p.has_name(), "name", p.name());
  std::vector<std::string> client_types;
  for (const auto& client : p.clients()) client_types.push_back(client.client_type());
  json::Value clients = json::Value::Array();
  for (const size_t i : HashOrder(client_types)) {
    clients.Append(ClientToJson(p.clients(static_cast<int>(i))));
  }
  object.Set("clients", std::move(clients));
  writer.Text(p.has_authorization_endpoint(), "authorizationEndpoint", p.authorization_endpoint());
  writer.Object(p.has_authorization_endpoint_query_params_json(),
                "authorizationEndpointQueryParams", p.authorization_endpoint_query_params_json());
  writer.Text(p.has_token_endpoint(), "tokenEndpoint", p.token_endpoint());
  writer.Object(p.has_token_endpoint_body_params_json(), "tokenEndpointBodyParams",
                p.token_endpoint_body_params_json());
  writer.Text(p.has_user_info_endpoint(), "userInfoEndpoint", p.user_info_endpoint());
  writer.Object(p.has_user_info_endpoint_query_params_json(), "userInfoEndpointQueryParams",
                p.user_info_endpoint_query_params_json());
  writer.Object(p.has_user_info_endpoint_headers_json(), "userInfoEndpointHeaders",
                p.user_info_endpoint_headers_json());
  writer.Text(p.has_jwks_uri(), "jwksURI", p.jwks_uri());
  writer.Text(p.has_oidc_discovery_endpoint(), "oidcDiscoveryEndpoint",
              p.oidc_discovery_endpoint());
  if (p.has_require_email()) object.Set("requireEmail", p.require_email());
  object.Set("userInfoMap",
             json::Value::Object(
                 {{"fromIdTokenPayload", FieldsToJson(p.user_info_from_id_token_payload())},
                  {"fromUserInfoAPI", FieldsToJson(p.user_info_from_user_info_api())}}));
  return object;
}

absl::StatusOr<ThirdPartyProvider> ProviderFromJson(const json::Value& config) {
  absl::Status status;
  Reader reader(config, status);
  ThirdPartyProvider p;
  if (auto v = reader.Text("thirdPartyId")) p.set_third_party_id(std::string(JavaTrim(*v)));
  if (auto v = reader.Text("name")) p.set_name(*std::move(v));
  if (const json::Value* clients = reader.Array("clients")) {
    for (const json::Value& client : clients->elements()) {
      ReadClient(client, *p.add_clients(), status);
    }
  }
  if (auto v = reader.Text("authorizationEndpoint")) p.set_authorization_endpoint(*std::move(v));
  if (auto v = reader.ObjectText("authorizationEndpointQueryParams")) {
    p.set_authorization_endpoint_query_params_json(*std::move(v));
  }
  if (auto v = reader.Text("tokenEndpoint")) p.set_token_endpoint(*std::move(v));
  if (auto v = reader.ObjectText("tokenEndpointBodyParams")) {
    p.set_token_endpoint_body_params_json(*std::move(v));
  }
  if (auto v = reader.Text("userInfoEndpoint")) p.set_user_info_endpoint(*std::move(v));
  if (auto v = reader.ObjectText("userInfoEndpointQueryParams")) {
    p.set_user_info_endpoint_query_params_json(*std::move(v));
  }
  if (auto v = reader.ObjectText("userInfoEndpointHeaders")) {
    p.set_user_info_endpoint_headers_json(*std::move(v));
  }
  if (auto v = reader.Text("jwksURI")) p.set_jwks_uri(*std::move(v));
  if (auto v = reader.Text("oidcDiscoveryEndpoint")) p.set_oidc_discovery_endpoint(*std::move(v));
  if (auto v = reader.Flag("requireEmail")) p.set_require_email(*v);
  auto* from_token = p.mutable_user_info_from_id_token_payload();
  auto* from_api = p.mutable_user_info_from_user_info_api();
  if (const json::Value* map = reader.Object("userInfoMap")) {
    Reader maps(*map, status);
    ReadFields(maps.Object("fromIdTokenPayload"), *from_token, status);
    ReadFields(maps.Object("fromUserInfoAPI"), *from_api, status);
  }
  RETURN_IF_ERROR(status);
  return p;
}

}  // namespace gatehouse::gateway
