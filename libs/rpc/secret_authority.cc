#include "libs/rpc/secret_authority.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <array>
#include <memory>

#include "absl/strings/str_join.h"
#include "libs/base/strings.h"

namespace gatehouse::rpc {
namespace {

template <auto Free>
struct Deleter {
  template <typename T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
template <typename T, auto Free>
using Owned = std::unique_ptr<T, Deleter<Free>>;
using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
using Certificate = Owned<X509, X509_free>;
using Number = Owned<BIGNUM, BN_clear_free>;

constexpr char kSalt[] = "gatehouse internal authority 1";
// Slow enough that a made-up secret of 32 characters is not found by trying.
constexpr uint64_t kScryptCost = 1 << 14;
constexpr size_t kScalarBytes = 48;  // enough longer than the order that reduction has no bias
constexpr size_t kSerialBytes = 16;
constexpr char kAuthorityName[] = "Gatehouse shared secret";

absl::Status Failed(std::string_view step) {
  return absl::InternalError(StrCat("making a certificate from the shared secret failed: ", step));
}

// The authority's key: a number that only holders of the secret know.
absl::StatusOr<Key> AuthorityKey(std::string_view secret) {
  std::array<unsigned char, kScalarBytes> bytes;
  if (EVP_PBE_scrypt(secret.data(), secret.size(), reinterpret_cast<const unsigned char*>(kSalt),
                     sizeof(kSalt) - 1, kScryptCost, 8, 1, 64 << 20, bytes.data(),
                     bytes.size()) != 1) {
    return Failed("scrypt");
  }
  const Owned<EC_GROUP, EC_GROUP_free> group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  const Owned<BN_CTX, BN_CTX_free> context(BN_CTX_secure_new());
  const Number wide(BN_bin2bn(bytes.data(), static_cast<int>(bytes.size()), nullptr));
  OPENSSL_cleanse(bytes.data(), bytes.size());
  const Number scalar(BN_new());
  const Number limit(BN_dup(EC_GROUP_get0_order(group.get())));
  // In 1 .. order - 1.
  if (!wide || !scalar || !limit || BN_sub_word(limit.get(), 1) != 1 ||
      BN_mod(scalar.get(), wide.get(), limit.get(), context.get()) != 1 ||
      BN_add_word(scalar.get(), 1) != 1) {
    return Failed("scalar");
  }
  const Owned<EC_POINT, EC_POINT_free> point(EC_POINT_new(group.get()));
  std::array<unsigned char, 65> encoded;
  if (EC_POINT_mul(group.get(), point.get(), scalar.get(), nullptr, nullptr, context.get()) != 1 ||
      EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, encoded.data(),
                         encoded.size(), context.get()) != encoded.size()) {
    return Failed("point");
  }
  const Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> builder(OSSL_PARAM_BLD_new());
  OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0);
  OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, encoded.data(),
                                   encoded.size());
  OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar.get());
  const Owned<OSSL_PARAM, OSSL_PARAM_free> parameters(OSSL_PARAM_BLD_to_param(builder.get()));
  const Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> maker(
      EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  EVP_PKEY* key = nullptr;
  if (!parameters || EVP_PKEY_fromdata_init(maker.get()) != 1 ||
      EVP_PKEY_fromdata(maker.get(), &key, EVP_PKEY_KEYPAIR, parameters.get()) != 1) {
    return Failed("key");
  }
  return Key(key);
}

bool AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  const Owned<X509_EXTENSION, X509_EXTENSION_free> extension(
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// A holder of the secret can make another one at any time, so limiting a certificate's lifetime
// protects nothing: it does not expire, and processes with different clocks understand each other.
absl::StatusOr<Certificate> MakeCertificate(const std::string& name, EVP_PKEY* key) {
  Certificate certificate(X509_new());
  std::array<unsigned char, kSerialBytes> serial;
  if (!certificate || RAND_bytes(serial.data(), serial.size()) != 1) return Failed("certificate");
  serial[0] &= 0x7f;
  const Number number(BN_bin2bn(serial.data(), serial.size(), nullptr));
  X509_NAME* subject = X509_get_subject_name(certificate.get());
  if (X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate.get())) == nullptr ||
      ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate.get()), "20000101000000Z") != 1 ||
      ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate.get()), "99991231235959Z") != 1 ||
      X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8,
                                 reinterpret_cast<const unsigned char*>(name.c_str()), -1, -1,
                                 0) != 1 ||
      X509_set_pubkey(certificate.get(), key) != 1) {
    return Failed("certificate");
  }
  return certificate;
}

template <typename Write>
std::string Pem(Write write) {
  const Owned<BIO, BIO_free_all> out(BIO_new(BIO_s_mem()));
  if (!out || write(out.get()) != 1) return "";
  char* data = nullptr;
  const long size = BIO_get_mem_data(out.get(), &data);
  return std::string(data, static_cast<size_t>(size));
}

std::string Pem(X509* certificate) {
  return Pem([&](BIO* out) { return PEM_write_bio_X509(out, certificate); });
}

}  // namespace

absl::StatusOr<TransportSecurity> SecurityFromSecret(std::string_view secret,
                                                     const std::vector<std::string>& names) {
  if (names.empty()) return Failed("no name");
  auto authority_key = AuthorityKey(secret);
  if (!authority_key.ok()) return authority_key.status();
  auto authority = MakeCertificate(kAuthorityName, authority_key->get());
  if (!authority.ok()) return authority.status();
  X509* const ca = authority->get();
  if (X509_set_issuer_name(ca, X509_get_subject_name(ca)) != 1 ||
      !AddExtension(ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !AddExtension(ca, ca, NID_key_usage, "critical,keyCertSign") ||
      X509_sign(ca, authority_key->get(), EVP_sha256()) == 0) {
    return Failed("authority");
  }

  const Key own_key(EVP_EC_gen("P-256"));
  if (!own_key) return Failed("own key");
  auto own = MakeCertificate(names.front(), own_key.get());
  if (!own.ok()) return own.status();
  std::vector<std::string> dns_names;
  for (const std::string& name : names) dns_names.push_back(StrCat("DNS:", name));
  if (X509_set_issuer_name(own->get(), X509_get_subject_name(ca)) != 1 ||
      !AddExtension(own->get(), ca, NID_basic_constraints, "critical,CA:FALSE") ||
      !AddExtension(own->get(), ca, NID_ext_key_usage, "serverAuth,clientAuth") ||
      !AddExtension(own->get(), ca, NID_subject_alt_name, absl::StrJoin(dns_names, ",")) ||
      X509_sign(own->get(), authority_key->get(), EVP_sha256()) == 0) {
    return Failed("own certificate");
  }
  TransportSecurity security;
  security.ca_pem = Pem(ca);
  security.certificate_pem = Pem(own->get());
  security.private_key_pem = Pem([&](BIO* out) {
    return PEM_write_bio_PrivateKey(out, own_key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  });
  if (security.ca_pem.empty() || security.certificate_pem.empty() ||
      security.private_key_pem.empty()) {
    return Failed("encoding");
  }
  return security;
}

}  // namespace gatehouse::rpc
