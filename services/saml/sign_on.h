#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "absl/status/statusor.h"
#include "libs/base/clock.h"
#include "libs/rpc/service.h"
#include "libs/tenancy/where.h"
#include "services/saml/client.h"
#include "services/saml/pg_client_store.h"
#include "services/saml/pg_login_store.h"
#include "services/saml/service_keys.h"

namespace gatehouse::saml {

// A login as a client begins it.
struct LoginRequest {
  std::string client_id;
  std::string redirect_uri;
  std::optional<std::string> acs_url;  // nullopt: saml_legacy_acs_url
  std::optional<std::string> state;
};

// A request to an identity provider that the browser posts (SAML 2.0 Bindings, 3.5).
struct LoginForm {
  std::string action;
  std::string saml_request;  // base64
};

// Why a response makes no code.
enum class Refusal { kInvalidRelayState, kInvalidClient, kIdpLoginDisallowed, kVerificationFailed };

// The web browser SSO profile of SAML 2.0, as a service provider. Thread-safe.
class SignOn {
 public:
  // All but `leniencies`, which every client has, and `public_url`, gatehouse_saml_public_url,
  // outlive this.
  SignOn(PgClientStore& clients, PgLoginStore& logins, ServiceKeys& keys, const Clock& clock,
         const Leniencies& leniencies, std::string public_url)
      : clients_(clients),
        logins_(logins),
        keys_(keys),
        clock_(clock),
        leniencies_(leniencies),
        public_url_(std::move(public_url)) {}

  // Whether browsers can be had to post requests.
  bool CanPost() const { return !public_url_.empty(); }

  // Where to send the browser; nullopt when the client is unknown, or the redirect URI none of its
  // own. kBadInput when the URL for the response can't be used.
  absl::StatusOr<std::optional<std::string>> Start(rpc::CallContext& context,
                                                   const tenancy::TenantPtr& tenant,
                                                   const LoginRequest& request);

  // What the browser posts for a login whose client is asked so; nullopt when there is no such
  // login, or it has expired. The same each time.
  absl::StatusOr<std::optional<LoginForm>> Form(rpc::CallContext& context,
                                                const tenancy::TenantPtr& tenant,
                                                std::string_view relay_state);

  // Where the browser goes with its code. kBadInput for what is no response.
  absl::StatusOr<std::variant<std::string, Refusal>> Finish(
      rpc::CallContext& context, const tenancy::TenantPtr& tenant, std::string_view saml_response,
      const std::optional<std::string>& relay_state);

  // What a code stands for. nullopt: nothing, or another client's, which uses the code up.
  absl::StatusOr<std::optional<Code>> Exchange(const Where& tenant, std::string_view code,
                                               std::string_view client_id);

 private:
  // The request of a login, with the key that signed it, or is to sign its parameters.
  struct WrittenRequest {
    std::string xml;
    std::shared_ptr<const ServiceKey> key;  // null: requests are not signed
  };
  absl::StatusOr<WrittenRequest> WriteRequest(rpc::CallContext& context,
                                              const tenancy::Tenant& tenant, const Client& client,
                                              const Login& login);

  PgClientStore& clients_;
  PgLoginStore& logins_;
  ServiceKeys& keys_;
  const Clock& clock_;
  const Leniencies leniencies_;
  const std::string public_url_;
};

}  // namespace gatehouse::saml
