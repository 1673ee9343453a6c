#include "services/oauth/client_secrets.h"

#include "libs/base/problem.h"
#include "libs/base/status.h"
#include "libs/crypto/aes_envelope.h"
#include "libs/crypto/bytes.h"
#include "libs/crypto/digest.h"

namespace gatehouse::oauth {
namespace {

constexpr size_t kLength = 26;  // the original's
constexpr std::string_view kAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";

absl::StatusOr<std::string> KeyOf(const config::CoreConfig& config) {
  const std::string* key = config.oauth_client_secret_encryption_key();
  if (key != nullptr && !key->empty()) return *key;
  if (config.test_mode()) return std::string("clientsecretencryptionkey");  // the original's
  return BadInput(Problem::kCoreConfig, "oauth_client_secret_encryption_key is not set",
                  {{"field", "oauth_client_secret_encryption_key"}});
}

}  // namespace

std::string NewClientSecret() {
  std::string secret;
  while (secret.size() < kLength) {
    for (const char c : crypto::RandomBytes(2 * kLength)) {
      // Beyond the largest multiple of the alphabet's size the first characters would be likelier.
      const size_t byte = static_cast<unsigned char>(c);
      if (byte >= 256 / kAlphabet.size() * kAlphabet.size()) continue;
      if (secret.size() < kLength) secret += kAlphabet[byte % kAlphabet.size()];
    }
  }
  return secret;
}

absl::StatusOr<std::string> EncryptClientSecret(const config::CoreConfig& config,
                                                std::string_view secret) {
  ASSIGN_OR_RETURN(const std::string key, KeyOf(config));
  return crypto::Encrypt(secret, key);
}

absl::StatusOr<std::string> DecryptClientSecret(const config::CoreConfig& config,
                                                std::string_view stored) {
  ASSIGN_OR_RETURN(const std::string key, KeyOf(config));
  absl::StatusOr<std::string> secret = crypto::Decrypt(stored, key);
  if (secret.ok()) return secret;
  return MakeError(
      ErrorReason::kInternal,
      "A client's secret was encrypted with another oauth_client_secret_encryption_key");
}

bool IsClientSecret(std::string_view given, std::string_view secret) {
  return crypto::ConstantTimeEqual(crypto::Sha256(given), crypto::Sha256(secret));
}

}  // namespace gatehouse::oauth
