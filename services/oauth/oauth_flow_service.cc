#include "services/oauth/oauth_flow_service.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/crypto/digest.h"
#include "services/oauth/oauth_errors.h"

namespace gatehouse::oauth {
namespace {

template <typename Response>
Response Refused(v1::OAuthError error) {
  Response response;
  *response.mutable_refused() = std::move(error);
  return response;
}

template <typename Response>
Response Redirect(std::optional<std::string> address) {
  if (!address.has_value()) return Refused<Response>(NotFound());
  Response response;
  response.set_redirect_to(*std::move(address));
  return response;
}

// The error if the request is not there to be decided.
std::optional<v1::OAuthError> CheckPending(const Authorization::Pending& pending) {
  if (!pending.flow.has_value()) return NotFound();
  return pending.refused;
}

// What the client is told, in the words of the page.
v1::OAuthError ErrorOf(const v1::Rejection& rejection, std::string_view otherwise) {
  v1::OAuthError error;
  error.set_error(rejection.error().empty() ? std::string(otherwise) : rejection.error());
  error.set_description(rejection.description());
  if (!rejection.hint().empty()) {
    error.set_description(StrCat(rejection.description(), " ", rejection.hint()));
  }
  error.set_status_code(400);
  return error;
}

v1::PageRequest PageOf(const std::string& challenge, const v1::Flow& flow,
                       const v1::Client& client) {
  v1::PageRequest page;
  page.set_challenge(challenge);
  *page.mutable_scopes() = flow.request().scopes();
  *page.mutable_audience() = flow.request().audience();
  page.set_skip(!flow.request().subject().empty());
  page.set_subject(flow.request().subject());
  *page.mutable_parameters() = flow.request().parameters();
  page.set_id_token_hint_claims(flow.request().id_token_hint_claims());
  *page.mutable_client() = client;
  page.set_session_id(flow.request().session_id());
  return page;
}

template <typename Words>
std::optional<std::string> FirstBeyond(const Words& granted, const Words& requested) {
  for (const std::string& word : granted) {
    if (std::find(requested.begin(), requested.end(), word) == requested.end()) return word;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<v1::AuthorizeResponse> OAuthFlowServiceImpl::Authorize(
    rpc::CallContext& context, const v1::AuthorizeRequest& request) {
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  const Where where = {app, context.deadline};
  const auto client_id = request.parameters().find("client_id");
  if (client_id == request.parameters().end()) {
    v1::OAuthError error = InvalidClient("The requested OAuth 2.0 Client does not exist.");
    error.set_status_code(400);
    return Refused<v1::AuthorizeResponse>(std::move(error));
  }
  ASSIGN_OR_RETURN(const std::optional<v1::Client> client, clients_.Find(where, client_id->second));
  if (!client.has_value()) {
    v1::AuthorizeResponse response;
    response.set_client_not_found(true);
    return response;
  }
  return rules_.Authorize(context, where, *client, request);
}

absl::StatusOr<v1::GetLoginRequestResponse> OAuthFlowServiceImpl::GetLoginRequest(
    rpc::CallContext& context, const v1::GetLoginRequestRequest& request) {
  using Response = v1::GetLoginRequestResponse;
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  const Where where = {app, context.deadline};
  ASSIGN_OR_RETURN(const auto pending, rules_.FindLogin(where, request.challenge()));
  if (auto refused = CheckPending(pending)) return Refused<Response>(*std::move(refused));
  ASSIGN_OR_RETURN(const std::optional<v1::Client> client,
                   clients_.Find(where, pending.flow->client_id));
  if (!client.has_value()) return Refused<Response>(NotFound());
  Response response;
  *response.mutable_request() = PageOf(request.challenge(), pending.flow->flow, *client);
  return response;
}

absl::StatusOr<v1::AcceptLoginResponse> OAuthFlowServiceImpl::AcceptLogin(
    rpc::CallContext& context, const v1::AcceptLoginRequest& request) {
  using Response = v1::AcceptLoginResponse;
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  const Where where = {app, context.deadline};
  if (request.subject().empty()) {
    return Refused<Response>(InvalidRequest("Field 'subject' must not be empty."));
  }
  ASSIGN_OR_RETURN(const auto pending, rules_.FindLogin(where, request.challenge()));
  if (auto refused = CheckPending(pending)) return Refused<Response>(*std::move(refused));
  v1::LoginDecision decision;
  decision.set_subject(request.subject());
  decision.set_acr(request.acr());
  *decision.mutable_amr() = request.amr();
  decision.set_context(request.context());
  decision.set_remember(request.remember());
  decision.set_remember_for_s(request.remember_for_s());
  ASSIGN_OR_RETURN(auto address,
                   rules_.DecideLogin(where, request.challenge(), pending.flow->flow, decision));
  return Redirect<Response>(std::move(address));
}

absl::StatusOr<v1::RejectLoginResponse> OAuthFlowServiceImpl::RejectLogin(
    rpc::CallContext& context, const v1::RejectLoginRequest& request) {
  using Response = v1::RejectLoginResponse;
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  const Where where = {app, context.deadline};
  ASSIGN_OR_RETURN(const auto pending, rules_.FindLogin(where, request.challenge()));
  if (auto refused = CheckPending(pending)) return Refused<Response>(*std::move(refused));
  v1::LoginDecision decision;
  *decision.mutable_refused() = ErrorOf(request.rejection(), "login request denied");
  ASSIGN_OR_RETURN(auto address,
                   rules_.DecideLogin(where, request.challenge(), pending.flow->flow, decision));
  return Redirect<Response>(std::move(address));
}

absl::StatusOr<v1::GetConsentRequestResponse> OAuthFlowServiceImpl::GetConsentRequest(
    rpc::CallContext& context, const v1::GetConsentRequestRequest& request) {
  using Response = v1::GetConsentRequestResponse;
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  const Where where = {app, context.deadline};
  ASSIGN_OR_RETURN(const auto pending, rules_.FindConsent(where, request.challenge()));
  if (auto refused = CheckPending(pending)) return Refused<Response>(*std::move(refused));
  ASSIGN_OR_RETURN(const std::optional<v1::Client> client,
                   clients_.Find(where, pending.flow->client_id));
  if (!client.has_value()) return Refused<Response>(NotFound());
  Response response;
  v1::PageRequest& page = *response.mutable_request();
  const v1::Flow& flow = pending.flow->flow;
  page = PageOf(request.challenge(), flow, *client);
  // Consents are not remembered.
  page.set_skip(false);
  page.set_subject(flow.login().subject());
  // A name for the login that is no secret.
  page.set_login_challenge_id(
      crypto::Sha256Hex(StrCat("login of ", request.challenge())).substr(0, 32));
  page.set_acr(flow.login().acr());
  *page.mutable_amr() = flow.login().amr();
  page.set_context(flow.login().context());
  return response;
}

absl::StatusOr<v1::AcceptConsentResponse> OAuthFlowServiceImpl::AcceptConsent(
    rpc::CallContext& context, const v1::AcceptConsentRequest& request) {
  using Response = v1::AcceptConsentResponse;
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  const Where where = {app, context.deadline};
  ASSIGN_OR_RETURN(const auto pending, rules_.FindConsent(where, request.challenge()));
  if (auto refused = CheckPending(pending)) return Refused<Response>(*std::move(refused));
  const v1::AuthorizationRequest& asked = pending.flow->flow.request();
  if (const auto scope = FirstBeyond(request.granted_scopes(), asked.scopes())) {
    return Refused<Response>(
        InvalidScope(StrCat("The client has not requested scope '", *scope, "'.")));
  }
  if (const auto one = FirstBeyond(request.granted_audience(), asked.audience())) {
    return Refused<Response>(
        InvalidRequest(StrCat("The client has not requested audience '", *one, "'.")));
  }
  v1::ConsentDecision decision;
  *decision.mutable_scopes() = request.granted_scopes();
  *decision.mutable_audience() = request.granted_audience();
  decision.set_issuer(request.issuer());
  decision.set_tenant_id(request.tenant_id());
  decision.set_recipe_user_id(request.recipe_user_id());
  decision.set_session_handle(request.session_handle());
  decision.set_access_token_claims(request.access_token_claims());
  decision.set_id_token_claims(request.id_token_claims());
  ASSIGN_OR_RETURN(auto address,
                   rules_.DecideConsent(where, request.challenge(), pending.flow->flow, decision));
  return Redirect<Response>(std::move(address));
}

absl::StatusOr<v1::RejectConsentResponse> OAuthFlowServiceImpl::RejectConsent(
    rpc::CallContext& context, const v1::RejectConsentRequest& request) {
  using Response = v1::RejectConsentResponse;
  ASSIGN_OR_RETURN(tenancy::TenantPtr app, directory_.FindApp(request.scope(), context.deadline));
  const Where where = {app, context.deadline};
  ASSIGN_OR_RETURN(const auto pending, rules_.FindConsent(where, request.challenge()));
  if (auto refused = CheckPending(pending)) return Refused<Response>(*std::move(refused));
  v1::ConsentDecision decision;
  *decision.mutable_refused() = ErrorOf(request.rejection(), "consent request denied");
  ASSIGN_OR_RETURN(auto address,
                   rules_.DecideConsent(where, request.challenge(), pending.flow->flow, decision));
  return Redirect<Response>(std::move(address));
}

}  // namespace gatehouse::oauth
