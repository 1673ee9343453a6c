#pragma once

// The checks of a ceremony (WebAuthn Level 3, 7.1 and 7.2), on what a client sent and what this
// server expected. Pure functions, thread-safe.

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "libs/base/json.h"
#include "services/webauthn/credential_json.h"

namespace gatehouse::webauthn {

// What the options of a ceremony demand.
struct Expectation {
  std::string challenge;  // decoded
  std::string origin;
  std::string rp_id;
  bool needs_user_presence = false;
  bool needs_user_verification = false;
};

// Errors: InvalidArgument, it is not well formed; PermissionDenied, it is not what was expected, or
// the signature is wrong. Texts are for the client and repeat nothing of what it sent.

struct Registration {
  std::string credential_id;  // decoded
  std::string attested;       // attested credential data, as it came: what is stored
  std::string transports;     // JSON
  uint32_t counter = 0;
};
absl::StatusOr<Registration> VerifyRegistration(const Expectation& expected,
                                                const CredentialHead& head,
                                                const RegistrationResponse& response);

// `attested`: what was stored of the credential, and its counter. Returns the new counter.
absl::StatusOr<uint32_t> VerifyAssertion(const Expectation& expected, const std::string& attested,
                                         int64_t counter, const CredentialHead& head,
                                         const AssertionResponse& response);

}  // namespace gatehouse::webauthn
