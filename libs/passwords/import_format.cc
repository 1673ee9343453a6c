#include "libs/passwords/import_format.h"

#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/crypto/password.h"

namespace gatehouse::passwords {
namespace {

absl::Status Malformed(std::string_view text) {
  return BadInput(Problem::kMalformed, text, {{"field", "passwordHash"}});
}

}  // namespace

absl::Status CheckImportFormat(const config::CoreConfig& config, std::string_view hash,
                               HashKind kind) {
  const bool firebase = crypto::IsFirebaseScryptFormat(hash);
  const bool need_key =
      kind == HashKind::kFirebaseScrypt || (kind == HashKind::kAny && firebase);
  if (need_key && config.firebase_password_hashing_signer_key() == nullptr) {
    return crypto::MissingFirebaseSignerKey();
  }
  switch (kind) {
    case HashKind::kArgon2:
      if (crypto::IsArgon2Format(hash)) return absl::OkStatus();
      return Malformed("Password hash is in invalid Argon2 format");
    case HashKind::kBcrypt:
      if (crypto::IsBcryptFormat(hash)) return absl::OkStatus();
      return Malformed("Password hash is in invalid BCrypt format");
    case HashKind::kFirebaseScrypt:
      if (firebase) return absl::OkStatus();
      return Malformed("Password hash is in invalid Firebase SCrypt format");
    case HashKind::kAny:
      break;
  }
  if (firebase || crypto::IsArgon2Format(hash) || crypto::IsBcryptFormat(hash)) {
    return absl::OkStatus();
  }
  return Malformed("Password hash is in invalid format");
}

}  // namespace gatehouse::passwords
