#include "libs/crypto/digest.h"
#include "libs/base/hex.h"

#include <openssl/hmac.h>

#include "libs/crypto/bytes.h"
#include "libs/crypto/openssl_util.h"

namespace gatehouse::crypto {
namespace {
constexpr size_t kSha1Bytes = 20;
constexpr size_t kSha256Bytes = 32;

std::string Hmac(const EVP_MD* md, size_t length_bytes, std::string_view key,
                 std::string_view data) {
  std::string mac(length_bytes, '\0');
  // HMAC() treats a null key, which an empty view may have, as "none given".
  const char* const key_data = key.empty() ? "" : key.data();
  CheckOpenssl(HMAC(md, key_data, static_cast<int>(key.size()), Bytes(data.data()), data.size(),
                    Bytes(mac.data()), nullptr) != nullptr,
               "HMAC");
  return mac;
}
}  // namespace

std::string Sha256(std::string_view data) { return Sha256({data}); }

std::string Sha256(std::initializer_list<std::string_view> pieces) {
  // Kept: to make one takes three allocations.
  thread_local const MdCtxPtr context(EVP_MD_CTX_new());
  bool ok = EVP_DigestInit_ex2(context.get(), Sha256Md(), nullptr) == 1;
  for (const std::string_view piece : pieces) {
    ok = ok && EVP_DigestUpdate(context.get(), piece.data(), piece.size()) == 1;
  }
  std::string digest(kSha256Bytes, '\0');
  CheckOpenssl(ok && EVP_DigestFinal_ex(context.get(), Bytes(digest.data()), nullptr) == 1,
               "EVP_Digest");
  return digest;
}

std::string Sha256Hex(std::string_view data) { return HexEncode(Sha256(data)); }

std::string HmacSha1(std::string_view key, std::string_view data) {
  return Hmac(Sha1Md(), kSha1Bytes, key, data);
}

std::string HmacSha256(std::string_view key, std::string_view data) {
  return Hmac(Sha256Md(), kSha256Bytes, key, data);
}

std::string Pbkdf2HmacSha512(std::string_view password, std::string_view salt, int iterations,
                             size_t length_bytes) {
  std::string derived(length_bytes, '\0');
  CheckOpenssl(
      PKCS5_PBKDF2_HMAC(password.empty() ? "" : password.data(), static_cast<int>(password.size()),
                        Bytes(salt.data()), static_cast<int>(salt.size()), iterations, Sha512Md(),
                        static_cast<int>(length_bytes), Bytes(derived.data())) == 1,
      "PKCS5_PBKDF2_HMAC");
  return derived;
}

}  // namespace gatehouse::crypto
