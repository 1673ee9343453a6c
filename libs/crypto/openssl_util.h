#pragma once

// For the .cc files of this folder only: owners of OpenSSL objects. Public headers stay free of
// OpenSSL, so that including them is cheap.

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

namespace gatehouse::crypto {

// Deletes with OpenSSL's function for the type.
template <auto kFree>
struct OpensslDeleter {
  template <typename T>
  void operator()(T* object) const {
    kFree(object);
  }
};

using PkeyPtr = std::unique_ptr<EVP_PKEY, OpensslDeleter<EVP_PKEY_free>>;
using PkeyCtxPtr = std::unique_ptr<EVP_PKEY_CTX, OpensslDeleter<EVP_PKEY_CTX_free>>;
using MdCtxPtr = std::unique_ptr<EVP_MD_CTX, OpensslDeleter<EVP_MD_CTX_free>>;
using CipherCtxPtr = std::unique_ptr<EVP_CIPHER_CTX, OpensslDeleter<EVP_CIPHER_CTX_free>>;
using BignumPtr = std::unique_ptr<BIGNUM, OpensslDeleter<BN_free>>;
using Pkcs8Ptr = std::unique_ptr<PKCS8_PRIV_KEY_INFO, OpensslDeleter<PKCS8_PRIV_KEY_INFO_free>>;

inline unsigned char* Bytes(char* text) { return reinterpret_cast<unsigned char*>(text); }
inline const unsigned char* Bytes(const char* text) {
  return reinterpret_cast<const unsigned char*>(text);
}

// Aborts when a call fails that can only fail for lack of memory or because of a broken
// installation.
inline void CheckOpenssl(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "fatal: OpenSSL's %s failed\n", what);
  std::abort();
}

// Algorithms fetched once for the process: a fetch by name costs more than hashing a token.
inline const EVP_MD* Sha1Md() {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA1", nullptr);
  CheckOpenssl(md != nullptr, "EVP_MD_fetch");
  return md;
}
inline const EVP_MD* Sha256Md() {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  CheckOpenssl(md != nullptr, "EVP_MD_fetch");
  return md;
}
inline const EVP_MD* Sha512Md() {
  static const EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA512", nullptr);
  CheckOpenssl(md != nullptr, "EVP_MD_fetch");
  return md;
}
inline const EVP_CIPHER* Aes256Gcm() {
  static const EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-256-GCM", nullptr);
  CheckOpenssl(cipher != nullptr, "EVP_CIPHER_fetch");
  return cipher;
}

}  // namespace gatehouse::crypto
