#include "services/oauth/authorization.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include "libs/base/json.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/crypto/bytes.h"
#include "libs/crypto/digest.h"
#include "services/oauth/cookies.h"
#include "services/oauth/oauth_errors.h"
#include "services/oauth/scopes.h"
#include "services/oauth/token_claims.h"

namespace gatehouse::oauth {
namespace {

constexpr int64_t kFlowLifetimeS = 30 * 60;  // the original's
constexpr int64_t kCodeLifetimeS = 10 * 60;  // likewise
// Of a login that is remembered while the browser runs: some run for ever.
constexpr int64_t kLongestLoginS = 400LL * 24 * 3600;

bool Has(const std::vector<std::string>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

Parameters ParametersOf(const v1::AuthorizationRequest& request) {
  return {request.parameters().begin(), request.parameters().end()};
}

v1::AuthorizeResponse RedirectTo(std::string address) {
  v1::AuthorizeResponse response;
  response.set_redirect_to(std::move(address));
  return response;
}

// To the client if the request names one of its addresses.
v1::AuthorizeResponse Refuse(const ParsedRequest& request, const v1::OAuthError& error) {
  v1::AuthorizeResponse response;
  if (request.redirect_uri.empty() || request.by_form) {
    *response.mutable_refused() = error;
  } else {
    response.set_redirect_to(ErrorTo(request, error));
  }
  return response;
}

std::optional<v1::OAuthError> CheckCsrf(std::string_view cookies, const std::string& name,
                                        const std::string& csrf_hash) {
  const std::optional<std::string> value = FindCookie(cookies, name);
  if (!value.has_value()) {
    return RequestForbidden("No CSRF value available in the session cookie.");
  }
  if (!crypto::ConstantTimeEqual(crypto::Sha256Hex(*value), csrf_hash)) {
    return RequestForbidden(
        "The CSRF value from the token does not match the CSRF value from the data store.");
  }
  return std::nullopt;
}

v1::OAuthError OtherClient() {
  return InvalidClient("The flow client id does not match the authorize request client id.");
}

// Who answers (RFC 9207): as the tokens will say.
std::string IssuerOf(const Where& app, const std::string& issuer) {
  return app.tenant->config->oauth_response_iss() ? issuer : std::string();
}

v1::Grant GrantOf(const v1::Flow& flow, const Parameters& parameters, const v1::Client& client) {
  const v1::LoginDecision& login = flow.login();
  const v1::ConsentDecision& consent = flow.consent();
  v1::Grant grant;
  grant.set_gid(consent.gid());
  grant.set_client_id(client.client_id());
  grant.set_subject(login.subject());
  *grant.mutable_scopes() = consent.scopes();
  *grant.mutable_audience() = consent.audience();
  grant.set_redirect_uri(ParameterOf(parameters, "redirect_uri"));
  grant.set_code_challenge(ParameterOf(parameters, "code_challenge"));
  grant.set_nonce(ParameterOf(parameters, "nonce"));
  // A class that was asked for and not told is the lowest (OpenID Connect Core, 2).
  const bool asked = !ParameterOf(parameters, "acr_values").empty();
  grant.set_acr(login.acr().empty() && asked ? "0" : login.acr());
  *grant.mutable_amr() = login.amr();
  grant.set_authenticated_at_ms(login.authenticated_at_ms());
  grant.set_requested_at_ms(flow.request().requested_at_ms());
  grant.set_issuer(consent.issuer());
  grant.set_tenant_id(consent.tenant_id());
  grant.set_recipe_user_id(consent.recipe_user_id());
  grant.set_session_handle(consent.session_handle());
  grant.set_access_token_claims(consent.access_token_claims());
  grant.set_id_token_claims(consent.id_token_claims());
  return grant;
}

// The `sub` of claims in JSON; "" if there are none.
std::string SubjectOf(const std::string& claims) {
  if (claims.empty()) return "";
  const absl::StatusOr<json::Value> parsed = json::Parse(claims);
  return parsed.ok() ? std::string(parsed->FindString("sub").value_or("")) : "";
}

}  // namespace

std::optional<v1::OAuthError> Authorization::ParseStored(const Visit& visit, const v1::Flow& flow,
                                                         Parameters& parameters,
                                                         ParsedRequest& parsed) {
  parameters = ParametersOf(flow.request());
  const std::string& issuer = visit.request.issuer();
  parsed.issuer = IssuerOf(visit.app, issuer.empty() ? flow.consent().issuer() : issuer);
  return ParseAuthorizationRequest(parameters, visit.client,
                                   visit.app.tenant->config->oauth_pkce_required_for(), parsed);
}

absl::StatusOr<v1::AuthorizeResponse> Authorization::Authorize(
    CallContext& context, const Where& app, const v1::Client& client,
    const v1::AuthorizeRequest& request) {
  Parameters parameters(request.parameters().begin(), request.parameters().end());
  ParsedRequest parsed;
  parsed.issuer = IssuerOf(app, request.issuer());
  if (auto refused = ParseAuthorizationRequest(
          parameters, client, app.tenant->config->oauth_pkce_required_for(), parsed)) {
    return Refuse(parsed, *refused);
  }
  const std::string login_verifier = ParameterOf(parameters, "login_verifier");
  const std::string consent_verifier = ParameterOf(parameters, "consent_verifier");
  parameters.erase("login_verifier");
  parameters.erase("consent_verifier");
  const Visit visit = {.context = context,
                       .app = app,
                       .client = client,
                       .request = request,
                       .parameters = parameters,
                       .parsed = parsed,
                       .secure = request.issuer().starts_with("https://")};
  if (!login_verifier.empty()) return AskForConsent(visit, login_verifier);
  if (!consent_verifier.empty()) return AnswerClient(visit, consent_verifier);
  return AskForLogin(visit);
}

absl::StatusOr<v1::AuthorizeResponse> Authorization::AskForLogin(const Visit& visit) {
  const int64_t now_ms = clock_.NowMs();
  const std::vector<std::string> prompt = SplitWords(ParameterOf(visit.parameters, "prompt"));
  std::optional<PgFlowStore::Login> remembered;
  const std::optional<std::string> cookie =
      FindCookie(visit.request.cookies(), SessionCookieName(visit.secure));
  if (cookie.has_value() && !Has(prompt, "login") && !Has(prompt, "registration")) {
    ASSIGN_OR_RETURN(remembered, store_.FindLogin(visit.app, *cookie, now_ms));
  }
  const std::string max_age = ParameterOf(visit.parameters, "max_age");
  if (remembered.has_value() && !max_age.empty()) {
    int64_t seconds = 0;
    const auto read = std::from_chars(max_age.data(), max_age.data() + max_age.size(), seconds);
    if (read.ec != std::errc() || read.ptr != max_age.data() + max_age.size()) {
      v1::OAuthError error;
      error.set_error("error");
      error.set_description("The error is unrecognizable");
      return Refuse(visit.parsed, error);
    }
    if (seconds >= 0 && (now_ms - remembered->authenticated_at_ms) / 1000 >= seconds) {
      if (Has(prompt, "none")) {
        return Refuse(visit.parsed,
                      LoginRequired("Request failed because prompt is set to 'none' and "
                                    "authentication time reached 'max_age'."));
      }
      remembered = std::nullopt;
    }
  }
  v1::Flow flow;
  const std::string hint = ParameterOf(visit.parameters, "id_token_hint");
  if (!hint.empty()) {
    // One that has expired is good enough (OpenID Connect Core, 3.1.2.1).
    ASSIGN_OR_RETURN(const std::optional<json::Value> claims,
                     keys_.Verify(visit.context, *visit.app.tenant, hint));
    const json::Value* kind = claims.has_value() ? claims->Find("stt") : nullptr;
    if (kind == nullptr || kind->AsInt64() != 2 ||
        claims->FindString("aud") != visit.client.client_id()) {
      return Refuse(visit.parsed, InvalidRequest("Parameter 'id_token_hint' is not an ID token of "
                                                 "this client."));
    }
    if (remembered.has_value() && claims->FindString("sub") != remembered->subject) {
      return Refuse(visit.parsed,
                    LoginRequired("Request failed because subject claim from id_token_hint does "
                                  "not match subject from authentication session."));
    }
    flow.mutable_request()->set_id_token_hint_claims(json::Serialize(*claims));
  }
  if (Has(prompt, "none") && !remembered.has_value()) {
    return Refuse(
        visit.parsed,
        LoginRequired("Prompt 'none' was requested, but no existing login session was found."));
  }
  v1::AuthorizationRequest& stored = *flow.mutable_request();
  for (const auto& [name, value] : visit.parameters) (*stored.mutable_parameters())[name] = value;
  for (const std::string& scope : visit.parsed.scopes) stored.add_scopes(scope);
  for (const std::string& one : visit.parsed.audience) stored.add_audience(one);
  stored.set_session_id(remembered.has_value() ? remembered->session_id : crypto::NewUuid4());
  stored.set_requested_at_ms(now_ms);
  if (remembered.has_value()) {
    stored.set_subject(remembered->subject);
    stored.set_authenticated_at_ms(remembered->authenticated_at_ms);
  }
  const std::string challenge = NewFlowSecret();
  const std::string csrf = NewFlowSecret();
  ASSIGN_OR_RETURN(const bool made,
                   store_.CreateFlow(visit.app, visit.client.client_id(), challenge, csrf, flow,
                                     now_ms + kFlowLifetimeS * 1000));
  v1::AuthorizeResponse response;
  if (!made) {
    response.set_client_not_found(true);
    return response;
  }
  response.set_redirect_to(StrCat("{apiDomain}/oauth/login?login_challenge=", challenge, "&"));
  response.add_set_cookies(
      FormatCookie({.name = LoginCsrfCookieName(visit.client.client_id(), visit.secure),
                    .value = csrf,
                    .max_age_s = kFlowLifetimeS,
                    .secure = visit.secure},
                   now_ms));
  return response;
}

absl::StatusOr<v1::AuthorizeResponse> Authorization::AskForConsent(const Visit& visit,
                                                                   const std::string& verifier) {
  const int64_t now_ms = clock_.NowMs();
  const std::string& cookies = visit.request.cookies();
  ASSIGN_OR_RETURN(const auto found, store_.FindByVerifier(visit.app, verifier));
  if (!found.has_value() || found->stage != Stage::kHasLogin) {
    return Refuse(visit.parsed, AccessDenied("The login verifier is invalid."));
  }
  if (found->expires_at_ms <= now_ms) {
    return Refuse(visit.parsed,
                  RequestUnauthorized("The login request has expired. Please try again."));
  }
  if (auto refused = CheckCsrf(cookies, LoginCsrfCookieName(found->client_id, visit.secure),
                               found->csrf_hash)) {
    return Refuse(visit.parsed, *refused);
  }
  const CookieLine no_session = {.name = SessionCookieName(visit.secure),
                                 .value = NewFlowSecret(),
                                 .max_age_s = 0,
                                 .secure = visit.secure};
  if (found->client_id != visit.client.client_id()) {
    v1::AuthorizeResponse response = Refuse(visit.parsed, OtherClient());
    response.add_set_cookies(FormatCookie(no_session, now_ms));
    return response;
  }
  const v1::Flow& flow = found->flow;
  const v1::LoginDecision& login = flow.login();
  Parameters parameters;
  ParsedRequest parsed;
  if (auto refused = ParseStored(visit, flow, parameters, parsed)) {
    return Refuse(parsed, *refused);
  }
  const std::vector<std::string> prompt = SplitWords(ParameterOf(parameters, "prompt"));
  std::optional<v1::OAuthError> refused;
  if (login.has_refused()) {
    refused = login.refused();
  } else if (auto odd = CheckPrompt(prompt)) {
    refused = std::move(odd);
  } else if (Has(prompt, "none")) {
    refused = ConsentRequired("Prompt 'none' was requested, but no previous consent was found.");
  } else if (const std::string hinted = SubjectOf(flow.request().id_token_hint_claims());
             !hinted.empty() && hinted != login.subject()) {
    refused = LoginRequired(
        "Failed to validate OpenID Connect request because provided id token from id_token_hint "
        "does not match the current session.");
  }
  if (refused.has_value()) {
    ASSIGN_OR_RETURN(const bool answered, store_.Answer(visit.app, verifier, Stage::kHasLogin));
    if (!answered) refused = AccessDenied("The login verifier is invalid.");
    return Refuse(parsed, *refused);
  }
  const std::string challenge = NewFlowSecret();
  const std::string csrf = NewFlowSecret();
  ASSIGN_OR_RETURN(const bool used, store_.UseLoginVerifier(visit.app, verifier, challenge, csrf));
  if (!used) return Refuse(parsed, AccessDenied("The login verifier is invalid."));
  v1::AuthorizeResponse response =
      RedirectTo(StrCat("{apiDomain}/oauth/consent?consent_challenge=", challenge, "&"));
  response.add_set_cookies(
      FormatCookie({.name = ConsentCsrfCookieName(visit.client.client_id(), visit.secure),
                    .value = csrf,
                    .max_age_s = kFlowLifetimeS,
                    .secure = visit.secure},
                   now_ms));
  if (!flow.request().subject().empty()) return response;  // it was remembered, and stays so
  if (const auto cookie = FindCookie(cookies, SessionCookieName(visit.secure))) {
    RETURN_IF_ERROR(store_.ForgetLogin(visit.app, *cookie));
  }
  if (!login.remember()) {
    response.add_set_cookies(FormatCookie(no_session, now_ms));
    return response;
  }
  CookieLine session = {.name = SessionCookieName(visit.secure),
                        .value = NewFlowSecret(),
                        .max_age_s = std::nullopt,
                        .secure = visit.secure};
  int64_t lifetime_s = kLongestLoginS;
  if (login.remember_for_s() > 0) {
    lifetime_s = std::min(login.remember_for_s(), kLongestLoginS);
    session.max_age_s = lifetime_s;
  }
  RETURN_IF_ERROR(store_.RememberLogin(visit.app, session.value,
                                       {.session_id = flow.request().session_id(),
                                        .subject = login.subject(),
                                        .authenticated_at_ms = login.authenticated_at_ms(),
                                        .expires_at_ms = now_ms + lifetime_s * 1000}));
  response.add_set_cookies(FormatCookie(session, now_ms));
  return response;
}

absl::StatusOr<v1::AuthorizeResponse> Authorization::AnswerClient(const Visit& visit,
                                                                  const std::string& verifier) {
  ASSIGN_OR_RETURN(const auto found, store_.FindByVerifier(visit.app, verifier));
  const auto used_already = [&] {
    return Refuse(visit.parsed, AccessDenied("The consent verifier has already been used."));
  };
  if (found.has_value() && found->stage == Stage::kAnswered) return used_already();
  if (!found.has_value() || found->stage != Stage::kHasConsent) {
    return Refuse(visit.parsed, AccessDenied("The consent verifier has already been used, has not "
                                             "been granted, or is invalid."));
  }
  if (found->client_id != visit.client.client_id()) return Refuse(visit.parsed, OtherClient());
  if (found->expires_at_ms <= clock_.NowMs()) {
    return Refuse(visit.parsed,
                  RequestUnauthorized("The consent request has expired. Please try again."));
  }
  if (auto refused =
          CheckCsrf(visit.request.cookies(), ConsentCsrfCookieName(found->client_id, visit.secure),
                    found->csrf_hash)) {
    return Refuse(visit.parsed, *refused);
  }
  ASSIGN_OR_RETURN(const bool answered, store_.Answer(visit.app, verifier, Stage::kHasConsent));
  if (!answered) return used_already();
  return Grant(visit, found->flow);
}

absl::StatusOr<v1::AuthorizeResponse> Authorization::Grant(const Visit& visit,
                                                           const v1::Flow& flow) {
  Parameters parameters;
  ParsedRequest parsed;
  if (auto refused = ParseStored(visit, flow, parameters, parsed)) {
    return Refuse(parsed, *refused);
  }
  const v1::ConsentDecision& consent = flow.consent();
  if (consent.has_refused()) return Refuse(parsed, consent.refused());
  const std::vector<std::string> scopes(consent.scopes().begin(), consent.scopes().end());
  if (auto refused = CheckGrantedRequest(parameters, visit.client, parsed, scopes)) {
    return Refuse(parsed, *refused);
  }
  if (parsed.by_form) {
    return Refuse(parsed, UnsupportedResponseMode("A form can't be answered here."));
  }
  const bool code = parsed.Wants("code");
  const bool token = parsed.Wants("token");
  const bool id_token = parsed.Wants("id_token") && Has(scopes, "openid");
  v1::Grant grant = GrantOf(flow, parameters, visit.client);
  std::multimap<std::string, std::string> answer = {{"state", parsed.state}};
  v1::AuthorizeResponse gone;
  gone.set_client_not_found(true);
  std::string new_code;
  if (code) {
    new_code = NewCode();
    grant.set_hybrid(!parsed.only_code());
    if (grant.hybrid()) grant.set_c_hash(HalfHash(new_code));
    answer.emplace("code", new_code);
  }
  if (token || id_token) {
    TokenOptions options = {.issuer = visit.request.issuer(),
                            .use_dynamic_key = visit.request.use_dynamic_key()};
    if (options.issuer.empty()) {
      v1::AuthorizeResponse response;
      *response.mutable_refused() = InvalidRequest("The issuer of the tokens is missing.");
      return response;
    }
    if (visit.request.has_access_token_claims()) {
      options.access_token_claims = visit.request.access_token_claims();
    }
    if (visit.request.has_id_token_claims()) {
      options.id_token_claims = visit.request.id_token_claims();
    }
    ASSIGN_OR_RETURN(const std::optional<SignedTokens> tokens,
                     tokens_.IssueToBrowser(visit.context, visit.app, visit.client, grant, options,
                                            token, id_token));
    if (!tokens.has_value()) return gone;
    if (token) {
      answer.emplace("access_token", tokens->access_token);
      answer.emplace("expires_in", std::to_string(tokens->lifetime_s));
      answer.emplace("token_type", "bearer");
    }
    if (id_token) answer.emplace("id_token", tokens->id_token);
  }
  if (token || parsed.only_code()) answer.emplace("scope", JoinWords(scopes));
  if (code) {
    ASSIGN_OR_RETURN(const bool added, store_.AddCode(visit.app, CodeWithoutPrefix(new_code), grant,
                                                      clock_.NowMs() + kCodeLifetimeS * 1000));
    if (!added) return gone;
  }
  return RedirectTo(AnswerTo(parsed, answer));
}

}  // namespace gatehouse::oauth
