#include "services/saml/authn_request.h"

#include <zlib.h>

#include "libs/base/markup.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/crypto/bytes.h"
#include "services/saml/saml_time.h"
#include "services/saml/xml_document.h"
#include "services/saml/xml_encryption.h"

namespace gatehouse::saml {
namespace {

constexpr std::string_view kPostBinding = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
constexpr int kRawDeflate = -15;
constexpr int kMemoryLevel = 8;  // zlib's default

}  // namespace

absl::StatusOr<std::string> WriteAuthnRequest(const AuthnRequest& request, const SigningKey* key) {
  // Without one the provider posts to the URL that it is configured with.
  const std::string acs_url = request.acs_url.empty() ? ""
                                                      : StrCat(" AssertionConsumerServiceURL=\"",
                                                               EscapeMarkup(request.acs_url), "\"");
  ASSIGN_OR_RETURN(XmlDocument document,
                   XmlDocument::Parse(StrCat(
                       "<samlp:AuthnRequest xmlns:samlp=\"", kProtocolNamespace, "\"", acs_url,
                       " Destination=\"", EscapeMarkup(request.destination), "\" ID=\"", request.id,
                       "\" IssueInstant=\"", WriteTime(request.issued_ms), "\" ProtocolBinding=\"",
                       kPostBinding, "\" Version=\"2.0\"><saml:Issuer xmlns:saml=\"",
                       kAssertionNamespace, "\">", EscapeMarkup(request.issuer), "</saml:Issuer>",
                       key == nullptr ? "" : SignatureTemplate(request.id, *key),
                       "<samlp:NameIDPolicy AllowCreate=\"true\"/></samlp:AuthnRequest>")));
  if (key != nullptr) RETURN_IF_ERROR(SignElement(document, document.root(), *key));
  return document.ToString();
}

std::string DeflateForRedirect(std::string_view xml) {
  z_stream stream = {};
  std::string deflated;
  if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, kRawDeflate, kMemoryLevel,
                   Z_DEFAULT_STRATEGY) != Z_OK) {
    return deflated;
  }
  deflated.resize(deflateBound(&stream, static_cast<uLong>(xml.size())));
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(xml.data()));
  stream.avail_in = static_cast<uInt>(xml.size());
  stream.next_out = reinterpret_cast<Bytef*>(deflated.data());
  stream.avail_out = static_cast<uInt>(deflated.size());
  deflate(&stream, Z_FINISH);
  deflated.resize(stream.total_out);
  deflateEnd(&stream);
  return crypto::Base64Encode(deflated);
}

std::string WriteServiceMetadata(std::string_view entity_id, std::string_view certificate_base64,
                                 int64_t valid_until_ms, bool for_encryption) {
  const auto key = [&](std::string_view use, std::string_view methods) {
    return StrCat("<md:KeyDescriptor use=\"", use, "\"><ds:KeyInfo xmlns:ds=\"",
                  kSignatureNamespace, "\"><ds:X509Data><ds:X509Certificate>", certificate_base64,
                  "</ds:X509Certificate></ds:X509Data></ds:KeyInfo>", methods,
                  "</md:KeyDescriptor>");
  };
  return StrCat("<?xml version=\"1.0\" encoding=\"UTF-8\"?><md:EntityDescriptor xmlns:md=\"",
                kMetadataNamespace, "\" entityID=\"", EscapeMarkup(entity_id), "\" validUntil=\"",
                WriteTime(valid_until_ms), "\"><md:SPSSODescriptor protocolSupportEnumeration=\"",
                kProtocolNamespace, "\">", key("signing", ""),
                for_encryption ? key("encryption", EncryptionMethods()) : "",
                "<md:NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
                "</md:NameIDFormat></md:SPSSODescriptor></md:EntityDescriptor>");
}

}  // namespace gatehouse::saml
