#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace gatehouse::saml {

// What a client needs of its identity provider's metadata.
struct IdpMetadata {
  std::string entity_id;
  // Where requests go, by the redirect and by the POST binding; one of them may be empty.
  std::string redirect_location;
  std::string post_location;
  // Base64 of DER without white space, those for signing alone first; at least one.
  std::vector<std::string> signing_certificates;
};

// Reads an EntityDescriptor. Invalid UTF-8 becomes U+FFFD. Fails with a Check.
absl::StatusOr<IdpMetadata> ReadIdpMetadata(std::string_view xml);

// The DER of a certificate as metadata has it: base64 of DER, or of a PEM file.
absl::StatusOr<std::string> CertificateDer(std::string_view base64);

}  // namespace gatehouse::saml
