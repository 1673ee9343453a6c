#pragma once

// What others encrypt, for tests: the product only decrypts. Aborts when OpenSSL fails.

#include <openssl/rsa.h>

#include <string>
#include <string_view>

#include "libs/crypto/aes_cipher.h"
#include "libs/crypto/bytes.h"
#include "libs/crypto/openssl_util.h"
#include "libs/crypto/rsa_key.h"

namespace gatehouse::crypto {

// In the form that DecryptAes reads; a key of less than 32 bytes counts as one of 16.
inline std::string EncryptAesForTest(AesMode mode, const std::string& key,
                                     const std::string& text) {
  const bool cbc = mode == AesMode::kCbc;
  const bool is_long = key.size() >= 32;
  const EVP_CIPHER* const cipher = cbc ? (is_long ? EVP_aes_256_cbc() : EVP_aes_128_cbc())
                                       : (is_long ? EVP_aes_256_gcm() : EVP_aes_128_gcm());
  const std::string iv = RandomBytes(cbc ? 16 : 12);
  std::string out(text.size() + 32, '\0');
  const CipherCtxPtr context(EVP_CIPHER_CTX_new());
  int size = 0;
  int last = 0;
  CheckOpenssl(EVP_EncryptInit_ex2(context.get(), cipher, Bytes(key.data()), Bytes(iv.data()),
                                   nullptr) == 1 &&
                   EVP_EncryptUpdate(context.get(), Bytes(out.data()), &size, Bytes(text.data()),
                                     static_cast<int>(text.size())) == 1 &&
                   EVP_EncryptFinal_ex(context.get(), Bytes(out.data()) + size, &last) == 1,
               "AES");
  out.resize(size + last);
  if (cbc) return iv + out;
  std::string tag(16, '\0');
  CheckOpenssl(EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, 16, tag.data()) == 1,
               "AES-GCM");
  return iv + out + tag;
}

template <typename SetPadding>
std::string EncryptRsaForTest(const RsaPublicKey& key, std::string_view text, SetPadding set) {
  const std::string der = *Base64Decode(key.spki_base64());
  const unsigned char* cursor = Bytes(der.data());
  const PkeyPtr pkey(d2i_PUBKEY(nullptr, &cursor, static_cast<long>(der.size())));
  const PkeyCtxPtr context(EVP_PKEY_CTX_new(pkey.get(), nullptr));
  std::string out(1024, '\0');
  size_t size = out.size();
  CheckOpenssl(EVP_PKEY_encrypt_init(context.get()) == 1 && set(context.get()) &&
                   EVP_PKEY_encrypt(context.get(), Bytes(out.data()), &size, Bytes(text.data()),
                                    text.size()) == 1,
               "RSA encryption");
  out.resize(size);
  return out;
}

// The hashes by OpenSSL's names.
inline std::string EncryptOaepForTest(const RsaPublicKey& key, std::string_view text,
                                      const char* hash, const char* mask_hash) {
  return EncryptRsaForTest(key, text, [&](EVP_PKEY_CTX* context) {
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_OAEP_PADDING) == 1 &&
           EVP_PKEY_CTX_set_rsa_oaep_md_name(context, hash, nullptr) == 1 &&
           EVP_PKEY_CTX_set_rsa_mgf1_md_name(context, mask_hash, nullptr) == 1;
  });
}

inline std::string EncryptPkcs1ForTest(const RsaPublicKey& key, std::string_view text) {
  return EncryptRsaForTest(key, text, [](EVP_PKEY_CTX* context) {
    return EVP_PKEY_CTX_set_rsa_padding(context, RSA_PKCS1_PADDING) == 1;
  });
}

}  // namespace gatehouse::crypto
