#include "libs/crypto/aes_envelope.h"

#include "libs/base/status.h"
#include "libs/crypto/bytes.h"
#include "libs/crypto/digest.h"
#include "libs/crypto/openssl_util.h"

namespace gatehouse::crypto {
namespace {

constexpr size_t kIvBytes = 12;
constexpr size_t kTagBytes = 16;
constexpr size_t kKeyBytes = 32;
// Part of the stored format. Low, which is fine: the master is 64 random bytes, not a password.
constexpr int kIterations = 100;

absl::Status NotAnEnvelope() { return absl::InvalidArgumentError("can't decrypt"); }

CipherCtxPtr NewContext() {
  CipherCtxPtr context(EVP_CIPHER_CTX_new());
  CheckOpenssl(context != nullptr, "EVP_CIPHER_CTX_new");
  return context;
}

}  // namespace

namespace internal {

std::string EncryptWithIv(std::string_view plain, std::string_view master, std::string_view iv) {
  CheckOpenssl(iv.size() == kIvBytes, "iv length");
  std::string key = Pbkdf2HmacSha512(master, iv, kIterations, kKeyBytes);
  const ScopedWipe wipe(key);
  std::string out(kIvBytes + plain.size() + kTagBytes, '\0');
  iv.copy(out.data(), kIvBytes);
  char* const cipher_text = out.data() + kIvBytes;
  const CipherCtxPtr context = NewContext();
  int written = 0;
  int last = 0;
  const bool ok = EVP_EncryptInit_ex2(context.get(), Aes256Gcm(), Bytes(key.data()),
                                      Bytes(iv.data()), nullptr) == 1 &&
                  EVP_EncryptUpdate(context.get(), Bytes(cipher_text), &written,
                                    Bytes(plain.data()), static_cast<int>(plain.size())) == 1 &&
                  EVP_EncryptFinal_ex(context.get(), Bytes(cipher_text) + written, &last) == 1 &&
                  EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, kTagBytes,
                                      cipher_text + plain.size()) == 1;
  CheckOpenssl(ok, "AES-256-GCM");
  return Base64Encode(out);
}

}  // namespace internal

std::string Encrypt(std::string_view plain, std::string_view master) {
  return internal::EncryptWithIv(plain, master, RandomBytes(kIvBytes));
}

absl::StatusOr<std::string> Decrypt(std::string_view envelope, std::string_view master) {
  ASSIGN_OR_RETURN(std::string raw, Base64Decode(envelope));
  if (raw.size() < kIvBytes + kTagBytes) return NotAnEnvelope();
  const std::string_view iv = std::string_view(raw).substr(0, kIvBytes);
  std::string key = Pbkdf2HmacSha512(master, iv, kIterations, kKeyBytes);
  const ScopedWipe wipe(key);
  const size_t size = raw.size() - kIvBytes - kTagBytes;
  char* const cipher_text = raw.data() + kIvBytes;
  std::string plain(size, '\0');
  const CipherCtxPtr context = NewContext();
  int written = 0;
  int last = 0;
  const bool ok = EVP_DecryptInit_ex2(context.get(), Aes256Gcm(), Bytes(key.data()),
                                      Bytes(iv.data()), nullptr) == 1 &&
                  EVP_DecryptUpdate(context.get(), Bytes(plain.data()), &written,
                                    Bytes(cipher_text), static_cast<int>(size)) == 1 &&
                  EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, kTagBytes,
                                      cipher_text + size) == 1 &&
                  EVP_DecryptFinal_ex(context.get(), Bytes(plain.data()) + written, &last) == 1;
  if (!ok) {
    SecureWipe(plain);
    return NotAnEnvelope();
  }
  return plain;
}

}  // namespace gatehouse::crypto
