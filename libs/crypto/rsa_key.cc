#include "libs/crypto/rsa_key.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/rsa.h>

#include "libs/base/status.h"
#include "libs/crypto/bytes.h"
#include "libs/crypto/digest.h"
#include "libs/crypto/openssl_util.h"

namespace gatehouse::crypto {
namespace {

constexpr int kNewKeyBits = 2048;
constexpr int kMinKeyBits = 1024;
constexpr int kMaxKeyBits = 8192;

// OpenSSL queues errors per thread; leftovers would be read as another call's failure.
absl::Status BadKey(std::string_view what) {
  ERR_clear_error();
  return absl::InvalidArgumentError(absl::string_view(what.data(), what.size()));
}

std::shared_ptr<evp_pkey_st> Share(PkeyPtr pkey) {
  return std::shared_ptr<evp_pkey_st>(pkey.release(), EVP_PKEY_free);
}

// One number of the key in JWK form.
std::string JwkNumber(const EVP_PKEY* pkey, const char* name) {
  BIGNUM* raw = nullptr;
  CheckOpenssl(EVP_PKEY_get_bn_param(pkey, name, &raw) == 1, "EVP_PKEY_get_bn_param");
  const BignumPtr number(raw);
  std::string bytes(BN_num_bytes(number.get()), '\0');
  BN_bn2bin(number.get(), Bytes(bytes.data()));
  return Base64UrlEncode(bytes);
}

const EVP_MD* Md(OaepHash hash) {
  switch (hash) {
    case OaepHash::kSha1:
      return Sha1Md();
    case OaepHash::kSha256:
      return Sha256Md();
    case OaepHash::kSha384:
      return EVP_sha384();
    case OaepHash::kSha512:
      break;
  }
  return Sha512Md();
}

int StopWhenAsked(EVP_PKEY_CTX* context) {
  const auto* stop = static_cast<const std::stop_token*>(EVP_PKEY_CTX_get_app_data(context));
  return stop->stop_requested() ? 0 : 1;
}

}  // namespace

absl::StatusOr<RsaPublicKey> RsaPublicKey::FromPkey(std::shared_ptr<evp_pkey_st> pkey) {
  if (EVP_PKEY_is_a(pkey.get(), "RSA") != 1) return BadKey("not an RSA key");
  const int bits = EVP_PKEY_get_bits(pkey.get());
  if (bits < kMinKeyBits || bits > kMaxKeyBits) return BadKey("RSA key of unsupported length");
  unsigned char* der = nullptr;
  const int der_size = i2d_PUBKEY(pkey.get(), &der);
  if (der_size <= 0) return BadKey("RSA key can't be encoded");
  auto parts = std::make_shared<Parts>();
  parts->spki = Base64Encode({reinterpret_cast<const char*>(der), static_cast<size_t>(der_size)});
  parts->fingerprint = Sha256(parts->spki);
  OPENSSL_free(der);
  parts->n = JwkNumber(pkey.get(), OSSL_PKEY_PARAM_RSA_N);
  parts->e = JwkNumber(pkey.get(), OSSL_PKEY_PARAM_RSA_E);
  parts->pkey = std::move(pkey);
  return RsaPublicKey(std::move(parts));
}

absl::StatusOr<RsaPublicKey> RsaPublicKey::FromSpkiBase64(std::string_view spki) {
  ASSIGN_OR_RETURN(const std::string der, Base64Decode(spki));
  const unsigned char* cursor = Bytes(der.data());
  PkeyPtr pkey(d2i_PUBKEY(nullptr, &cursor, static_cast<long>(der.size())));
  if (pkey == nullptr) return BadKey("not a public key");
  return FromPkey(Share(std::move(pkey)));
}

bool RsaPublicKey::VerifySha256(std::string_view data, std::string_view signature) const {
  const MdCtxPtr context(EVP_MD_CTX_new());
  if (context == nullptr) return false;
  const bool ok =
      EVP_DigestVerifyInit(context.get(), nullptr, Sha256Md(), nullptr, parts_->pkey.get()) == 1 &&
      EVP_DigestVerify(context.get(), Bytes(signature.data()), signature.size(), Bytes(data.data()),
                       data.size()) == 1;
  if (!ok) ERR_clear_error();
  return ok;
}

std::shared_ptr<const RsaKeyPair> RsaKeyPair::Generate() {
  return GenerateUnless(std::stop_token());
}

std::shared_ptr<const RsaKeyPair> RsaKeyPair::GenerateUnless(std::stop_token stop) {
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr));
  CheckOpenssl(context != nullptr && EVP_PKEY_keygen_init(context.get()) == 1 &&
                   EVP_PKEY_CTX_set_rsa_keygen_bits(context.get(), kNewKeyBits) == 1,
               "RSA key generation");
  EVP_PKEY_CTX_set_app_data(context.get(), &stop);
  EVP_PKEY_CTX_set_cb(context.get(), StopWhenAsked);
  EVP_PKEY* raw = nullptr;
  if (EVP_PKEY_generate(context.get(), &raw) != 1) {
    ERR_clear_error();
    CheckOpenssl(stop.stop_requested(), "RSA key generation");
    return nullptr;
  }
  auto public_key = RsaPublicKey::FromPkey(Share(PkeyPtr(raw)));
  CheckOpenssl(public_key.ok(), "RSA key export");
  return std::shared_ptr<const RsaKeyPair>(new RsaKeyPair(*std::move(public_key)));
}

absl::StatusOr<std::shared_ptr<const RsaKeyPair>> RsaKeyPair::FromStored(std::string_view pair) {
  const size_t separator = pair.find_first_of("|;");
  if (separator == std::string_view::npos) return BadKey("not a key pair");
  ASSIGN_OR_RETURN(RsaPublicKey stored_public,
                   RsaPublicKey::FromSpkiBase64(pair.substr(0, separator)));
  ASSIGN_OR_RETURN(std::string der, Base64Decode(pair.substr(separator + 1)));
  const ScopedWipe wipe(der);
  const unsigned char* cursor = Bytes(der.data());
  const Pkcs8Ptr info(d2i_PKCS8_PRIV_KEY_INFO(nullptr, &cursor, static_cast<long>(der.size())));
  if (info == nullptr) return BadKey("not a PKCS #8 key");
  PkeyPtr pkey(EVP_PKCS82PKEY(info.get()));
  if (pkey == nullptr) return BadKey("not a private key");
  if (EVP_PKEY_eq(pkey.get(), stored_public.parts_->pkey.get()) != 1) {
    return BadKey("public and private key don't belong together");
  }
  ASSIGN_OR_RETURN(RsaPublicKey public_key, RsaPublicKey::FromPkey(Share(std::move(pkey))));
  return std::shared_ptr<const RsaKeyPair>(new RsaKeyPair(std::move(public_key)));
}

std::string RsaKeyPair::ToStored() const {
  const Pkcs8Ptr info(EVP_PKEY2PKCS8(public_key_.parts_->pkey.get()));
  CheckOpenssl(info != nullptr, "EVP_PKEY2PKCS8");
  unsigned char* der = nullptr;
  const int size = i2d_PKCS8_PRIV_KEY_INFO(info.get(), &der);
  CheckOpenssl(size > 0, "i2d_PKCS8_PRIV_KEY_INFO");
  std::string text = public_key_.spki_base64() + '|' +
                     Base64Encode({reinterpret_cast<const char*>(der), static_cast<size_t>(size)});
  OPENSSL_clear_free(der, static_cast<size_t>(size));
  return text;
}

absl::StatusOr<std::string> RsaKeyPair::SignSha256(std::string_view data) const {
  EVP_PKEY* const pkey = public_key_.parts_->pkey.get();
  const MdCtxPtr context(EVP_MD_CTX_new());
  std::string signature(EVP_PKEY_get_size(pkey), '\0');
  size_t size = signature.size();
  if (context == nullptr ||
      EVP_DigestSignInit(context.get(), nullptr, Sha256Md(), nullptr, pkey) != 1 ||
      EVP_DigestSign(context.get(), Bytes(signature.data()), &size, Bytes(data.data()),
                     data.size()) != 1) {
    ERR_clear_error();
    return absl::InternalError("RSA signature failed");
  }
  signature.resize(size);
  return signature;
}

std::optional<std::string> RsaKeyPair::DecryptOaep(std::string_view cipher_text, OaepHash hash,
                                                   OaepHash mask_hash) const {
  EVP_PKEY* const pkey = public_key_.parts_->pkey.get();
  const PkeyCtxPtr context(EVP_PKEY_CTX_new_from_pkey(nullptr, pkey, nullptr));
  std::string text(EVP_PKEY_get_size(pkey), '\0');
  size_t size = text.size();
  const bool ok =
      context != nullptr && EVP_PKEY_decrypt_init(context.get()) == 1 &&
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) == 1 &&
      EVP_PKEY_CTX_set_rsa_oaep_md(context.get(), Md(hash)) == 1 &&
      EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), Md(mask_hash)) == 1 &&
      EVP_PKEY_decrypt(context.get(), Bytes(text.data()), &size, Bytes(cipher_text.data()),
                       cipher_text.size()) == 1;
  ERR_clear_error();
  if (!ok) {
    SecureWipe(text);
    return std::nullopt;
  }
  text.resize(size);
  return text;
}

}  // namespace gatehouse::crypto
