#include <openssl/err.h>

#include "libs/base/status.h"
#include "libs/crypto/bytes.h"
#include "libs/crypto/openssl_util.h"
#include "libs/crypto/password.h"
#include "libs/crypto/password_forms.h"

namespace gatehouse::crypto {
namespace {

constexpr size_t kDerivedBytes = 64;
constexpr size_t kAesKeyBytes = 32;
constexpr size_t kMaxStoredChars = 1024;
// OpenSSL counts some kilobytes besides scrypt's table against its own limit.
constexpr uint64_t kOpensslMarginBytes = 16ull * 1024 * 1024;
// Beyond these the product below could overflow.
constexpr int kMaxMemoryLog2 = 30;
constexpr int kMaxRounds = 1 << 20;

struct FirebaseHash {
  std::string_view hash;
  std::string_view salt;
  std::string_view salt_separator;
  int memory_log2 = 0;
  int rounds = 0;
};

// `$f_scrypt$<hash>$<salt>` and then m=, r= and s= in any order.
std::optional<FirebaseHash> Parse(std::string_view stored) {
  if (stored.size() > kMaxStoredChars) return std::nullopt;
  const std::vector<std::string_view> fields = internal::Split(stored, '$');
  if (fields.size() != 7 || !fields[0].empty() || fields[1] != "f_scrypt") return std::nullopt;
  FirebaseHash result;
  result.hash = fields[2];
  result.salt = fields[3];
  std::optional<int> memory_log2;
  std::optional<int> rounds;
  for (size_t i = 4; i < fields.size(); ++i) {
    if (fields[i].starts_with("m=")) {
      memory_log2 = internal::ParseNumber<int>(fields[i], "m=");
    } else if (fields[i].starts_with("r=")) {
      rounds = internal::ParseNumber<int>(fields[i], "r=");
    } else if (fields[i].starts_with("s=")) {
      result.salt_separator = fields[i].substr(2);
    }
  }
  if (!memory_log2 || !rounds || result.salt_separator.empty()) return std::nullopt;
  result.memory_log2 = *memory_log2;
  result.rounds = *rounds;
  return result;
}

bool IsPossible(const FirebaseHash& hash) { return hash.memory_log2 >= 1 && hash.rounds >= 1; }

bool TooMuch(const FirebaseHash& hash) {
  return hash.memory_log2 > kMaxMemoryLog2 || hash.rounds > kMaxRounds ||
         128ull * static_cast<uint64_t>(hash.rounds) << hash.memory_log2 > kMaxScryptMemoryBytes;
}

// The original reads the password in its US-ASCII form, in which any other character is a `?`.
std::string ToAscii(std::string_view utf8) {
  std::string ascii;
  ascii.reserve(utf8.size());
  for (const char c : utf8) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      ascii += c;
    } else if (byte >= 0xc0) {  // the first byte of a character; the others add nothing
      ascii += '?';
    }
  }
  return ascii;
}

std::string EncryptAes256Ctr(std::string_view plain, std::string_view key) {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-CTR", nullptr);
  const std::string iv(16, '\0');
  std::string out(plain.size(), '\0');
  const CipherCtxPtr context(EVP_CIPHER_CTX_new());
  int written = 0;
  const bool ok = cipher != nullptr && context != nullptr &&
                  EVP_EncryptInit_ex2(context.get(), cipher, Bytes(key.data()), Bytes(iv.data()),
                                      nullptr) == 1 &&
                  EVP_EncryptUpdate(context.get(), Bytes(out.data()), &written, Bytes(plain.data()),
                                    static_cast<int>(plain.size())) == 1;
  CheckOpenssl(ok, "AES-256-CTR");
  return out;
}

}  // namespace

bool IsFirebaseScryptFormat(std::string_view hash) { return Parse(hash).has_value(); }

absl::Status internal::CheckFirebaseScryptCost(std::string_view hash) {
  const std::optional<FirebaseHash> parsed = Parse(hash);
  return parsed.has_value() && IsPossible(*parsed) && TooMuch(*parsed) ? TooCostly()
                                                                       : absl::OkStatus();
}

// Firebase derives a key from the password and encrypts the project's signer key with it; the
// ciphertext is the hash.
absl::StatusOr<PasswordMatch> internal::MatchFirebaseScrypt(std::string_view password,
                                                            std::string_view stored,
                                                            std::string_view signer_key) {
  const std::optional<FirebaseHash> parsed = Parse(stored);
  if (!parsed.has_value() || !IsPossible(*parsed)) return PasswordMatch::kMalformed;
  if (TooMuch(*parsed)) return TooCostly();
  const auto salt = Base64Decode(parsed->salt);
  const auto separator = Base64Decode(parsed->salt_separator);
  auto signer = Base64Decode(signer_key);
  if (!salt.ok() || !separator.ok() || !signer.ok()) return PasswordMatch::kMalformed;
  const ScopedWipe wipe_signer(*signer);
  const std::string whole_salt = *salt + *separator;
  const auto matches = [&](std::string_view key) -> PasswordMatch {
    std::string derived(kDerivedBytes, '\0');
    const ScopedWipe wipe_derived(derived);
    if (EVP_PBE_scrypt(key.data(), key.size(), Bytes(whole_salt.data()), whole_salt.size(),
                       1ull << parsed->memory_log2, static_cast<uint64_t>(parsed->rounds), 1,
                       kMaxScryptMemoryBytes + kOpensslMarginBytes, Bytes(derived.data()),
                       derived.size()) != 1) {
      ERR_clear_error();
      return PasswordMatch::kMalformed;
    }
    const std::string cipher_text =
        EncryptAes256Ctr(*signer, std::string_view(derived).substr(0, kAesKeyBytes));
    return ToMatch(ConstantTimeEqual(Base64Encode(cipher_text), parsed->hash));
  };
  const PasswordMatch as_firebase = matches(password);
  if (IsAscii(password)) return as_firebase;
  // A hash that the original accepted may be of its own reading: both are computed, whichever
  // matches.
  std::string ascii = ToAscii(password);
  const ScopedWipe wipe_password(ascii);
  const PasswordMatch as_original = matches(ascii);
  return as_firebase == PasswordMatch::kYes ? as_firebase : as_original;
}

}  // namespace gatehouse::crypto
