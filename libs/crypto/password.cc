#include "libs/crypto/password.h"

#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/crypto/password_forms.h"

namespace gatehouse::crypto {
namespace {

constexpr std::string_view kMissingSignerKey =
    "'firebase_password_hashing_signer_key' cannot be null";

}  // namespace

absl::Status internal::TooCostly() {
  return BadInput(Problem::kUnsupported,
                  "Password hash asks for more memory or time than this server allows",
                  {{"field", "passwordHash"}});
}

bool IsBcryptFormat(std::string_view hash) {
  return hash.starts_with("$2a") || hash.starts_with("$2b") || hash.starts_with("$2x") ||
         hash.starts_with("$2y");
}

bool IsArgon2Format(std::string_view hash) {
  return hash.starts_with("$argon2i") || hash.starts_with("$argon2d");  // argon2id as well
}

absl::StatusOr<PasswordMatch> MatchPassword(std::string_view password, std::string_view stored,
                                            std::string_view firebase_signer_key) {
  if (IsArgon2Format(stored)) return internal::MatchArgon2(password, stored);
  if (IsBcryptFormat(stored)) return internal::MatchBcrypt(password, stored);
  if (!IsFirebaseScryptFormat(stored)) return PasswordMatch::kMalformed;
  if (firebase_signer_key.empty()) return MissingFirebaseSignerKey();
  return internal::MatchFirebaseScrypt(password, stored, firebase_signer_key);
}

absl::StatusOr<bool> VerifyPassword(std::string_view password, std::string_view stored,
                                    std::string_view firebase_signer_key) {
  ASSIGN_OR_RETURN(const PasswordMatch match, MatchPassword(password, stored, firebase_signer_key));
  return match == PasswordMatch::kYes;
}

absl::Status CheckHashCost(std::string_view hash) {
  if (IsArgon2Format(hash)) return internal::CheckArgon2Cost(hash);
  if (IsBcryptFormat(hash)) return internal::CheckBcryptCost(hash);
  return internal::CheckFirebaseScryptCost(hash);
}

absl::Status MissingFirebaseSignerKey() {
  return BadInput(Problem::kCoreConfig, kMissingSignerKey,
                  {{"field", "firebase_password_hashing_signer_key"}});
}

bool IsMissingFirebaseSignerKey(const absl::Status& status) {
  return ReasonOf(status) == ErrorReason::kBadInput &&
         std::string_view(status.message().data(), status.message().size()) == kMissingSignerKey;
}

}  // namespace gatehouse::crypto
