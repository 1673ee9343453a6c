#include <crypt.h>

#include <memory>

#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/crypto/bytes.h"
#include "libs/crypto/openssl_util.h"
#include "libs/crypto/password.h"
#include "libs/crypto/password_forms.h"

namespace gatehouse::crypto {
namespace {

// bcrypt's key is the password and its NUL, repeated to 72 bytes; anything beyond is ignored.
constexpr size_t kBcryptKeyBytes = 72;
constexpr size_t kHashChars = 60;
constexpr int kSaltBytes = 16;
// libxcrypt keeps a safeguard in its `$2a$` that changes some hashes of 8-bit passwords. Its `$2b$`
// is the plain algorithm, which jBCrypt calls `$2a$`.
constexpr std::string_view kLibraryPrefix = "$2b";
constexpr std::string_view kStoredPrefix = "$2a";
// Hashes of crypt_blowfish before 1.1, which extended the sign of 8-bit characters.
constexpr std::string_view kSignExtendedPrefix = "$2x";

bool HasNulInKey(std::string_view password) {
  return password.substr(0, kBcryptKeyBytes).find('\0') != std::string_view::npos;
}

// The whole hash for a setting or hash that begins with kLibraryPrefix; empty if it is malformed.
std::string Crypt(std::string_view password, const std::string& setting) {
  std::string key(password.substr(0, kBcryptKeyBytes));
  const ScopedWipe wipe(key);
  const auto data = std::make_unique<crypt_data>();
  const char* const hash = crypt_rn(key.c_str(), setting.c_str(), data.get(), sizeof(*data));
  std::string result = hash == nullptr ? "" : hash;
  OPENSSL_cleanse(data.get(), sizeof(*data));
  return result;
}

// The cost in `$2a$<two digits>$...`.
std::optional<int> CostOf(std::string_view hash) {
  if (hash.size() < 7 || hash[3] != '$' || hash[6] != '$') return std::nullopt;
  return internal::ParseNumber<int>(hash.substr(4, 2), "");
}

}  // namespace

absl::StatusOr<std::string> HashBcrypt(std::string_view password, int cost) {
  if (cost < kMinBcryptCost || cost > kMaxBcryptCost) {
    return absl::InvalidArgumentError("bcrypt cost out of bounds");
  }
  if (HasNulInKey(password)) {
    return BadInput(Problem::kMalformed, "Password must not contain a NUL character",
                    {{"field", "password"}});
  }
  const std::string salt = RandomBytes(kSaltBytes);
  char setting[CRYPT_GENSALT_OUTPUT_SIZE];
  if (crypt_gensalt_rn("$2b$", static_cast<unsigned long>(cost), salt.data(), kSaltBytes, setting,
                       sizeof(setting)) == nullptr) {
    return absl::InternalError("bcrypt salt failed");
  }
  std::string hash = Crypt(password, setting);
  if (hash.size() != kHashChars) return absl::InternalError("bcrypt failed");
  return hash.replace(0, kStoredPrefix.size(), kStoredPrefix);
}

absl::Status internal::CheckBcryptCost(std::string_view hash) {
  return CostOf(hash).value_or(0) > kMaxBcryptCost ? TooCostly() : absl::OkStatus();
}

std::string DecoyBcrypt(int cost) {
  const char digits[] = {static_cast<char>('0' + cost / 10), static_cast<char>('0' + cost % 10)};
  const std::string prefix =
      std::string(kStoredPrefix) + '$' + std::string(digits, sizeof(digits)) + '$';
  return prefix + std::string(kHashChars - prefix.size(), '.');
}

absl::StatusOr<PasswordMatch> internal::MatchBcrypt(std::string_view password,
                                                    std::string_view stored) {
  if (stored.size() != kHashChars || !CostOf(stored).has_value()) return PasswordMatch::kMalformed;
  RETURN_IF_ERROR(CheckBcryptCost(stored));
  const auto read_as = [&](std::string_view prefix) -> PasswordMatch {
    std::string setting(stored);
    setting.replace(0, prefix.size(), prefix);
    const std::string hash = Crypt(password, setting);
    if (hash.empty()) return PasswordMatch::kMalformed;
    return ToMatch(ConstantTimeEqual(hash, setting) && !HasNulInKey(password));
  };
  const PasswordMatch plain = read_as(kLibraryPrefix);
  if (!stored.starts_with(kSignExtendedPrefix) || IsAscii(password)) return plain;
  const PasswordMatch extended = read_as(kSignExtendedPrefix);
  return plain == PasswordMatch::kYes ? plain : extended;
}

}  // namespace gatehouse::crypto
