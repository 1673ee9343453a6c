#include "libs/crypto/aes_cipher.h"

#include <openssl/err.h>

#include <climits>

#include "libs/crypto/bytes.h"
#include "libs/crypto/openssl_util.h"

namespace gatehouse::crypto {
namespace {

constexpr size_t kBlockBytes = 16;
constexpr size_t kCbcIvBytes = kBlockBytes;
constexpr size_t kGcmIvBytes = 12;
constexpr size_t kGcmTagBytes = 16;
constexpr size_t kShortKeyBytes = 16;
constexpr size_t kLongKeyBytes = 32;

const EVP_CIPHER* Cipher(AesMode mode, size_t key_bytes) {
  const bool cbc = mode == AesMode::kCbc;
  if (key_bytes == kShortKeyBytes) return cbc ? EVP_aes_128_cbc() : EVP_aes_128_gcm();
  if (key_bytes == kLongKeyBytes) return cbc ? EVP_aes_256_cbc() : Aes256Gcm();
  return nullptr;
}

// The whole text, padding included.
bool Decrypt(EVP_CIPHER_CTX* context, const EVP_CIPHER* cipher, std::string_view key,
             std::string_view iv, std::string_view encrypted, std::string_view tag,
             std::string& text) {
  int written = 0;
  int last = 0;
  if (EVP_DecryptInit_ex2(context, cipher, Bytes(key.data()), Bytes(iv.data()), nullptr) != 1 ||
      EVP_CIPHER_CTX_set_padding(context, 0) != 1 ||
      EVP_DecryptUpdate(context, Bytes(text.data()), &written, Bytes(encrypted.data()),
                        static_cast<int>(encrypted.size())) != 1) {
    return false;
  }
  if (!tag.empty() &&
      EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag.size()),
                          const_cast<char*>(tag.data())) != 1) {
    return false;
  }
  return EVP_DecryptFinal_ex(context, Bytes(text.data()) + written, &last) == 1;
}

}  // namespace

std::optional<std::string> DecryptAes(AesMode mode, std::string_view key, std::string_view data) {
  const EVP_CIPHER* const cipher = Cipher(mode, key.size());
  const size_t iv_bytes = mode == AesMode::kCbc ? kCbcIvBytes : kGcmIvBytes;
  const size_t tag_bytes = mode == AesMode::kCbc ? 0 : kGcmTagBytes;
  if (cipher == nullptr || data.size() < iv_bytes + tag_bytes || data.size() > INT_MAX) {
    return std::nullopt;
  }
  const std::string_view iv = data.substr(0, iv_bytes);
  const std::string_view tag = data.substr(data.size() - tag_bytes);
  const std::string_view encrypted = data.substr(iv_bytes, data.size() - iv_bytes - tag_bytes);
  if (mode == AesMode::kCbc && (encrypted.empty() || encrypted.size() % kBlockBytes != 0)) {
    return std::nullopt;
  }
  const CipherCtxPtr context(EVP_CIPHER_CTX_new());
  CheckOpenssl(context != nullptr, "EVP_CIPHER_CTX_new");
  std::string text(encrypted.size(), '\0');
  bool ok = Decrypt(context.get(), cipher, key, iv, encrypted, tag, text);
  if (!ok) ERR_clear_error();
  if (ok && mode == AesMode::kCbc) {
    const auto added = static_cast<unsigned char>(text.back());
    ok = added >= 1 && added <= kBlockBytes;
    if (ok) text.resize(text.size() - added);
  }
  if (!ok) {
    SecureWipe(text);
    return std::nullopt;
  }
  return text;
}

}  // namespace gatehouse::crypto
