#include "services/webauthn/ceremony.h"

#include <string_view>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/crypto/bytes.h"
#include "libs/crypto/digest.h"
#include "services/webauthn/authenticator_data.h"
#include "services/webauthn/client_data.h"

namespace gatehouse::webauthn {
namespace {

absl::Status Refused(const char* why) { return absl::PermissionDeniedError(why); }

absl::Status CheckClientData(const Expectation& expected, std::string_view type,
                             const ClientData& given) {
  if (given.type != type) return Refused("The client data is of another ceremony");
  if (expected.challenge.empty() ||
      !crypto::ConstantTimeEqual(given.challenge, expected.challenge)) {
    return Refused("The challenge is not that of the options");
  }
  if (!IsSameOrigin(expected.origin, given.origin)) {
    return Refused("The origin is not that of the options");
  }
  if (given.has_token_binding) return Refused("The connection is not bound to a token");
  return absl::OkStatus();
}

absl::Status CheckAuthenticatorData(const Expectation& expected, const AuthenticatorData& given) {
  if (given.rp_id_hash != crypto::Sha256(expected.rp_id)) {
    return Refused("The relying party is not that of the options");
  }
  if (expected.needs_user_presence && !given.user_present) {
    return Refused("The user was not present");
  }
  if (expected.needs_user_verification && !given.user_verified) {
    return Refused("The user was not verified");
  }
  if (given.backed_up && !given.backup_eligible) {
    return Refused("The key is backed up although it can't be");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Registration> VerifyRegistration(const Expectation& expected,
                                                const CredentialHead& head,
                                                const RegistrationResponse& response) {
  ASSIGN_OR_RETURN(const ClientData client, ReadClientData(response.client_data));
  ASSIGN_OR_RETURN(const std::string_view bytes,
                   ReadAttestationObject(response.attestation_object));
  ASSIGN_OR_RETURN(const AuthenticatorData data, ReadAuthenticatorData(bytes));
  RETURN_IF_ERROR(CheckClientData(expected, "webauthn.create", client));
  RETURN_IF_ERROR(CheckAuthenticatorData(expected, data));
  if (!data.attested.has_value()) return Refused("The authenticator attests no key");
  // Sign-ins look the key up by the client's id: an id other than the authenticator's finds no key.
  if (data.attested->id != head.raw_id) return Refused("The id is not that of the attested key");
  return Registration{std::string(data.attested->id), std::string(data.attested->bytes),
                      response.transports, data.counter};
}

absl::StatusOr<uint32_t> VerifyAssertion(const Expectation& expected, const std::string& attested,
                                         int64_t counter, const CredentialHead& head,
                                         const AssertionResponse& response) {
  ASSIGN_OR_RETURN(const ClientData client, ReadClientData(response.client_data));
  ASSIGN_OR_RETURN(const AuthenticatorData data,
                   ReadAuthenticatorData(response.authenticator_data));
  ASSIGN_OR_RETURN(const AttestedCredential credential, ReadAttestedCredential(attested));
  if (!response.has_raw_id || response.raw_id != head.raw_id) {
    return Refused("The raw id is missing, or another one than the id");
  }
  if (data.attested.has_value()) return Refused("The authenticator attests a key");
  RETURN_IF_ERROR(CheckClientData(expected, "webauthn.get", client));
  if (client.cross_origin) return Refused("The request came from a frame of another origin");
  RETURN_IF_ERROR(CheckAuthenticatorData(expected, data));
  const std::string signed_data =
      StrCat(response.authenticator_data, crypto::Sha256(response.client_data));
  if (!credential.key.Verify(signed_data, response.signature)) {
    return Refused("The signature is wrong");
  }
  // Authenticators that count nothing say 0. Otherwise a copy of the key may be in use.
  if ((data.counter != 0 || counter != 0) && data.counter <= counter) {
    return Refused("The signature counter went back");
  }
  return data.counter;
}

}  // namespace gatehouse::webauthn
