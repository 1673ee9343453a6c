#include "services/saml/sign_on.h"

#include <algorithm>
#include <utility>

#include "libs/base/json.h"
#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/crypto/bytes.h"
#include "libs/crypto/digest.h"
#include "libs/crypto/rsa_key.h"
#include "libs/telemetry/log.h"
#include "services/saml/authn_request.h"
#include "services/saml/check.h"
#include "services/saml/metadata.h"
#include "services/saml/redirect_uri.h"
#include "services/saml/response.h"
#include "services/saml/xml_document.h"
#include "services/saml/xml_encryption.h"

namespace gatehouse::saml {
namespace {

constexpr std::string_view kRsaSha256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";

constexpr std::string_view kFormPath = "/recipe/saml/login/form";

// What a path of the tenant's begins with.
std::string PathOf(const tenancy::Tenant& tenant) {
  std::string path;
  if (tenant.app_id != "public") path += StrCat("/appid-", tenant.app_id);
  if (tenant.tenant_id != "public") path += StrCat("/", tenant.tenant_id);
  return path;
}

bool Allows(const Client& client, std::string_view redirect_uri) {
  const auto uris = json::Parse(client.redirect_uris_json);
  if (!uris.ok()) return false;
  return std::any_of(uris->elements().begin(), uris->elements().end(),
                     [&](const json::Value& uri) { return uri.AsString() == redirect_uri; });
}

// For operators: clients hear nothing but that it failed. Without anything that the provider wrote.
void LogRefusal(const Where& tenant, std::string_view check) {
  telemetry::Log(telemetry::LogLevel::kWarn, "saml_response_refused",
                 {{"app", tenant.app_id()}, {"tenant", tenant.tenant_id()}, {"check", check}});
}

Expectations ExpectationsOf(const Client& client, const std::optional<Login>& login,
                            const Leniencies& everywhere, const tenancy::Tenant& tenant,
                            int64_t now_ms) {
  Expectations expected;
  expected.idp_entity_id = client.idp_entity_id;
  for (const std::string& certificate : client.idp_signing_certificates) {
    // One that a core of the original took may be none to us.
    if (auto der = CertificateDer(certificate); der.ok()) {
      expected.certificates_der.push_back(*std::move(der));
    }
  }
  expected.audience = tenant.config->saml_sp_entity_id();
  if (login.has_value()) {
    expected.request_id = login->request_id;
    expected.acs_urls = {login->acs_url};
  } else {
    expected.acs_urls = client.acs_urls;
  }
  const Leniencies& own = client.leniencies;
  expected.leniencies = {
      own.any_request || everywhere.any_request, own.any_destination || everywhere.any_destination,
      own.weak_algorithms || everywhere.weak_algorithms, own.clock_drift || everywhere.clock_drift};
  expected.now_ms = now_ms;
  return expected;
}

}  // namespace

absl::StatusOr<SignOn::WrittenRequest> SignOn::WriteRequest(rpc::CallContext& context,
                                                            const tenancy::Tenant& tenant,
                                                            const Client& client,
                                                            const Login& login) {
  WrittenRequest request;
  if (client.enable_request_signing) {
    ASSIGN_OR_RETURN(request.key, keys_.Of(context, tenant));
  }
  const bool sign_within =
      request.key != nullptr && (client.post_requests || !client.sign_in_query);
  auto xml = WriteAuthnRequest({.id = login.request_id,
                                .issuer = tenant.config->saml_sp_entity_id(),
                                .destination = client.sso_location,
                                .acs_url = login.acs_url,
                                .issued_ms = login.begun_ms},
                               sign_within ? &request.key->signing : nullptr);
  if (IsMalformed(xml.status())) {
    return BadInput(Problem::kMalformed, "acsURL can't be written in a request",
                    {{"field", "acsURL"}});
  }
  RETURN_IF_ERROR(xml.status());
  request.xml = *std::move(xml);
  return request;
}

absl::StatusOr<std::optional<std::string>> SignOn::Start(rpc::CallContext& context,
                                                         const tenancy::TenantPtr& tenant,
                                                         const LoginRequest& request) {
  const Where where = {tenant, context.deadline};
  ASSIGN_OR_RETURN(const std::optional<Client> client, clients_.Find(where, request.client_id));
  if (!client.has_value() || !Allows(*client, request.redirect_uri)) return std::nullopt;
  Login login;
  login.relay_state = crypto::NewUuid4();
  login.client_id = request.client_id;
  login.state = request.state;
  login.redirect_uri = request.redirect_uri;
  login.request_id = StrCat("_", crypto::NewUuid4());
  login.begun_ms = clock_.NowMs();
  if (request.acs_url.has_value()) {
    login.acs_url = std::string(TrimXml(*request.acs_url));
  } else if (const std::string* legacy = tenant->config->saml_legacy_acs_url()) {
    login.acs_url = *legacy;
  } else {
    return BadInput(Problem::kMissing, "saml_legacy_acs_url is not configured",
                    {{"field", "saml_legacy_acs_url"}});
  }
  ASSIGN_OR_RETURN(const WrittenRequest written, WriteRequest(context, *tenant, *client, login));
  RETURN_IF_ERROR(
      logins_.Begin(where, login, login.begun_ms + tenant->config->saml_relay_state_validity_ms()));
  if (client->post_requests) {
    return StrCat(public_url_, PathOf(*tenant), kFormPath, "?relayState=", login.relay_state);
  }
  std::string query = StrCat("SAMLRequest=", FormEncode(DeflateForRedirect(written.xml)),
                             "&RelayState=", login.relay_state);
  if (written.key != nullptr && client->sign_in_query) {
    // SAML 2.0 Bindings, 3.4.4.1: over these parameters as they are written here.
    query += StrCat("&SigAlg=", FormEncode(kRsaSha256));
    ASSIGN_OR_RETURN(const std::string signature, written.key->pair->SignSha256(query));
    query += StrCat("&Signature=", FormEncode(crypto::Base64Encode(signature)));
  }
  return WithQuery(client->sso_location, query);
}

absl::StatusOr<std::optional<LoginForm>> SignOn::Form(rpc::CallContext& context,
                                                      const tenancy::TenantPtr& tenant,
                                                      std::string_view relay_state) {
  const Where where = {tenant, context.deadline};
  ASSIGN_OR_RETURN(const std::optional<Login> login,
                   logins_.Find(where, relay_state, clock_.NowMs()));
  if (!login.has_value()) return std::nullopt;
  ASSIGN_OR_RETURN(const std::optional<Client> client, clients_.Find(where, login->client_id));
  if (!client.has_value() || !client->post_requests) return std::nullopt;
  ASSIGN_OR_RETURN(const WrittenRequest written, WriteRequest(context, *tenant, *client, *login));
  return LoginForm{client->sso_location, crypto::Base64Encode(written.xml)};
}

absl::StatusOr<std::variant<std::string, Refusal>> SignOn::Finish(
    rpc::CallContext& context, const tenancy::TenantPtr& tenant_ptr, std::string_view saml_response,
    const std::optional<std::string>& relay_state) {
  const Where tenant = {tenant_ptr, context.deadline};
  const auto response = ReadResponse(saml_response);
  if (IsMalformed(response.status())) {
    LogRefusal(tenant, std::string(response.status().message()));
    return BadInput(Problem::kMalformed, "Invalid or malformed SAML response input",
                    {{"field", "samlResponse"}});
  }
  RETURN_IF_ERROR(response.status());
  const int64_t now_ms = clock_.NowMs();
  std::optional<Login> login;
  std::optional<Client> client;
  if (relay_state.has_value() && !relay_state->empty()) {
    ASSIGN_OR_RETURN(login, logins_.Find(tenant, *relay_state, now_ms));
    if (!login.has_value()) return Refusal::kInvalidRelayState;
    ASSIGN_OR_RETURN(client, clients_.Find(tenant, login->client_id));
    if (!client.has_value()) return Refusal::kInvalidClient;
  } else {
    ASSIGN_OR_RETURN(client, clients_.FindByProvider(tenant, ClaimedIssuer(*response)));
    if (!client.has_value()) return Refusal::kInvalidClient;
    if (!client->allow_idp_initiated_login) return Refusal::kIdpLoginDisallowed;
  }
  Expectations expected = ExpectationsOf(*client, login, leniencies_, *tenant.tenant, now_ms);
  if (HasEncryption(*response)) {
    ASSIGN_OR_RETURN(const auto key, keys_.Of(context, *tenant.tenant));
    expected.decryption_key = key->pair;
  }
  const auto assertion = VerifyResponse(*response, expected);
  if (!assertion.ok()) {
    if (!absl::IsInvalidArgument(assertion.status())) return assertion.status();
    LogRefusal(tenant, std::string(assertion.status().message()));
    return Refusal::kVerificationFailed;
  }
  VerifiedLogin verified;
  if (login.has_value()) verified.relay_state = login->relay_state;
  verified.client_id = client->client_id;
  verified.client_created_ms = client->created_ms;
  verified.assertion_hash = crypto::Sha256Hex(StrCat(client->idp_entity_id, "\n", assertion->id));
  verified.assertion_until_ms = assertion->acceptable_until_ms;
  verified.code = crypto::NewUuid4();
  verified.claims_json = Serialize(assertion->claims);
  verified.code_until_ms = now_ms + tenant.tenant->config->saml_claims_validity_ms();
  const std::optional<std::string> target =
      RedirectWithCode(login.has_value() ? login->redirect_uri : client->default_redirect_uri,
                       verified.code, login.has_value() ? login->state : std::nullopt);
  if (!target.has_value()) {
    return BadInput(Problem::kMalformed, "The client's redirect URI is not valid",
                    {{"field", "redirectURI"}});
  }
  ASSIGN_OR_RETURN(const auto finished, logins_.Finish(tenant, verified, now_ms));
  switch (finished) {
    case PgLoginStore::Finished::kDone:
      return *target;
    case PgLoginStore::Finished::kUnknownLogin:
      return Refusal::kInvalidRelayState;
    case PgLoginStore::Finished::kUnknownClient:
      return Refusal::kInvalidClient;
    case PgLoginStore::Finished::kUsedAssertion:
      break;
  }
  LogRefusal(tenant, CheckName(Check::kReplay));
  return Refusal::kVerificationFailed;
}

absl::StatusOr<std::optional<Code>> SignOn::Exchange(const Where& tenant, std::string_view code,
                                                     std::string_view client_id) {
  ASSIGN_OR_RETURN(std::optional<Code> taken, logins_.TakeCode(tenant, code, clock_.NowMs()));
  if (taken.has_value() && taken->client_id != client_id) taken.reset();
  return taken;
}

}  // namespace gatehouse::saml
