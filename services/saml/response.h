#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "libs/base/json.h"
#include "libs/crypto/rsa_key.h"
#include "services/saml/client.h"
#include "services/saml/xml_document.h"

namespace gatehouse::saml {

// What a response must be to be believed.
struct Expectations {
  std::string idp_entity_id;
  std::vector<std::string> certificates_der;  // the provider's
  std::string audience;                       // our entity id
  // The ID of the request that it answers; nullopt: of none, the provider began.
  std::optional<std::string> request_id;
  // Where it may be addressed to; empty: that is not known.
  std::vector<std::string> acs_urls;
  Leniencies leniencies;
  int64_t now_ms = 0;
  // Ours, for what is encrypted; null: nothing can be read that is.
  std::shared_ptr<const crypto::RsaKeyPair> decryption_key;
};

struct VerifiedAssertion {
  std::string id;
  // Name -> array of strings, as saml_claims has it: NameID and NameIDFormat, then attributes.
  json::Value claims;
  // After this the checks of its times would fail anyway.
  int64_t acceptable_until_ms = 0;
};

// Reads a response as it is posted, from the base64 of its XML, without believing it. Fails with a
// Check for which IsMalformed is true.
absl::StatusOr<XmlDocument> ReadResponse(std::string_view base64);

// Who says that the response is theirs; "" if nobody.
std::string ClaimedIssuer(const XmlDocument& response);

// All checks but that for replays. What is returned comes from below an element that the provider
// has signed, as it was sent or as it was encrypted. The signature of a response is verified before
// anything in it is decrypted. Fails with a Check.
absl::StatusOr<VerifiedAssertion> VerifyResponse(const XmlDocument& response,
                                                 const Expectations& expected);

}  // namespace gatehouse::saml
