#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "gatehouse/webauthn/v1/webauthn_service.pb.h"
#include "services/webauthn/ceremony.h"
#include "services/webauthn/pg_options_store.h"

namespace gatehouse::webauthn {

// Why options can't be made: a text for the client.
struct InvalidOptions {
  std::string reason;
};

// The origin must be at the relying party's domain or at a subdomain of it, or be an Android app's.
// nullopt: it is.
std::optional<InvalidOptions> CheckOrigin(const std::string& origin, const std::string& rp_id);

// A value of an enumeration of WebAuthn; `fallback` where none, or an empty one, was given.
struct Choice {
  const char* field;
  const char* values;  // as the error lists them
  const char* fallback;
};
inline constexpr Choice kUserVerification = {"userVerification", "required, discouraged, preferred",
                                             "preferred"};
inline constexpr Choice kResidentKey = {"residentKey", "required, discouraged, preferred",
                                        "required"};
inline constexpr Choice kAttestation = {"attestation", "none, indirect, direct, enterprise",
                                        "none"};
std::variant<std::string, InvalidOptions> Choose(const Choice& choice, bool is_given,
                                                 const std::string& given);

// New options with a challenge of 32 random bytes; without an email. BAD_INPUT: wider than its
// column.
absl::StatusOr<std::variant<CeremonyOptions, InvalidOptions>> MakeOptions(
    const v1::RelyingParty& relying_party, const v1::Demands& demands, int64_t now_ms);

// What a ceremony with these options has to be.
Expectation ExpectationOf(const CeremonyOptions& options);

v1::Options OptionsMessage(const CeremonyOptions& options);
v1::RelyingParty RelyingPartyMessage(const CeremonyOptions& options);

// BAD_INPUT when a text does not fit in VARCHAR(256), or holds a NUL character.
absl::Status CheckWidth(const char* field, const std::string& text);

}  // namespace gatehouse::webauthn
