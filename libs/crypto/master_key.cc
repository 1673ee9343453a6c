#include "libs/crypto/master_key.h"
#include "libs/base/hex.h"

#include "libs/crypto/bytes.h"
#include "libs/crypto/digest.h"

namespace gatehouse::crypto {
namespace {

constexpr size_t kMasterBytes = 64;
constexpr int kMasterIterations = 1000;
constexpr size_t kTokenBytes = 48;

// Base64 of hex digits has neither padding (96 divides by 3) nor `+` or `/` (the digits' codes
// never form those groups), so the text is safe in URLs.
std::string NewTokenText() { return Base64UrlEncode(RandomHex(kTokenBytes)); }

}  // namespace

std::string GenerateSigningKey() {
  std::string password = RandomHex(kMasterBytes);
  const ScopedWipe wipe_password(password);
  const std::string salt = RandomBytes(kMasterBytes);
  std::string key = Pbkdf2HmacSha512(password, salt, kMasterIterations, kMasterBytes);
  const ScopedWipe wipe_key(key);
  return std::to_string(kMasterIterations) + ':' + HexEncode(salt) + ':' + HexEncode(key);
}

// The original derives these 48 bytes by PBKDF2 from a random password. Nothing ever repeats that
// derivation, and random bytes straight from the generator are the same without its cost.
std::string NewPasswordResetToken() { return NewTokenText(); }

std::string NewEmailVerificationToken() { return NewTokenText(); }

}  // namespace gatehouse::crypto
