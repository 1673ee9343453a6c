#include "gateway/routes/saml_routes.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "gatehouse/saml/v1/saml_service.rpc.h"
#include "gateway/api/route_group.h"
#include "gateway/json_input.h"
#include "gateway/routes/post_form.h"
#include "libs/base/json.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/crypto/bytes.h"

namespace gatehouse::gateway {
namespace {

using json::Value;
using Saml = saml::v1::SamlServiceClient;

// Base64 as Java's basic decoder reads it: the standard alphabet alone, nothing between.
std::optional<std::string> DecodeStrictly(std::string_view text) {
  if (text.find_first_of("-_") != std::string_view::npos) return std::nullopt;
  auto bytes = crypto::Base64Decode(text);
  if (!bytes.ok()) return std::nullopt;
  return *std::move(bytes);
}

struct LeniencyName {
  std::string_view name;
  saml::v1::Leniency value;
};
constexpr LeniencyName kLeniencies[] = {
    {"ANY_REQUEST", saml::v1::LENIENCY_ANY_REQUEST},
    {"ANY_DESTINATION", saml::v1::LENIENCY_ANY_DESTINATION},
    {"WEAK_ALGORITHMS", saml::v1::LENIENCY_WEAK_ALGORITHMS},
    {"CLOCK_DRIFT", saml::v1::LENIENCY_CLOCK_DRIFT},
};

absl::Status ReadLeniencies(const Value& body, saml::v1::PutClientRequest& call) {
  ASSIGN_OR_RETURN(const auto names, OptionalStringArray(body, "leniencies"));
  for (const std::string& name : names.value_or(std::vector<std::string>())) {
    const size_t before = call.leniencies_size();
    for (const LeniencyName& known : kLeniencies) {
      if (known.name == name) call.add_leniencies(known.value);
    }
    if (static_cast<size_t>(call.leniencies_size()) == before) return InvalidField("leniencies");
  }
  return absl::OkStatus();
}

// How requests are signed: within, as by the original, or by parameters of the redirect.
constexpr std::string_view kSignedWithin = "EMBEDDED";
constexpr std::string_view kSignedQuery = "QUERY";

// How requests reach the provider.
constexpr std::string_view kByRedirect = "REDIRECT";
constexpr std::string_view kByPost = "POST";

void SetClient(const saml::v1::Client& client, Value& json) {
  json.Set("clientId", client.client_id());
  if (client.has_client_secret()) json.Set("clientSecret", client.client_secret());
  json.Set("defaultRedirectURI", client.default_redirect_uri());
  json.Set("redirectURIs", json::Parse(client.redirect_uris_json()).value_or(Value::Array()));
  json.Set("idpEntityId", client.idp_entity_id());
  json.Set("idpSigningCertificate", client.idp_signing_certificate());
  json.Set("allowIDPInitiatedLogin", client.allow_idp_initiated_login());
  json.Set("enableRequestSigning", client.enable_request_signing());
  if (client.sign_in_query()) json.Set("requestSignature", kSignedQuery);
  if (client.post_requests()) json.Set("requestBinding", kByPost);
  if (!client.acs_urls().empty()) {
    Value urls = Value::Array();
    for (const std::string& url : client.acs_urls()) urls.Append(url);
    json.Set("acsURLs", std::move(urls));
  }
  if (client.leniencies().empty()) return;
  Value names = Value::Array();
  for (const int value : client.leniencies()) {
    for (const LeniencyName& known : kLeniencies) {
      if (known.value == value) names.Append(known.name);
    }
  }
  json.Set("leniencies", std::move(names));
}

// PUT /recipe/saml/clients {clientId?, clientSecret?, defaultRedirectURI, redirectURIs,
// metadataXML, allowIDPInitiatedLogin?, enableRequestSigning?, requestSignature?, requestBinding?,
// acsURLs?, leniencies?}
absl::StatusOr<Reply> PutClient(ApiRequest& request, Saml& saml) {
  saml::v1::PutClientRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(const auto id, OptionalString(*body, "clientId"));
  if (id.has_value()) call.set_client_id(*id);
  ASSIGN_OR_RETURN(const auto secret, OptionalString(*body, "clientSecret"));
  if (secret.has_value()) call.set_client_secret(*secret);
  ASSIGN_OR_RETURN(*call.mutable_default_redirect_uri(),
                   RequireString(*body, "defaultRedirectURI"));
  ASSIGN_OR_RETURN(const Value* uris, RequireArray(*body, "redirectURIs"));
  if (uris->size() == 0) return BadInput("redirectURIs is required in the input");
  call.set_redirect_uris_json(json::Serialize(*uris));
  ASSIGN_OR_RETURN(const std::string metadata, RequireString(*body, "metadataXML"));
  ASSIGN_OR_RETURN(const auto allow, OptionalBool(*body, "allowIDPInitiatedLogin"));
  call.set_allow_idp_initiated_login(allow.value_or(false));
  ASSIGN_OR_RETURN(const auto sign, OptionalBool(*body, "enableRequestSigning"));
  call.set_enable_request_signing(sign.value_or(true));
  RETURN_IF_ERROR(ReadLeniencies(*body, call));
  ASSIGN_OR_RETURN(const auto signature, OptionalString(*body, "requestSignature"));
  if (signature.has_value() && *signature != kSignedWithin && *signature != kSignedQuery) {
    return InvalidField("requestSignature");
  }
  call.set_sign_in_query(signature == kSignedQuery);
  ASSIGN_OR_RETURN(const auto binding, OptionalString(*body, "requestBinding"));
  if (binding.has_value() && *binding != kByRedirect && *binding != kByPost) {
    return InvalidField("requestBinding");
  }
  call.set_post_requests(binding == kByPost);
  ASSIGN_OR_RETURN(const auto acs_urls, OptionalStringArray(*body, "acsURLs"));
  for (const std::string& url : acs_urls.value_or(std::vector<std::string>())) {
    call.add_acs_urls(url);
  }
  // What is no base64 is no metadata either.
  call.set_metadata_xml(DecodeStrictly(metadata).value_or(""));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, saml.PutClient(request.context, call));
  if (!reply.has_client()) return StatusReply("DUPLICATE_IDP_ENTITY_ERROR");
  Value json = Value::Object();
  SetClient(reply.client(), json);
  json.Set("status", "OK");
  return JsonReply(json);
}

// GET /recipe/saml/clients/list
absl::StatusOr<Reply> ListClients(ApiRequest& request, Saml& saml) {
  saml::v1::ListClientsRequest call;
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, saml.ListClients(request.context, call));
  Value clients = Value::Array();
  for (const saml::v1::Client& client : reply.clients()) {
    SetClient(client, clients.Append(Value::Object()));
  }
  return JsonReply(Value::Object({{"status", "OK"}, {"clients", std::move(clients)}}));
}

// POST /recipe/saml/clients/remove {clientId}
absl::StatusOr<Reply> RemoveClient(ApiRequest& request, Saml& saml) {
  saml::v1::RemoveClientRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_client_id(), RequireString(*body, "clientId"));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, saml.RemoveClient(request.context, call));
  return JsonReply(Value::Object({{"status", "OK"}, {"didExist", reply.existed()}}));
}

// POST /recipe/saml/login {clientId, redirectURI, acsURL, state?}
absl::StatusOr<Reply> Login(ApiRequest& request, Saml& saml) {
  saml::v1::StartLoginRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_client_id(), RequireString(*body, "clientId"));
  ASSIGN_OR_RETURN(*call.mutable_redirect_uri(), RequireString(*body, "redirectURI"));
  ASSIGN_OR_RETURN(const std::string acs_url, RequireString(*body, "acsURL"));
  call.set_acs_url(acs_url);
  ASSIGN_OR_RETURN(const auto state, OptionalString(*body, "state"));
  if (state.has_value()) call.set_state(*state);
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, saml.StartLogin(request.context, call));
  if (!reply.has_sso_redirect_uri()) return StatusReply("INVALID_CLIENT_ERROR");
  return JsonReply(Value::Object({{"status", "OK"}, {"ssoRedirectURI", reply.sso_redirect_uri()}}));
}

// GET /recipe/saml/login/form?relayState: a page that has the browser post the request at once.
// Open to browsers, which were sent there with a relay state that nobody else knows.
absl::StatusOr<Reply> LoginForm(ApiRequest& request, Saml& saml) {
  saml::v1::GetLoginFormRequest call;
  ASSIGN_OR_RETURN(*call.mutable_relay_state(), request.RequireQuery("relayState"));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, saml.GetLoginForm(request.context, call));
  if (!reply.has_form()) return TextReply(400, "INVALID_RELAY_STATE_ERROR");
  return PostFormReply(reply.form().action(), {{"SAMLRequest", reply.form().saml_request()},
                                               {"RelayState", call.relay_state()}});
}

std::string_view StatusOf(saml::v1::FinishLoginResponse::Refusal refusal) {
  switch (refusal) {
    case saml::v1::FinishLoginResponse::REFUSAL_INVALID_RELAY_STATE:
      return "INVALID_RELAY_STATE_ERROR";
    case saml::v1::FinishLoginResponse::REFUSAL_INVALID_CLIENT:
      return "INVALID_CLIENT_ERROR";
    case saml::v1::FinishLoginResponse::REFUSAL_IDP_LOGIN_DISALLOWED:
      return "IDP_LOGIN_DISALLOWED_ERROR";
    default:
      return "SAML_RESPONSE_VERIFICATION_FAILED_ERROR";
  }
}

// POST /recipe/saml/callback {samlResponse, relayState?}
absl::StatusOr<Reply> Callback(ApiRequest& request, Saml& saml) {
  saml::v1::FinishLoginRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_saml_response(), RequireString(*body, "samlResponse"));
  ASSIGN_OR_RETURN(const auto relay_state, OptionalString(*body, "relayState"));
  if (relay_state.has_value()) call.set_relay_state(*relay_state);
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, saml.FinishLogin(request.context, call));
  if (!reply.has_redirect_uri()) return StatusReply(StatusOf(reply.refusal()));
  return JsonReply(Value::Object({{"status", "OK"}, {"redirectURI", reply.redirect_uri()}}));
}

// What is known of the user; `id_name` is the original's name for the subject.
absl::StatusOr<Value> UserJson(const saml::v1::ExchangeCodeResponse::User& user,
                               std::string_view id_name, const std::string& client_id) {
  ASSIGN_OR_RETURN(Value claims, json::Parse(user.claims_json()));
  Value json = Value::Object({{"claims", std::move(claims)}});
  json.Set(std::string(id_name), user.has_sub() ? Value(user.sub()) : Value::Null());
  json.Set("email", user.has_email() ? Value(user.email()) : Value::Null());
  json.Set("aud", client_id);
  return json;
}

// POST /recipe/saml/user {accessToken, clientId}
absl::StatusOr<Reply> User(ApiRequest& request, Saml& saml) {
  saml::v1::ExchangeCodeRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_code(), RequireString(*body, "accessToken"));
  ASSIGN_OR_RETURN(*call.mutable_client_id(), RequireString(*body, "clientId"));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, saml.ExchangeCode(request.context, call));
  if (!reply.has_user()) return StatusReply("INVALID_TOKEN_ERROR");
  ASSIGN_OR_RETURN(Value json, UserJson(reply.user(), "sub", call.client_id()));
  json.Set("status", "OK");
  return JsonReply(json);
}

// GET /.well-known/sp-metadata?encryption. Without encryption=true as the original's, which can't
// decrypt: providers that read a key for encryption there use it.
absl::StatusOr<Reply> ServiceMetadata(ApiRequest& request, Saml& saml) {
  saml::v1::GetServiceMetadataRequest call;
  call.set_for_encryption(request.Query("encryption") == "true");
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, saml.GetServiceMetadata(request.context, call));
  return RawReply("text/xml;charset=utf-8", reply.metadata_xml() + "\n");
}

// The paths of an older product, which the original keeps: of an app, and its public tenant.
absl::Status RequireApp(const ApiRequest& request) {
  if (request.is_public_tenant()) return absl::OkStatus();
  return Forbidden("Only public tenantId can call this app specific API");
}

// GET /recipe/saml/legacy/authorize?client_id&redirect_uri&state?
absl::StatusOr<Reply> LegacyAuthorize(ApiRequest& request, Saml& saml) {
  saml::v1::StartLoginRequest call;
  ASSIGN_OR_RETURN(*call.mutable_client_id(), request.RequireQuery("client_id"));
  ASSIGN_OR_RETURN(*call.mutable_redirect_uri(), request.RequireQuery("redirect_uri"));
  if (const auto state = request.Query("state")) call.set_state(std::string(*state));
  RETURN_IF_ERROR(RequireApp(request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, saml.StartLogin(request.context, call));
  if (!reply.has_sso_redirect_uri()) return StatusReply("INVALID_CLIENT_ERROR");
  return RedirectReply(307, reply.sso_redirect_uri());
}

// A field of the form, or of the query; nullopt when it is in neither.
std::optional<std::string> FormField(ApiRequest& request, std::string_view name) {
  if (const auto form = request.FormBody(); form.ok()) {
    for (const auto& [key, value] : **form) {
      if (key == name) return value;
    }
  }
  if (const auto value = request.Query(name)) return std::string(*value);
  return std::nullopt;
}

absl::StatusOr<std::string> RequireFormField(ApiRequest& request, std::string_view name) {
  std::optional<std::string> value = FormField(request, name);
  if (!value.has_value() || JavaTrim(*value).empty()) {
    return BadInput(StrCat("Missing form field: ", name));
  }
  return *std::move(value);
}

// POST /recipe/saml/legacy/callback, a form: SAMLResponse, RelayState?
absl::StatusOr<Reply> LegacyCallback(ApiRequest& request, Saml& saml) {
  saml::v1::FinishLoginRequest call;
  std::optional<std::string> response = FormField(request, "SAMLResponse");
  if (!response.has_value()) response = FormField(request, "samlResponse");
  if (!response.has_value() || JavaTrim(*response).empty()) {
    return BadInput("Missing form field: SAMLResponse");
  }
  call.set_saml_response(*std::move(response));
  std::optional<std::string> relay_state = FormField(request, "RelayState");
  if (!relay_state.has_value()) relay_state = FormField(request, "relayState");
  if (relay_state.has_value()) call.set_relay_state(*std::move(relay_state));
  RETURN_IF_ERROR(RequireApp(request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, saml.FinishLogin(request.context, call));
  if (!reply.has_redirect_uri()) return TextReply(400, StatusOf(reply.refusal()));
  return RedirectReply(302, reply.redirect_uri());
}

// POST /recipe/saml/legacy/token, a form: client_id, client_secret, code. The code is looked at
// when the token is used.
absl::StatusOr<Reply> LegacyToken(ApiRequest& request, Saml& saml) {
  saml::v1::CheckClientSecretRequest call;
  ASSIGN_OR_RETURN(*call.mutable_client_id(), RequireFormField(request, "client_id"));
  ASSIGN_OR_RETURN(*call.mutable_client_secret(), RequireFormField(request, "client_secret"));
  ASSIGN_OR_RETURN(const std::string code, RequireFormField(request, "code"));
  RETURN_IF_ERROR(RequireApp(request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, saml.CheckClientSecret(request.context, call));
  if (!reply.client_found()) return TextReply(400, "Invalid client_id");
  if (!reply.secret_is_right()) return TextReply(400, "Invalid client_secret");
  return JsonReply(
      Value::Object({{"status", "OK"}, {"access_token", StrCat(code, ".", call.client_id())}}));
}

// GET /recipe/saml/legacy/userinfo, with the token as bearer: the code, a dot, the client's id.
absl::StatusOr<Reply> LegacyUserInfo(ApiRequest& request, Saml& saml) {
  constexpr std::string_view kScheme = "Bearer ";
  std::string_view token = request.Header("authorization");
  if (!token.starts_with(kScheme)) return TextReply(400, "Authorization header is required");
  token.remove_prefix(kScheme.size());
  RETURN_IF_ERROR(RequireApp(request));
  const size_t dot = token.find('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == token.size()) {
    return TextReply(400, "INVALID_TOKEN_ERROR");
  }
  saml::v1::ExchangeCodeRequest call;
  call.set_code(std::string(token.substr(0, dot)));
  call.set_client_id(std::string(token.substr(dot + 1)));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, saml.ExchangeCode(request.context, call));
  if (!reply.has_user()) return TextReply(400, "INVALID_TOKEN_ERROR");
  ASSIGN_OR_RETURN(const Value json, UserJson(reply.user(), "id", call.client_id()));
  return JsonReply(json);
}

}  // namespace

void AddSamlRoutes(RouteTable& routes, rpc::Channel& channel) {
  const RouteGroup group(routes, "saml", std::make_shared<Saml>(channel));
  group.Add(HttpMethod::kPut, "/recipe/saml/clients", PutClient);
  group.Add(HttpMethod::kGet, "/recipe/saml/clients/list", ListClients);
  group.Add(HttpMethod::kPost, "/recipe/saml/clients/remove", RemoveClient);
  group.Add(HttpMethod::kPost, "/recipe/saml/login", Login);
  group.Add(HttpMethod::kGet, "/recipe/saml/login/form", LoginForm, {.needs_api_key = false});
  group.Add(HttpMethod::kPost, "/recipe/saml/callback", Callback);
  group.Add(HttpMethod::kPost, "/recipe/saml/user", User);
  group.Add(HttpMethod::kGet, "/.well-known/sp-metadata", ServiceMetadata,
            {.needs_api_key = false});
  group.Add(HttpMethod::kGet, "/recipe/saml/legacy/authorize", LegacyAuthorize);
  group.Add(HttpMethod::kPost, "/recipe/saml/legacy/callback", LegacyCallback);
  group.Add(HttpMethod::kPost, "/recipe/saml/legacy/token", LegacyToken, {.needs_api_key = false});
  group.Add(HttpMethod::kGet, "/recipe/saml/legacy/userinfo", LegacyUserInfo,
            {.needs_api_key = false, .authorization_is_api_key = false});
}

}  // namespace gatehouse::gateway
