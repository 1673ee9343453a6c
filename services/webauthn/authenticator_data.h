#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "services/webauthn/cose_key.h"

namespace gatehouse::webauthn {

// WebAuthn Level 3, 6.5.1: what a registration is about. It is stored as it came.
struct AttestedCredential {
  std::string_view bytes;  // aaguid, length of the id, id, key
  std::string_view id;     // at most 1023 bytes
  CoseKey key;
};

// Reads the beginning of `bytes`, which must outlive the result; its `bytes` say how far it goes.
// InvalidArgument for anything else.
absl::StatusOr<AttestedCredential> ReadAttestedCredential(std::string_view bytes);

// WebAuthn Level 3, 6.1.
struct AuthenticatorData {
  std::string_view rp_id_hash;  // 32 bytes
  bool user_present = false;
  bool user_verified = false;
  bool backup_eligible = false;
  bool backed_up = false;
  uint32_t counter = 0;
  std::optional<AttestedCredential> attested;
};

// `bytes` must outlive the result. InvalidArgument unless it is that and nothing more.
absl::StatusOr<AuthenticatorData> ReadAuthenticatorData(std::string_view bytes);

// The authenticator data of an attestation object (6.5.4), whose statement must be of a known
// format, and is not verified: this server trusts no attestation. Points into `bytes`.
absl::StatusOr<std::string_view> ReadAttestationObject(std::string_view bytes);

}  // namespace gatehouse::webauthn
