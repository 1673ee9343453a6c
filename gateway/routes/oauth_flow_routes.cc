#include <array>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>

#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "gatehouse/oauth/v1/oauth_flow_service.rpc.h"
#include "gateway/api/route_group.h"
#include "gateway/json_input.h"
#include "gateway/routes/app_checks.h"
#include "gateway/routes/oauth_json.h"
#include "gateway/routes/oauth_routes.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/http/url.h"

namespace gatehouse::gateway {
namespace {

using json::Value;
using TextMap = google::protobuf::Map<std::string, std::string>;

// What the handlers work with.
struct Flows {
  oauth::v1::OAuthFlowServiceClient service;
  const tenancy::TenantDirectory& tenants;
};

constexpr std::string_view kInvalidRequest =
    "The request is missing a required parameter, includes an invalid parameter value, includes a "
    "parameter more than once, or is otherwise malformed.";

Reply InvalidRequestReply(std::string_view hint) {
  return OAuthErrorReply("invalid_request", StrCat(kInvalidRequest, " ", hint), 400);
}

Reply UndecodableReply() {
  return InvalidRequestReply(
      "Unable to decode body because: json: a field is unknown or has "
      "another type");
}

// The answer of the original's server to the same mistakes in a consent's body.
Reply UnrecognizableReply() { return OAuthErrorReply("error", "The error is unrecognizable", 400); }

Reply MissingChallengeReply() {
  return InvalidRequestReply("Query parameter 'challenge' is not defined but should have been.");
}

template <typename Response>
Reply RedirectOrRefuse(const Response& response) {
  if (response.has_refused()) return OAuthErrorReply(response.refused());
  return JsonReply(Value::Object({{"redirectTo", response.redirect_to()}, {"status", "OK"}}));
}

// The last value: the original passes them all on, and that one counts.
std::string LastOf(const ApiRequest& request, std::string_view name) {
  std::string last;
  for (const auto& [key, value] : request.query) {
    if (key == name) last = value;
  }
  return last;
}

// `kind` is "login" or "consent"; SDKs write the name in three ways.
std::string ChallengeOf(const ApiRequest& request, std::string_view kind) {
  for (const std::string& name :
       {StrCat(kind, "Challenge"), StrCat(kind, "_challenge"), std::string("challenge")}) {
    if (std::string value = LastOf(request, name); !value.empty()) return value;
  }
  return "";
}

// The members that a body may have, as in Go: null is nothing.
struct Field {
  enum class Kind { kText, kTexts, kBool, kInteger, kTime, kAny };
  std::string_view name;
  Kind kind;
};
using Fields = std::map<std::string, const Value*>;

bool HasKind(const Value& value, Field::Kind kind) {
  switch (kind) {
    case Field::Kind::kText:
      return value.is_string();
    case Field::Kind::kBool:
      return value.is_bool();
    case Field::Kind::kInteger:
      return value.AsInt64().has_value();
    case Field::Kind::kTime: {
      const std::string_view text = value.AsString().value_or("");
      absl::Time time;
      return absl::ParseTime(absl::RFC3339_full, absl::string_view(text.data(), text.size()), &time,
                             nullptr);
    }
    case Field::Kind::kTexts:
      if (!value.is_array()) return false;
      for (const Value& element : value.elements()) {
        if (!element.is_null() && !element.is_string()) return false;
      }
      return true;
    case Field::Kind::kAny:
      return true;
  }
  return false;
}

// nullopt: an unknown name or another type. Nulls are left out, except of kAny.
std::optional<Fields> ReadFields(const Value& body, std::span<const Field> known) {
  Fields fields;
  for (const json::Member& member : body.members()) {
    const std::string name = CamelToSnake(member.key);
    const Field* field = nullptr;
    for (const Field& one : known) {
      if (one.name == name) field = &one;
    }
    if (field == nullptr) return std::nullopt;
    if (member.value.is_null()) continue;
    if (!HasKind(member.value, field->kind)) return std::nullopt;
    fields[name] = &member.value;
  }
  return fields;
}

std::string TextOf(const Fields& fields, const std::string& name) {
  const auto it = fields.find(name);
  return it == fields.end() ? std::string() : std::string(it->second->AsString().value_or(""));
}

template <typename Texts>
void CopyTexts(const Fields& fields, const std::string& name, Texts& texts) {
  const auto it = fields.find(name);
  if (it == fields.end()) return;
  for (const Value& element : it->second->elements()) {
    *texts.Add() = std::string(element.AsString().value_or(""));
  }
}

constexpr std::array<Field, 5> kRejectionFields = {{{"error", Field::Kind::kText},
                                                    {"error_description", Field::Kind::kText},
                                                    {"error_hint", Field::Kind::kText},
                                                    {"error_debug", Field::Kind::kText},
                                                    {"status_code", Field::Kind::kInteger}}};

// False: it can't be read.
bool ReadRejection(const Value& body, oauth::v1::Rejection& rejection) {
  const std::optional<Fields> fields = ReadFields(body, kRejectionFields);
  if (!fields.has_value()) return false;
  rejection.set_error(TextOf(*fields, "error"));
  rejection.set_description(TextOf(*fields, "error_description"));
  rejection.set_hint(TextOf(*fields, "error_hint"));
  return true;
}

// POST /recipe/oauth/auth {params, cookies?, access_token?, id_token?, iss?, useStaticSigningKey?}
absl::StatusOr<Reply> Authorize(ApiRequest& request, Flows& parts) {
  oauth::v1::AuthorizeRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(const Value* params, RequireObject(*body, "params"));
  ASSIGN_OR_RETURN(const auto cookies, OptionalString(*body, "cookies"));
  call.set_cookies(cookies.value_or(""));
  ASSIGN_OR_RETURN(const Value* access_token, OptionalObject(*body, "access_token"));
  if (access_token != nullptr) call.set_access_token_claims(json::Serialize(*access_token));
  ASSIGN_OR_RETURN(const Value* id_token, OptionalObject(*body, "id_token"));
  if (id_token != nullptr) call.set_id_token_claims(json::Serialize(*id_token));
  ASSIGN_OR_RETURN(const auto issuer, OptionalString(*body, "iss"));
  call.set_issuer(issuer.value_or(""));
  ASSIGN_OR_RETURN(const auto use_static, OptionalBool(*body, "useStaticSigningKey"));
  call.set_use_dynamic_key(!use_static.value_or(true));
  ASSIGN_OR_RETURN(const FormValues form, ReadForm(*params));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(parts.tenants, request));
  for (const auto& [name, value] : form) (*call.mutable_parameters())[name] = value;
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, parts.service.Authorize(request.context, call));
  if (reply.client_not_found()) return StatusReply("CLIENT_NOT_FOUND_ERROR");
  if (reply.has_refused()) return OAuthErrorReply(reply.refused());
  Value set_cookies = Value::Array();
  for (const std::string& cookie : reply.set_cookies()) set_cookies.Append(cookie);
  return JsonReply(Value::Object({{"redirectTo", reply.redirect_to()},
                                  {"cookies", std::move(set_cookies)},
                                  {"status", "OK"}}));
}

Value Words(const std::string& text) {
  Value words = Value::Array();
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = std::min(text.find(' ', begin), text.size());
    if (end > begin) words.Append(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

Value OidcContext(const oauth::v1::PageRequest& page) {
  Value context = Value::Object();
  const auto get = [&](const char* name) {
    const auto it = page.parameters().find(name);
    return it == page.parameters().end() ? std::string() : it->second;
  };
  if (const std::string acr = get("acr_values"); !acr.empty()) context.Set("acrValues", Words(acr));
  if (const std::string ui = get("ui_locales"); !ui.empty()) context.Set("uiLocales", Words(ui));
  if (const std::string display = get("display"); !display.empty()) context.Set("display", display);
  if (!page.id_token_hint_claims().empty()) {
    const absl::StatusOr<Value> claims = json::Parse(page.id_token_hint_claims());
    if (claims.ok()) context.Set("idTokenHintClaims", *claims);
  }
  if (const std::string hint = get("login_hint"); !hint.empty()) context.Set("loginHint", hint);
  return context;
}

std::string EscapeForm(std::string_view text) {
  return absl::StrReplaceAll(http::EncodeUrlPart(text), {{"%20", "+"}});
}

// The request as it came in, with the address of the original's server in test mode: pages only
// read the query.
std::string RequestUrl(const TextMap& parameters) {
  std::string url = "http://localhost:4444/oauth2/auth?";
  const std::map<std::string, std::string> sorted(parameters.begin(), parameters.end());
  bool first = true;
  for (const auto& [name, value] : sorted) {
    if (!first) url += '&';
    first = false;
    url += StrCat(EscapeForm(name), "=", EscapeForm(value));
  }
  return url;
}

template <typename Texts>
Value TextsJson(const Texts& texts) {
  Value list = Value::Array();
  for (const std::string& text : texts) list.Append(text);
  return list;
}

Value PageJson(const oauth::v1::PageRequest& page, bool login) {
  Value client = ClientJson(page.client());
  if (login) {
    client.Set("enableRefreshTokenRotation", page.client().enable_refresh_token_rotation());
  } else {
    client.Remove("clientSecret");
  }
  return Value::Object({{"challenge", page.challenge()},
                        {"requestedScope", TextsJson(page.scopes())},
                        {"requestedAccessTokenAudience", TextsJson(page.audience())},
                        {"skip", page.skip()},
                        {"subject", page.subject()},
                        {"oidcContext", OidcContext(page)},
                        {"client", std::move(client)},
                        {"requestUrl", RequestUrl(page.parameters())}});
}

// GET /recipe/oauth/auth/requests/login?loginChallenge
absl::StatusOr<Reply> GetLogin(ApiRequest& request, Flows& parts) {
  oauth::v1::GetLoginRequestRequest call;
  RETURN_IF_ERROR(RequireAppThenPublicTenant(parts.tenants, request));
  call.set_challenge(ChallengeOf(request, "login"));
  if (call.challenge().empty()) return MissingChallengeReply();
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, parts.service.GetLoginRequest(request.context, call));
  if (reply.has_refused()) return OAuthErrorReply(reply.refused());
  Value answer = PageJson(reply.request(), /*login=*/true);
  answer.Set("sessionId", reply.request().session_id());
  answer.Set("status", "OK");
  return JsonReply(answer);
}

// GET /recipe/oauth/auth/requests/consent?consentChallenge
absl::StatusOr<Reply> GetConsent(ApiRequest& request, Flows& parts) {
  oauth::v1::GetConsentRequestRequest call;
  RETURN_IF_ERROR(RequireAppThenPublicTenant(parts.tenants, request));
  call.set_challenge(ChallengeOf(request, "consent"));
  if (call.challenge().empty()) return MissingChallengeReply();
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, parts.service.GetConsentRequest(request.context, call));
  if (reply.has_refused()) return OAuthErrorReply(reply.refused());
  const oauth::v1::PageRequest& page = reply.request();
  Value answer = PageJson(page, /*login=*/false);
  answer.Set("loginChallenge", page.login_challenge_id());
  answer.Set("loginSessionId", page.session_id());
  answer.Set("acr", page.acr());
  answer.Set("amr", TextsJson(page.amr()));
  const absl::StatusOr<Value> context = json::Parse(page.context());
  answer.Set("context", context.ok() ? WithCamelNames(*context) : Value::Null());
  answer.Set("status", "OK");
  return JsonReply(answer);
}

// PUT /recipe/oauth/auth/requests/login/accept?loginChallenge
absl::StatusOr<Reply> AcceptLogin(ApiRequest& request, Flows& parts) {
  static constexpr std::array<Field, 9> kFields = {
      {{"subject", Field::Kind::kText},
       {"acr", Field::Kind::kText},
       {"amr", Field::Kind::kTexts},
       {"context", Field::Kind::kAny},
       {"remember", Field::Kind::kBool},
       {"remember_for", Field::Kind::kInteger},
       {"identity_provider_session_id", Field::Kind::kText},
       {"extend_session_lifespan", Field::Kind::kBool},
       {"force_subject_identifier", Field::Kind::kText}}};
  oauth::v1::AcceptLoginRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  RETURN_IF_ERROR(RequireAppThenPublicTenant(parts.tenants, request));
  call.set_challenge(ChallengeOf(request, "login"));
  if (call.challenge().empty()) return MissingChallengeReply();
  const std::optional<Fields> fields = ReadFields(*body, kFields);
  if (!fields.has_value()) return UndecodableReply();
  *call.mutable_scope() = request.scope;
  call.set_subject(TextOf(*fields, "subject"));
  call.set_acr(TextOf(*fields, "acr"));
  CopyTexts(*fields, "amr", *call.mutable_amr());
  if (const auto it = fields->find("context"); it != fields->end()) {
    call.set_context(json::Serialize(*it->second));
  }
  if (const auto it = fields->find("remember"); it != fields->end()) {
    call.set_remember(it->second->AsBool().value_or(false));
  }
  if (const auto it = fields->find("remember_for"); it != fields->end()) {
    call.set_remember_for_s(it->second->AsInt64().value_or(0));
  }
  ASSIGN_OR_RETURN(const auto reply, parts.service.AcceptLogin(request.context, call));
  return RedirectOrRefuse(reply);
}

// PUT /recipe/oauth/auth/requests/login/reject?loginChallenge
absl::StatusOr<Reply> RejectLogin(ApiRequest& request, Flows& parts) {
  oauth::v1::RejectLoginRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  RETURN_IF_ERROR(RequireAppThenPublicTenant(parts.tenants, request));
  call.set_challenge(ChallengeOf(request, "login"));
  if (call.challenge().empty()) return MissingChallengeReply();
  if (!ReadRejection(*body, *call.mutable_rejection())) return UndecodableReply();
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, parts.service.RejectLogin(request.context, call));
  return RedirectOrRefuse(reply);
}

// PUT /recipe/oauth/auth/requests/consent/accept?consentChallenge
absl::StatusOr<Reply> AcceptConsent(ApiRequest& request, Flows& parts) {
  static constexpr std::array<Field, 13> kFields = {
      {{"grant_scope", Field::Kind::kTexts},
       {"grant_access_token_audience", Field::Kind::kTexts},
       {"remember", Field::Kind::kBool},
       {"remember_for", Field::Kind::kInteger},
       {"handled_at", Field::Kind::kTime},
       {"context", Field::Kind::kAny},
       {"session", Field::Kind::kAny},
       // Read before.
       {"iss", Field::Kind::kAny},
       {"t_id", Field::Kind::kAny},
       {"rsub", Field::Kind::kAny},
       {"session_handle", Field::Kind::kAny},
       {"initial_access_token_payload", Field::Kind::kAny},
       {"initial_id_token_payload", Field::Kind::kAny}}};
  oauth::v1::AcceptConsentRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_issuer(), RequireString(*body, "iss"));
  ASSIGN_OR_RETURN(*call.mutable_tenant_id(), RequireString(*body, "tId"));
  ASSIGN_OR_RETURN(*call.mutable_recipe_user_id(), RequireString(*body, "rsub"));
  ASSIGN_OR_RETURN(*call.mutable_session_handle(), RequireString(*body, "sessionHandle"));
  ASSIGN_OR_RETURN(const Value* access_token, RequireObject(*body, "initialAccessTokenPayload"));
  call.set_access_token_claims(json::Serialize(*access_token));
  ASSIGN_OR_RETURN(const Value* id_token, RequireObject(*body, "initialIdTokenPayload"));
  call.set_id_token_claims(json::Serialize(*id_token));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(parts.tenants, request));
  call.set_challenge(ChallengeOf(request, "consent"));
  if (call.challenge().empty()) return MissingChallengeReply();
  const std::optional<Fields> fields = ReadFields(*body, kFields);
  if (!fields.has_value()) return UnrecognizableReply();
  CopyTexts(*fields, "grant_scope", *call.mutable_granted_scopes());
  CopyTexts(*fields, "grant_access_token_audience", *call.mutable_granted_audience());
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, parts.service.AcceptConsent(request.context, call));
  return RedirectOrRefuse(reply);
}

// PUT /recipe/oauth/auth/requests/consent/reject?consentChallenge
absl::StatusOr<Reply> RejectConsent(ApiRequest& request, Flows& parts) {
  oauth::v1::RejectConsentRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  RETURN_IF_ERROR(RequireAppThenPublicTenant(parts.tenants, request));
  call.set_challenge(ChallengeOf(request, "consent"));
  if (call.challenge().empty()) return MissingChallengeReply();
  if (!ReadRejection(*body, *call.mutable_rejection())) return UnrecognizableReply();
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, parts.service.RejectConsent(request.context, call));
  return RedirectOrRefuse(reply);
}

}  // namespace

void AddOAuthFlowRoutes(RouteTable& routes, rpc::Channel& channel,
                        const tenancy::TenantDirectory& tenants) {
  const RouteGroup group(
      routes, "oauth",
      std::make_shared<Flows>(Flows{oauth::v1::OAuthFlowServiceClient(channel), tenants}));
  group.Add(HttpMethod::kPost, "/recipe/oauth/auth", Authorize);
  group.Add(HttpMethod::kGet, "/recipe/oauth/auth/requests/login", GetLogin);
  group.Add(HttpMethod::kPut, "/recipe/oauth/auth/requests/login/accept", AcceptLogin);
  group.Add(HttpMethod::kPut, "/recipe/oauth/auth/requests/login/reject", RejectLogin);
  group.Add(HttpMethod::kGet, "/recipe/oauth/auth/requests/consent", GetConsent);
  group.Add(HttpMethod::kPut, "/recipe/oauth/auth/requests/consent/accept", AcceptConsent);
  group.Add(HttpMethod::kPut, "/recipe/oauth/auth/requests/consent/reject", RejectConsent);
}

}  // namespace gatehouse::gateway
