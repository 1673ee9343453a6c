#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "services/saml/xml_signature.h"

namespace gatehouse::saml {

// A request to an identity provider to sign somebody in.
struct AuthnRequest {
  std::string id;
  std::string issuer;       // our entity id
  std::string destination;  // where the provider takes it
  std::string acs_url;      // where the response is to be posted; empty: the provider knows
  int64_t issued_ms = 0;
};

// The request as XML; with an enveloped signature unless `key` is null. Fails with kWellFormed when
// a text has characters that no XML can hold.
absl::StatusOr<std::string> WriteAuthnRequest(const AuthnRequest& request, const SigningKey* key);

// The value of SAMLRequest in a redirect: deflated, in base64, not yet encoded for the query.
std::string DeflateForRedirect(std::string_view xml);

// Our own metadata. `for_encryption`: the key is named as one to encrypt for too, which providers
// then do without being asked.
std::string WriteServiceMetadata(std::string_view entity_id, std::string_view certificate_base64,
                                 int64_t valid_until_ms, bool for_encryption);

}  // namespace gatehouse::saml
