#include "libs/crypto/self_signed.h"

#include <openssl/err.h>

#include <ctime>

#include "libs/crypto/bytes.h"
#include "libs/crypto/openssl_util.h"

namespace gatehouse::crypto {
namespace {

using X509Ptr = std::unique_ptr<X509, OpensslDeleter<X509_free>>;

constexpr size_t kSerialBytes = 16;

absl::Status Bad(const char* what) {
  ERR_clear_error();
  return absl::InvalidArgumentError(what);
}

bool AddName(X509_NAME* name, const char* field, const std::string& value) {
  return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, Bytes(value.data()),
                                    static_cast<int>(value.size()), -1, 0) == 1;
}

}  // namespace

absl::StatusOr<std::string> MakeSelfSigned(std::string_view pkcs8_der, const CertificateName& name,
                                           absl::Time from, absl::Time until) {
  const unsigned char* cursor = Bytes(pkcs8_der.data());
  const Pkcs8Ptr info(
      d2i_PKCS8_PRIV_KEY_INFO(nullptr, &cursor, static_cast<long>(pkcs8_der.size())));
  const PkeyPtr key(info == nullptr ? nullptr : EVP_PKCS82PKEY(info.get()));
  if (key == nullptr || EVP_PKEY_is_a(key.get(), "RSA") != 1) return Bad("not an RSA key");
  const X509Ptr certificate(X509_new());
  std::string serial = RandomBytes(kSerialBytes);
  serial[0] = static_cast<char>((serial[0] & 0x3f) | 0x40);  // positive, without leading zeros
  const BignumPtr number(BN_bin2bn(Bytes(serial.data()), kSerialBytes, nullptr));
  CheckOpenssl(certificate != nullptr && number != nullptr, "X509_new");
  X509_NAME* const subject = X509_get_subject_name(certificate.get());
  if (X509_set_version(certificate.get(), X509_VERSION_3) != 1 ||
      BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate.get())) == nullptr ||
      ASN1_TIME_set(X509_getm_notBefore(certificate.get()), absl::ToTimeT(from)) == nullptr ||
      ASN1_TIME_set(X509_getm_notAfter(certificate.get()), absl::ToTimeT(until)) == nullptr ||
      !AddName(subject, "C", name.country) || !AddName(subject, "O", name.organization) ||
      !AddName(subject, "CN", name.common_name) ||
      X509_set_issuer_name(certificate.get(), subject) != 1 ||
      X509_set_pubkey(certificate.get(), key.get()) != 1 ||
      X509_sign(certificate.get(), key.get(), Sha256Md()) == 0) {
    return Bad("no certificate can be made of this");
  }
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate.get(), &der);
  CheckOpenssl(size > 0, "i2d_X509");
  std::string result(reinterpret_cast<const char*>(der), static_cast<size_t>(size));
  OPENSSL_free(der);
  return result;
}

absl::StatusOr<absl::Time> EndOfCertificate(std::string_view certificate_der) {
  const unsigned char* cursor = Bytes(certificate_der.data());
  const X509Ptr certificate(d2i_X509(nullptr, &cursor, static_cast<long>(certificate_der.size())));
  std::tm end = {};
  if (certificate == nullptr || ASN1_TIME_to_tm(X509_get0_notAfter(certificate.get()), &end) != 1) {
    return Bad("not a certificate");
  }
  return absl::FromTM(end, absl::UTCTimeZone());
}

}  // namespace gatehouse::crypto
