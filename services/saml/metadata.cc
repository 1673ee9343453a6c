#include "services/saml/metadata.h"

#include <optional>

#include "absl/strings/match.h"
#include "libs/base/json.h"
#include "libs/base/status.h"
#include "libs/base/utf8.h"
#include "libs/crypto/bytes.h"
#include "services/saml/check.h"
#include "services/saml/saml_time.h"
#include "services/saml/xml_document.h"
#include "services/saml/xml_signature.h"

namespace gatehouse::saml {
namespace {

constexpr std::string_view kRedirectBinding = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
constexpr std::string_view kPostBinding = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
// More than any provider has while it rolls over; each is tried for each signature.
constexpr size_t kMaxCertificates = 8;
constexpr uint32_t kReplacement = 0xFFFD;

size_t SequenceLength(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead < 0xE0) return 2;
  if (lead >= 0xE0 && lead < 0xF0) return 3;
  if (lead >= 0xF0 && lead < 0xF5) return 4;
  return 0;
}

std::string ReplaceInvalidUtf8(std::string_view text) {
  if (json::IsValidUtf8(text)) return std::string(text);
  std::string result;
  while (!text.empty()) {
    const size_t length = SequenceLength(static_cast<unsigned char>(text.front()));
    if (length > 0 && length <= text.size() && json::IsValidUtf8(text.substr(0, length))) {
      result += text.substr(0, length);
      text.remove_prefix(length);
    } else {
      AppendUtf8(kReplacement, result);
      text.remove_prefix(1);
    }
  }
  return result;
}

// Applications send browsers there, and providers' metadata comes from their customers: a location
// such as javascript: would run in the application's page.
bool IsWebAddress(const std::string& location) {
  return absl::StartsWithIgnoreCase(location, "https://") ||
         absl::StartsWithIgnoreCase(location, "http://");
}

absl::Status CheckLocations(const IdpMetadata& metadata) {
  if (metadata.redirect_location.empty() && metadata.post_location.empty()) {
    return Failed(Check::kSingleSignOn);
  }
  for (const std::string& location : {metadata.redirect_location, metadata.post_location}) {
    if (!location.empty() && !IsWebAddress(location)) return Failed(Check::kSingleSignOn);
  }
  return absl::OkStatus();
}

absl::Status CheckValidity(XmlElement element) {
  const std::optional<std::string> until = element.Attribute("validUntil");
  if (until.has_value() && !ReadTime(*until).has_value()) return Failed(Check::kTime);
  return absl::OkStatus();
}

// Certificates of keys for signing, and of keys for everything.
struct Certificates {
  std::vector<std::string> signing;
  std::vector<std::string> any_use;
};

absl::Status AddCertificates(XmlElement key_descriptor, Certificates& certificates) {
  const std::optional<std::string> use = key_descriptor.Attribute("use");
  if (use == "encryption") return absl::OkStatus();
  if (use.has_value() && use != "signing") return Failed(Check::kKeyUse);
  for (const XmlElement info : key_descriptor.Children(kSignatureNamespace, "KeyInfo")) {
    for (const XmlElement data : info.Children(kSignatureNamespace, "X509Data")) {
      for (const XmlElement element : data.Children(kSignatureNamespace, "X509Certificate")) {
        std::string certificate = WithoutXmlSpace(element.Text());
        if (certificate.empty()) continue;
        RETURN_IF_ERROR(CertificateDer(certificate).status());
        (use.has_value() ? certificates.signing : certificates.any_use)
            .push_back(std::move(certificate));
      }
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> CertificateDer(std::string_view base64) {
  constexpr std::string_view kBegin = "-----BEGIN CERTIFICATE-----";
  constexpr std::string_view kEnd = "-----END CERTIFICATE-----";
  auto der = crypto::Base64Decode(base64);
  if (der.ok() && der->starts_with(kBegin)) {
    const size_t end = der->find(kEnd);
    if (end == std::string::npos) return Failed(Check::kCertificate);
    der = crypto::Base64Decode(
        WithoutXmlSpace(std::string_view(*der).substr(kBegin.size(), end - kBegin.size())));
  }
  if (!der.ok() || !IsUsableCertificate(*der)) return Failed(Check::kCertificate);
  return der;
}

absl::StatusOr<IdpMetadata> ReadIdpMetadata(std::string_view xml) {
  ASSIGN_OR_RETURN(const XmlDocument document, XmlDocument::Parse(ReplaceInvalidUtf8(xml)));
  const XmlElement root = document.root();
  if (!root.Is(kMetadataNamespace, "EntityDescriptor")) return Failed(Check::kRootElement);
  RETURN_IF_ERROR(CheckValidity(root));
  IdpMetadata metadata;
  metadata.entity_id = std::string(TrimXml(root.Attribute("entityID").value_or("")));
  if (metadata.entity_id.empty()) return Failed(Check::kEntityId);
  const std::vector<XmlElement> roles = root.Children(kMetadataNamespace, "IDPSSODescriptor");
  if (roles.empty()) return Failed(Check::kRole);
  Certificates certificates;
  for (const XmlElement role : roles) {
    RETURN_IF_ERROR(CheckValidity(role));
    for (const XmlElement service : role.Children(kMetadataNamespace, "SingleSignOnService")) {
      const std::string location(TrimXml(service.Attribute("Location").value_or("")));
      const std::string binding = service.Attribute("Binding").value_or("");
      if (location.empty()) continue;
      if (TrimXml(binding) == kRedirectBinding) metadata.redirect_location = location;
      if (TrimXml(binding) == kPostBinding) metadata.post_location = location;
    }
    for (const XmlElement key : role.Children(kMetadataNamespace, "KeyDescriptor")) {
      RETURN_IF_ERROR(AddCertificates(key, certificates));
    }
  }
  RETURN_IF_ERROR(CheckLocations(metadata));
  metadata.signing_certificates = std::move(certificates.signing);
  for (std::string& certificate : certificates.any_use) {
    metadata.signing_certificates.push_back(std::move(certificate));
  }
  if (metadata.signing_certificates.empty() ||
      metadata.signing_certificates.size() > kMaxCertificates) {
    return Failed(Check::kCertificate);
  }
  return metadata;
}

}  // namespace gatehouse::saml
