#pragma once

// The W3C's test vectors as this server's rules take them; for tests.

#include <iterator>
#include <string>
#include <string_view>

#include "libs/base/json.h"
#include "libs/crypto/bytes.h"
#include "services/webauthn/ceremony.h"
#include "services/webauthn/w3c_vectors.h"

namespace gatehouse::webauthn {

inline std::string FromHex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

inline const W3cVector& Vector(std::string_view name) {
  for (const W3cVector& vector : kW3cVectors) {
    if (name == vector.name) return vector;
  }
  return kW3cVectors[0];
}

inline Expectation Expected(const char* challenge) {
  return {FromHex(challenge), "https://example.org", "example.org", false, false};
}

inline std::string Base64Url(const char* hex) { return crypto::Base64UrlEncode(FromHex(hex)); }

inline json::Value RegistrationJson(const W3cVector& vector) {
  return json::Value::Object(
      {{"id", Base64Url(vector.credential_id)},
       {"rawId", Base64Url(vector.credential_id)},
       {"type", "public-key"},
       {"clientExtensionResults", json::Value::Object()},
       {"response",
        json::Value::Object({{"clientDataJSON", Base64Url(vector.registration_client_data)},
                             {"attestationObject", Base64Url(vector.attestation_object)},
                             {"transports", json::Value::Array({"internal", "hybrid"})}})}});
}

inline json::Value AssertionJson(const W3cVector& vector) {
  return json::Value::Object(
      {{"id", Base64Url(vector.credential_id)},
       {"rawId", Base64Url(vector.credential_id)},
       {"type", "public-key"},
       {"clientExtensionResults", json::Value::Object()},
       {"response",
        json::Value::Object({{"clientDataJSON", Base64Url(vector.client_data)},
                             {"authenticatorData", Base64Url(vector.authenticator_data)},
                             {"signature", Base64Url(vector.signature)}})}});
}

inline absl::StatusOr<Registration> Register(const Expectation& expected,
                                             const json::Value& credential) {
  const auto head = ReadCredentialHead(credential);
  if (!head.ok()) return head.status();
  const auto response = ReadRegistrationResponse(credential);
  if (!response.ok()) return response.status();
  return VerifyRegistration(expected, *head, *response);
}

inline absl::StatusOr<uint32_t> Assert(const Expectation& expected, const std::string& attested,
                                       int64_t counter, const json::Value& credential) {
  const auto head = ReadCredentialHead(credential);
  if (!head.ok()) return head.status();
  const auto response = ReadAssertionResponse(credential);
  if (!response.ok()) return response.status();
  return VerifyAssertion(expected, attested, counter, *head, *response);
}

}  // namespace gatehouse::webauthn
