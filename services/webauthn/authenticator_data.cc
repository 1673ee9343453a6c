#include "services/webauthn/authenticator_data.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "libs/base/status.h"
#include "services/webauthn/cbor_reader.h"

namespace gatehouse::webauthn {
namespace {

constexpr size_t kAaguidBytes = 16;
constexpr size_t kMaxCredentialIdBytes = 1023;  // WebAuthn Level 3, 4: credential id
constexpr size_t kHashBytes = 32;
constexpr size_t kHeaderBytes = kHashBytes + 1 + 4;  // hash, flags, counter

enum Flag : uint8_t {
  kUserPresent = 1 << 0,
  kUserVerified = 1 << 2,
  kBackupEligible = 1 << 3,
  kBackedUp = 1 << 4,
  kAttestedCredential = 1 << 6,
  kExtensions = 1 << 7,
};

// Formats of attestation statements that are registered and in use.
constexpr std::string_view kFormats[] = {
    "none", "packed", "fido-u2f", "tpm", "android-key", "android-safetynet", "apple"};

uint32_t BigEndian(std::string_view bytes) {
  uint32_t number = 0;
  for (const char byte : bytes) number = number << 8 | static_cast<uint8_t>(byte);
  return number;
}

absl::Status Malformed() {
  return absl::InvalidArgumentError("The authenticator data is not well formed");
}

absl::Status BadAttestation() {
  return absl::InvalidArgumentError("The attestation object is not well formed");
}

}  // namespace

absl::StatusOr<AttestedCredential> ReadAttestedCredential(std::string_view bytes) {
  constexpr size_t kIdAt = kAaguidBytes + 2;
  if (bytes.size() < kIdAt) return Malformed();
  const size_t id_size = BigEndian(bytes.substr(kAaguidBytes, 2));
  if (id_size == 0 || id_size > kMaxCredentialIdBytes || bytes.size() - kIdAt < id_size) {
    return Malformed();
  }
  CborReader reader(bytes.substr(kIdAt + id_size));
  ASSIGN_OR_RETURN(CoseKey key, CoseKey::Read(reader));
  return AttestedCredential{bytes.substr(0, kIdAt + id_size + reader.offset()),
                            bytes.substr(kIdAt, id_size), std::move(key)};
}

absl::StatusOr<AuthenticatorData> ReadAuthenticatorData(std::string_view bytes) {
  if (bytes.size() < kHeaderBytes) return Malformed();
  const auto flags = static_cast<uint8_t>(bytes[kHashBytes]);
  AuthenticatorData data;
  data.rp_id_hash = bytes.substr(0, kHashBytes);
  data.user_present = (flags & kUserPresent) != 0;
  data.user_verified = (flags & kUserVerified) != 0;
  data.backup_eligible = (flags & kBackupEligible) != 0;
  data.backed_up = (flags & kBackedUp) != 0;
  data.counter = BigEndian(bytes.substr(kHashBytes + 1, 4));
  std::string_view rest = bytes.substr(kHeaderBytes);
  if ((flags & kAttestedCredential) != 0) {
    ASSIGN_OR_RETURN(data.attested, ReadAttestedCredential(rest));
    rest.remove_prefix(data.attested->bytes.size());
  }
  if ((flags & kExtensions) != 0) {
    CborReader reader(rest);
    if (reader.Next() != CborReader::Type::kMap) return Malformed();
    RETURN_IF_ERROR(reader.Skip());
    rest.remove_prefix(reader.offset());
  }
  if (!rest.empty()) return Malformed();
  return data;
}

absl::StatusOr<std::string_view> ReadAttestationObject(std::string_view bytes) {
  CborReader reader(bytes);
  ASSIGN_OR_RETURN(const size_t size, reader.ReadMapSize());
  std::optional<std::string_view> format, data;
  std::optional<bool> has_empty_statement;
  for (size_t i = 0; i < size; ++i) {
    ASSIGN_OR_RETURN(const std::string_view key, reader.ReadText());
    if (key == "fmt") {
      if (format.has_value()) return BadAttestation();
      ASSIGN_OR_RETURN(format, reader.ReadText());
    } else if (key == "authData") {
      if (data.has_value()) return BadAttestation();
      ASSIGN_OR_RETURN(data, reader.ReadBytes());
    } else if (key == "attStmt") {
      if (has_empty_statement.has_value() || reader.Next() != CborReader::Type::kMap) {
        return BadAttestation();
      }
      const size_t begins = reader.offset();
      RETURN_IF_ERROR(reader.Skip());
      CborReader statement(bytes.substr(begins));
      ASSIGN_OR_RETURN(const size_t members, statement.ReadMapSize());
      has_empty_statement = members == 0;
    } else {
      RETURN_IF_ERROR(reader.Skip());
    }
  }
  if (!reader.at_end() || !format.has_value() || !data.has_value() ||
      !has_empty_statement.has_value()) {
    return BadAttestation();
  }
  if (std::find(std::begin(kFormats), std::end(kFormats), *format) == std::end(kFormats)) {
    return absl::InvalidArgumentError("The attestation is of an unknown format");
  }
  if (*format == "none" && !*has_empty_statement) return BadAttestation();
  return *data;
}

}  // namespace gatehouse::webauthn
