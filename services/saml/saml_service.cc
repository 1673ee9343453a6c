#include "services/saml/saml_service.h"

#include <string>
#include <utility>

#include "libs/activity/activity_log.h"
#include "libs/base/json.h"
#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/crypto/bytes.h"
#include "services/saml/assertion_claims.h"
#include "services/saml/authn_request.h"
#include "services/saml/check.h"
#include "services/saml/metadata.h"

namespace gatehouse::saml {
namespace {

using tenancy::TenantPtr;

Leniencies ReadLeniencies(const v1::PutClientRequest& request) {
  Leniencies leniencies;
  for (const int one : request.leniencies()) {
    leniencies.any_request |= one == v1::LENIENCY_ANY_REQUEST;
    leniencies.any_destination |= one == v1::LENIENCY_ANY_DESTINATION;
    leniencies.weak_algorithms |= one == v1::LENIENCY_WEAK_ALGORITHMS;
    leniencies.clock_drift |= one == v1::LENIENCY_CLOCK_DRIFT;
  }
  return leniencies;
}

void Encode(const Client& client, v1::Client& out) {
  out.set_client_id(client.client_id);
  if (client.client_secret.has_value()) out.set_client_secret(*client.client_secret);
  out.set_default_redirect_uri(client.default_redirect_uri);
  out.set_redirect_uris_json(client.redirect_uris_json);
  out.set_idp_entity_id(client.idp_entity_id);
  out.set_idp_signing_certificate(client.idp_signing_certificates.front());
  out.set_allow_idp_initiated_login(client.allow_idp_initiated_login);
  out.set_enable_request_signing(client.enable_request_signing);
  if (client.leniencies.any_request) out.add_leniencies(v1::LENIENCY_ANY_REQUEST);
  if (client.leniencies.any_destination) out.add_leniencies(v1::LENIENCY_ANY_DESTINATION);
  if (client.leniencies.weak_algorithms) out.add_leniencies(v1::LENIENCY_WEAK_ALGORITHMS);
  if (client.leniencies.clock_drift) out.add_leniencies(v1::LENIENCY_CLOCK_DRIFT);
  for (const std::string& url : client.acs_urls) out.add_acs_urls(url);
  out.set_sign_in_query(client.sign_in_query);
  out.set_post_requests(client.post_requests);
}

// `failure`: the Check that refused it.
absl::Status BadMetadata(const absl::Status& failure) {
  return BadInput(Problem::kMalformed, "metadataXML does not have a valid SAML metadata",
                  {{"field", "metadataXML"}, {"check", std::string(failure.message())}});
}

v1::FinishLoginResponse::Refusal Encode(Refusal refusal) {
  switch (refusal) {
    case Refusal::kInvalidRelayState:
      return v1::FinishLoginResponse::REFUSAL_INVALID_RELAY_STATE;
    case Refusal::kInvalidClient:
      return v1::FinishLoginResponse::REFUSAL_INVALID_CLIENT;
    case Refusal::kIdpLoginDisallowed:
      return v1::FinishLoginResponse::REFUSAL_IDP_LOGIN_DISALLOWED;
    case Refusal::kVerificationFailed:
      break;
  }
  return v1::FinishLoginResponse::REFUSAL_VERIFICATION_FAILED;
}

}  // namespace

absl::StatusOr<v1::PutClientResponse> SamlServiceImpl::PutClient(
    rpc::CallContext& context, const v1::PutClientRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  auto metadata = ReadIdpMetadata(request.metadata_xml());
  if (!metadata.ok()) return BadMetadata(metadata.status());
  if (request.post_requests() && !sign_on_.CanPost()) {
    return BadInput(Problem::kMalformed, "requestBinding POST needs gatehouse_saml_public_url",
                    {{"field", "requestBinding"}});
  }
  Client client;
  // By redirects, unless there is no other way.
  client.post_requests = request.post_requests() ||
                         (metadata->redirect_location.empty() && sign_on_.CanPost());
  client.sso_location =
      std::move(client.post_requests ? metadata->post_location : metadata->redirect_location);
  if (client.sso_location.empty()) return BadMetadata(Failed(Check::kSingleSignOn));
  client.client_id =
      request.has_client_id() ? request.client_id() : StrCat("st_saml_", crypto::NewUuid4());
  if (request.has_client_secret()) client.client_secret = request.client_secret();
  client.redirect_uris_json = request.redirect_uris_json();
  client.default_redirect_uri = request.default_redirect_uri();
  client.idp_entity_id = std::move(metadata->entity_id);
  client.idp_signing_certificates = std::move(metadata->signing_certificates);
  client.allow_idp_initiated_login = request.allow_idp_initiated_login();
  client.enable_request_signing = request.enable_request_signing();
  client.leniencies = ReadLeniencies(request);
  client.acs_urls = {request.acs_urls().begin(), request.acs_urls().end()};
  client.sign_in_query = request.sign_in_query();
  ASSIGN_OR_RETURN(const bool stored,
                   clients_.Put({tenant, context.deadline}, client, clock_.NowMs()));
  v1::PutClientResponse response;
  if (stored) {
    Encode(client, *response.mutable_client());
  } else {
    response.set_duplicate_idp_entity(true);
  }
  return response;
}

absl::StatusOr<v1::ListClientsResponse> SamlServiceImpl::ListClients(
    rpc::CallContext& context, const v1::ListClientsRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const std::vector<Client> clients, clients_.List({tenant, context.deadline}));
  v1::ListClientsResponse response;
  for (const Client& client : clients) Encode(client, *response.add_clients());
  return response;
}

absl::StatusOr<v1::RemoveClientResponse> SamlServiceImpl::RemoveClient(
    rpc::CallContext& context, const v1::RemoveClientRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const bool existed,
                   clients_.Remove({tenant, context.deadline}, request.client_id()));
  v1::RemoveClientResponse response;
  response.set_existed(existed);
  return response;
}

absl::StatusOr<v1::StartLoginResponse> SamlServiceImpl::StartLogin(
    rpc::CallContext& context, const v1::StartLoginRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  LoginRequest login;
  login.client_id = request.client_id();
  login.redirect_uri = request.redirect_uri();
  if (request.has_acs_url()) login.acs_url = request.acs_url();
  if (request.has_state()) login.state = request.state();
  ASSIGN_OR_RETURN(const auto target, sign_on_.Start(context, tenant, login));
  v1::StartLoginResponse response;
  if (target.has_value()) {
    response.set_sso_redirect_uri(*target);
  } else {
    response.set_invalid_client(true);
  }
  return response;
}

absl::StatusOr<v1::GetLoginFormResponse> SamlServiceImpl::GetLoginForm(
    rpc::CallContext& context, const v1::GetLoginFormRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const auto form, sign_on_.Form(context, tenant, request.relay_state()));
  v1::GetLoginFormResponse response;
  if (form.has_value()) {
    response.mutable_form()->set_action(form->action);
    response.mutable_form()->set_saml_request(form->saml_request);
  } else {
    response.set_invalid_relay_state(true);
  }
  return response;
}

absl::StatusOr<v1::FinishLoginResponse> SamlServiceImpl::FinishLogin(
    rpc::CallContext& context, const v1::FinishLoginRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  std::optional<std::string> relay_state;
  if (request.has_relay_state()) relay_state = request.relay_state();
  ASSIGN_OR_RETURN(const auto outcome, sign_on_.Finish(context, tenant, request.saml_response(),
                                                       relay_state));
  v1::FinishLoginResponse response;
  if (const auto* refusal = std::get_if<Refusal>(&outcome)) {
    response.set_refusal(Encode(*refusal));
    return response;
  }
  activities_.Add(*tenant, {.event_type = "saml_callback"});
  response.set_redirect_uri(std::get<std::string>(outcome));
  return response;
}

absl::StatusOr<v1::ExchangeCodeResponse> SamlServiceImpl::ExchangeCode(
    rpc::CallContext& context, const v1::ExchangeCodeRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(
      const std::optional<Code> code,
      sign_on_.Exchange({tenant, context.deadline}, request.code(), request.client_id()));
  v1::ExchangeCodeResponse response;
  if (!code.has_value()) {
    response.set_invalid_code(true);
    return response;
  }
  const auto claims = json::Parse(code->claims_json);
  if (!claims.ok()) return absl::InternalError("claims can't be read");
  const SamlUser user = UserOf(*claims);
  response.mutable_user()->set_claims_json(code->claims_json);
  if (user.sub.has_value()) response.mutable_user()->set_sub(*user.sub);
  if (user.email.has_value()) response.mutable_user()->set_email(*user.email);
  return response;
}

absl::StatusOr<v1::CheckClientSecretResponse> SamlServiceImpl::CheckClientSecret(
    rpc::CallContext& context, const v1::CheckClientSecretRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const std::optional<Client> client,
                   clients_.Find({tenant, context.deadline}, request.client_id()));
  v1::CheckClientSecretResponse response;
  response.set_client_found(client.has_value());
  response.set_secret_is_right(
      client.has_value() && client->client_secret.has_value() &&
      crypto::ConstantTimeEqual(*client->client_secret, request.client_secret()));
  return response;
}

absl::StatusOr<v1::GetServiceMetadataResponse> SamlServiceImpl::GetServiceMetadata(
    rpc::CallContext& context, const v1::GetServiceMetadataRequest& request) {
  ASSIGN_OR_RETURN(const TenantPtr tenant, directory_.Find(request.scope(), context.deadline));
  ASSIGN_OR_RETURN(const auto key, keys_.Of(context, *tenant));
  v1::GetServiceMetadataResponse response;
  response.set_metadata_xml(WriteServiceMetadata(
      tenant->config->saml_sp_entity_id(), key->signing.certificate_base64,
      key->certificate_ends_ms, request.for_encryption()));
  return response;
}

}  // namespace gatehouse::saml
