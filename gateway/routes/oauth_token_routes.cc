#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "gatehouse/oauth/v1/oauth_token_service.rpc.h"
#include "gateway/api/route_group.h"
#include "gateway/json_input.h"
#include "gateway/routes/app_checks.h"
#include "gateway/routes/oauth_json.h"
#include "gateway/routes/oauth_routes.h"
#include "libs/base/status.h"
#include "libs/crypto/bytes.h"

namespace gatehouse::gateway {
namespace {

using json::Value;
using oauth::v1::ClientAuthentication;

// What the handlers work with.
struct Tokens {
  oauth::v1::OAuthTokenServiceClient service;
  const tenancy::TenantDirectory& tenants;
};

std::string Take(const FormValues& form, const std::string& name) {
  const auto it = form.find(name);
  return it == form.end() ? std::string() : it->second;
}

// HTTP's Basic, whose parts are escaped as those of forms are (RFC 6749, 2.3.1).
absl::StatusOr<std::optional<ClientAuthentication::Credentials>> ReadHeader(
    std::string_view header) {
  constexpr std::string_view kBasic = "Basic ";
  const bool is_basic = header.starts_with(kBasic);
  const std::string_view encoded = JavaTrim(is_basic ? header.substr(kBasic.size()) : header);
  if (encoded.empty()) return ClientAuthentication::Credentials();
  const absl::StatusOr<std::string> text = crypto::Base64Decode(encoded);
  if (!is_basic || !text.ok() || !json::IsValidUtf8(*text)) return MalformedForm();
  const size_t colon = text->find(':');
  if (colon == std::string::npos) return std::nullopt;
  ClientAuthentication::Credentials credentials;
  credentials.set_client_id(UnescapeClientId(text->substr(0, colon)));
  const std::optional<std::string> secret = UnescapeForm(text->substr(colon + 1));
  if (!secret.has_value()) return MalformedForm();
  credentials.set_client_secret(*secret);
  return credentials;
}

absl::StatusOr<Reply> MissingCredentials() {
  return OAuthErrorReply(
      "invalid_request",
      "The request is missing a required parameter, includes an invalid parameter value, includes "
      "a parameter more than once, or is otherwise malformed. Client credentials missing or "
      "malformed in both HTTP Authorization header and HTTP POST body.",
      400);
}

// POST /recipe/oauth/token {iss, inputBody, access_token?, id_token?, authorizationHeader?,
// useStaticSigningKey?}
absl::StatusOr<Reply> IssueTokens(ApiRequest& request, Tokens& parts) {
  oauth::v1::IssueTokensRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_issuer(), RequireString(*body, "iss"));
  ASSIGN_OR_RETURN(const Value* input, RequireObject(*body, "inputBody"));
  ASSIGN_OR_RETURN(const std::string grant_type, RequireString(*input, "grant_type"));
  const bool may_be_absent = grant_type == "authorization_code";
  for (const char* name : {"access_token", "id_token"}) {
    ASSIGN_OR_RETURN(const Value* claims,
                     may_be_absent ? OptionalObject(*body, name) : RequireObject(*body, name));
    if (claims == nullptr) continue;
    if (std::string_view(name) == "access_token") {
      call.set_access_token_claims(json::Serialize(*claims));
    } else {
      call.set_id_token_claims(json::Serialize(*claims));
    }
  }
  ASSIGN_OR_RETURN(const std::optional<bool> use_static,
                   OptionalBool(*body, "useStaticSigningKey"));
  call.set_use_dynamic_key(!use_static.value_or(true));
  ASSIGN_OR_RETURN(const std::optional<std::string> header,
                   OptionalString(*body, "authorizationHeader"));
  ASSIGN_OR_RETURN(const FormValues form, ReadForm(*input));
  if (grant_type == "refresh_token") {
    RETURN_IF_ERROR(RequireString(*input, "refresh_token").status());
  }
  ClientAuthentication& authentication = *call.mutable_authentication();
  bool no_colon = false;
  if (header.has_value()) {
    ASSIGN_OR_RETURN(auto credentials, ReadHeader(*header));
    no_colon = !credentials.has_value();
    if (!no_colon) *authentication.mutable_header() = *std::move(credentials);
  }
  authentication.mutable_body()->set_client_id(Take(form, "client_id"));
  authentication.mutable_body()->set_client_secret(Take(form, "client_secret"));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(parts.tenants, request));
  if (no_colon) return MissingCredentials();
  *call.mutable_scope() = request.scope;
  call.set_grant_type(std::string(JavaTrim(Take(form, "grant_type"))));
  call.set_requested_scope(Take(form, "scope"));
  call.set_requested_audience(Take(form, "audience"));
  call.set_code(Take(form, "code"));
  call.set_redirect_uri(Take(form, "redirect_uri"));
  call.set_code_verifier(Take(form, "code_verifier"));
  call.set_refresh_token(Take(form, "refresh_token"));
  ASSIGN_OR_RETURN(const auto reply, parts.service.IssueTokens(request.context, call));
  if (reply.client_not_found()) return StatusReply("CLIENT_NOT_FOUND_ERROR");
  if (reply.has_refused()) return OAuthErrorReply(reply.refused());
  const auto& tokens = reply.tokens();
  Value answer = Value::Object(
      {{"access_token", tokens.access_token()}, {"expires_in", tokens.expires_in_s()}});
  if (tokens.has_id_token()) answer.Set("id_token", tokens.id_token());
  if (tokens.has_refresh_token()) answer.Set("refresh_token", tokens.refresh_token());
  answer.Set("scope", tokens.scope());
  answer.Set("token_type", "bearer");
  answer.Set("status", "OK");
  return JsonReply(answer);
}

// POST /recipe/oauth/introspect {token}
absl::StatusOr<Reply> IntrospectToken(ApiRequest& request, Tokens& parts) {
  oauth::v1::IntrospectTokenRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_token(), RequireString(*body, "token"));
  if (call.token().starts_with("st_rt_")) {
    ASSIGN_OR_RETURN(const FormValues form, ReadForm(*body));
    call.set_required_scope(Take(form, "scope"));
  }
  RETURN_IF_ERROR(RequireAppThenPublicTenant(parts.tenants, request));
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, parts.service.IntrospectToken(request.context, call));
  if (!reply.active()) {
    return JsonReply(Value::Object({{"active", false}, {"status", "OK"}}));
  }
  ASSIGN_OR_RETURN(Value answer, json::Parse(reply.claims()));
  answer.Set("active", true);
  answer.Set("token_type", "Bearer");
  answer.Set("token_use", reply.is_refresh_token() ? "refresh_token" : "access_token");
  answer.Set("status", "OK");
  return JsonReply(answer);
}

// POST /recipe/oauth/token/revoke {token, authorizationHeader? | client_id, client_secret?}
absl::StatusOr<Reply> RevokeToken(ApiRequest& request, Tokens& parts) {
  oauth::v1::RevokeTokenRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_token(), RequireString(*body, "token"));
  bool no_colon = false;
  if (call.token().starts_with("st_rt_")) {
    ASSIGN_OR_RETURN(const std::optional<std::string> header,
                     OptionalString(*body, "authorizationHeader"));
    ClientAuthentication& authentication = *call.mutable_authentication();
    if (header.has_value()) {
      ASSIGN_OR_RETURN(auto credentials, ReadHeader(*header));
      no_colon = !credentials.has_value();
      if (!no_colon) *authentication.mutable_header() = *std::move(credentials);
    } else {
      ASSIGN_OR_RETURN(*authentication.mutable_body()->mutable_client_id(),
                       RequireString(*body, "client_id"));
      ASSIGN_OR_RETURN(const auto secret, OptionalString(*body, "client_secret"));
      authentication.mutable_body()->set_client_secret(secret.value_or(""));
    }
  }
  RETURN_IF_ERROR(RequireAppThenPublicTenant(parts.tenants, request));
  if (no_colon) return BadInput("authorizationHeader must contain clientId:clientSecret");
  *call.mutable_scope() = request.scope;
  ASSIGN_OR_RETURN(const auto reply, parts.service.RevokeToken(request.context, call));
  if (reply.has_refused()) return OAuthErrorReply(reply.refused());
  return StatusReply("OK");
}

// POST /recipe/oauth/tokens/revoke {client_id}
absl::StatusOr<Reply> RevokeTokensOfClient(ApiRequest& request, Tokens& parts) {
  oauth::v1::RevokeTokensOfClientRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_client_id(), RequireString(*body, "client_id"));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(parts.tenants, request));
  if (call.client_id().empty()) {
    return OAuthErrorReply(
        "invalid_request",
        "The request is missing a required parameter, includes an invalid parameter value, "
        "includes a parameter more than once, or is otherwise malformed. Query parameter "
        "'client_id' is not defined but it should have been.",
        400);
  }
  *call.mutable_scope() = request.scope;
  RETURN_IF_ERROR(parts.service.RevokeTokensOfClient(request.context, call).status());
  return StatusReply("OK");
}

// POST /recipe/oauth/session/revoke {sessionHandle}
absl::StatusOr<Reply> RevokeTokensOfSession(ApiRequest& request, Tokens& parts) {
  oauth::v1::RevokeTokensOfSessionRequest call;
  ASSIGN_OR_RETURN(const Value* body, request.JsonBody());
  ASSIGN_OR_RETURN(*call.mutable_session_handle(), RequireString(*body, "sessionHandle"));
  RETURN_IF_ERROR(RequireAppThenPublicTenant(parts.tenants, request));
  *call.mutable_scope() = request.scope;
  RETURN_IF_ERROR(parts.service.RevokeTokensOfSession(request.context, call).status());
  return StatusReply("OK");
}

}  // namespace

void AddOAuthTokenRoutes(RouteTable& routes, rpc::Channel& channel,
                         const tenancy::TenantDirectory& tenants) {
  const RouteGroup group(
      routes, "oauth",
      std::make_shared<Tokens>(Tokens{oauth::v1::OAuthTokenServiceClient(channel), tenants}));
  group.Add(HttpMethod::kPost, "/recipe/oauth/token", IssueTokens);
  group.Add(HttpMethod::kPost, "/recipe/oauth/introspect", IntrospectToken);
  group.Add(HttpMethod::kPost, "/recipe/oauth/token/revoke", RevokeToken);
  group.Add(HttpMethod::kPost, "/recipe/oauth/tokens/revoke", RevokeTokensOfClient);
  group.Add(HttpMethod::kPost, "/recipe/oauth/session/revoke", RevokeTokensOfSession);
}

}  // namespace gatehouse::gateway
