#pragma once

// The JSON forms of what a browser's `navigator.credentials` gives (WebAuthn Level 3, 5.1.8.1):
// RegistrationResponseJSON and AuthenticationResponseJSON.

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "libs/base/json.h"

namespace gatehouse::webauthn {

// Errors are InvalidArgument, with a text for the client; BAD_INPUT without any response.

// What both have.
struct CredentialHead {
  std::string id;      // as the client wrote it: base64url
  std::string raw_id;  // decoded; of `id`
};
absl::StatusOr<CredentialHead> ReadCredentialHead(const json::Value& credential);

struct RegistrationResponse {
  std::string client_data;         // JSON
  std::string attestation_object;  // CBOR
  std::string transports;          // a JSON array of strings, as it is stored
};
absl::StatusOr<RegistrationResponse> ReadRegistrationResponse(const json::Value& credential);

struct AssertionResponse {
  std::string client_data;  // JSON
  std::string authenticator_data;
  std::string signature;
  bool has_raw_id = false;
  std::string raw_id;  // decoded
};
absl::StatusOr<AssertionResponse> ReadAssertionResponse(const json::Value& credential);

}  // namespace gatehouse::webauthn
