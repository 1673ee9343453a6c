#pragma once

// Enveloped XML signatures in the narrow profile of SAML, by libxmlsec1. Keys come from
// certificates that the caller has; what a document says about its keys is not looked at.

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "services/saml/xml_document.h"

namespace gatehouse::saml {

// Whether this is an X.509 certificate (DER) with an RSA or elliptic-curve key.
bool IsUsableCertificate(std::string_view certificate_der);

// Whether `element` has a signature as a child.
bool IsSigned(XmlElement element);

// Whether the one signature in `element` is made by the key of one of `certificates_der` and covers
// exactly this element, whose attribute ID it refers to. Then everything below the element is what
// the holder of the key has signed, except the signature itself and comments. Fails with kUnsigned
// to kSignatureValue of Check. `allow_weak` admits SHA-1 and RSA keys of less than 2048 bits.
absl::Status VerifySignature(const XmlDocument& document, XmlElement element,
                             const std::vector<std::string>& certificates_der, bool allow_weak);

// The key and certificate that we sign with.
struct SigningKey {
  std::string pkcs8_der;           // a secret
  std::string certificate_base64;  // of DER
};

// A signature without values, to stand in an element with this ID that SignElement will sign:
// RSA-SHA256, exclusive canonicalization, with the certificate.
std::string SignatureTemplate(std::string_view id, const SigningKey& key);
// Fills in the signature that `element` has as a child.
absl::Status SignElement(XmlDocument& document, XmlElement element, const SigningKey& key);

}  // namespace gatehouse::saml
