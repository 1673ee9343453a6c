#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gatehouse::saml {

// Checks that a client's identity provider may fail.
struct Leniencies {
  bool any_request = false;
  bool any_destination = false;
  bool weak_algorithms = false;
  bool clock_drift = false;
};

// A row of saml_clients, with what gatehouse_saml_clients has beside it.
struct Client {
  std::string client_id;
  // When it was first put: with its id, which client of this name it is.
  int64_t created_ms = 0;
  std::optional<std::string> client_secret;
  std::string sso_location;
  std::string redirect_uris_json;  // a JSON array
  std::string default_redirect_uri;
  std::string idp_entity_id;
  std::vector<std::string> idp_signing_certificates;  // base64; the first is the original's
  bool allow_idp_initiated_login = false;
  bool enable_request_signing = false;
  // Where responses that answer no login may be addressed to; empty: anywhere.
  std::vector<std::string> acs_urls;
  Leniencies leniencies;
  // Requests are signed by parameters of the redirect instead of within.
  bool sign_in_query = false;
  // sso_location takes requests by the POST binding instead of redirects.
  bool post_requests = false;
};

}  // namespace gatehouse::saml
