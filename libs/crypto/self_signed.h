#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace gatehouse::crypto {

// Whom a certificate names.
struct CertificateName {
  std::string country;
  std::string organization;
  std::string common_name;
};

// A certificate of an RSA key (DER of PKCS #8) for itself, signed with SHA-256: for protocols that
// carry a key in a certificate and trust it by other means. DER; InvalidArgument when the key is
// none. Thread-safe.
absl::StatusOr<std::string> MakeSelfSigned(std::string_view pkcs8_der, const CertificateName& name,
                                           absl::Time from, absl::Time until);

// When the certificate (DER) ends; InvalidArgument when it is none.
absl::StatusOr<absl::Time> EndOfCertificate(std::string_view certificate_der);

}  // namespace gatehouse::crypto
