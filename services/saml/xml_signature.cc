#include "services/saml/xml_signature.h"

#include <libxml/tree.h>
#include <libxml/valid.h>
#include <openssl/err.h>
#include <xmlsec/base64.h>
#include <xmlsec/crypto.h>
#include <xmlsec/errors.h>
#include <xmlsec/xmldsig.h>
#include <xmlsec/xmlsec.h>

#include <algorithm>
#include <array>
#include <memory>
#include <mutex>

#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "services/saml/check.h"

namespace gatehouse::saml {
namespace {

constexpr std::string_view kEnveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
constexpr std::string_view kExclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
constexpr std::string_view kExclusiveWithComments =
    "http://www.w3.org/2001/10/xml-exc-c14n#WithComments";
constexpr std::string_view kInclusive = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315";

struct Algorithm {
  std::string_view uri;
  bool is_elliptic = false;
  bool is_weak = false;
};
constexpr std::array<Algorithm, 8> kSignatureAlgorithms = {{
    {"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"},
    {"http://www.w3.org/2001/04/xmldsig-more#rsa-sha384"},
    {"http://www.w3.org/2001/04/xmldsig-more#rsa-sha512"},
    {"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", true},
    {"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", true},
    {"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512", true},
    {"http://www.w3.org/2000/09/xmldsig#rsa-sha1", false, true},
    {"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1", true, true},
}};
constexpr std::array<Algorithm, 4> kDigestAlgorithms = {{
    {"http://www.w3.org/2001/04/xmlenc#sha256"},
    {"http://www.w3.org/2001/04/xmldsig-more#sha384"},
    {"http://www.w3.org/2001/04/xmlenc#sha512"},
    {"http://www.w3.org/2000/09/xmldsig#sha1", false, true},
}};

constexpr unsigned kMinRsaBits = 2048;
constexpr unsigned kMinWeakRsaBits = 1024;
constexpr unsigned kMaxRsaBits = 8192;  // beyond that a verification would cost too much
constexpr size_t kMaxIdBytes = 256;
constexpr size_t kMaxPrefixListBytes = 256;

struct FreeKey {
  void operator()(xmlSecKey* key) const { xmlSecKeyDestroy(key); }
};
using KeyPtr = std::unique_ptr<xmlSecKey, FreeKey>;
struct FreeContext {
  void operator()(xmlSecDSigCtx* context) const { xmlSecDSigCtxDestroy(context); }
};
using ContextPtr = std::unique_ptr<xmlSecDSigCtx, FreeContext>;

void Ignore(const char*, int, const char*, const char*, const char*, int, const char*) {}

// False if the library does not work at all.
bool Ready() {
  static const bool ready = [] {
    xmlInitParser();
    if (xmlSecInit() < 0 || xmlSecCryptoAppInit(nullptr) < 0 || xmlSecCryptoInit() < 0) {
      return false;
    }
    // Its messages have parts of documents in them.
    xmlSecErrorsSetCallback(Ignore);
    return true;
  }();
  return ready;
}

const xmlSecByte* Bytes(std::string_view text) {
  return reinterpret_cast<const xmlSecByte*>(text.data());
}
const xmlChar* Xml(const std::string& text) {
  return reinterpret_cast<const xmlChar*>(text.c_str());
}

// libxmlsec1 leaves errors in OpenSSL's queue of the thread, where TLS would take them for those of
// a connection.
struct ErrorsEnd {
  ErrorsEnd() = default;
  ErrorsEnd(const ErrorsEnd&) = delete;
  ErrorsEnd& operator=(const ErrorsEnd&) = delete;
  ~ErrorsEnd() { ERR_clear_error(); }
};

KeyPtr KeyOf(std::string_view certificate_der) {
  if (!Ready()) return nullptr;
  const ErrorsEnd errors_end;
  return KeyPtr(xmlSecCryptoAppKeyLoadMemory(
      Bytes(certificate_der), static_cast<xmlSecSize>(certificate_der.size()),
      xmlSecKeyDataFormatCertDer, nullptr, nullptr, nullptr));
}

bool IsRsa(const KeyPtr& key) {
  return xmlSecKeyDataCheckId(xmlSecKeyGetValue(key.get()), xmlSecKeyDataRsaId);
}
bool IsElliptic(const KeyPtr& key) {
  return xmlSecKeyDataCheckId(xmlSecKeyGetValue(key.get()), xmlSecKeyDataEcdsaId);
}

// A key that may make signatures by `algorithm`.
bool Fits(const KeyPtr& key, const Algorithm& algorithm, bool allow_weak) {
  if (algorithm.is_elliptic) return IsElliptic(key);
  const xmlSecSize bits = IsRsa(key) ? xmlSecKeyDataGetSize(xmlSecKeyGetValue(key.get())) : 0;
  return bits >= (allow_weak ? kMinWeakRsaBits : kMinRsaBits) && bits <= kMaxRsaBits;
}

bool IsPlainId(std::string_view id) {
  return !id.empty() && id.size() <= kMaxIdBytes && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

// The children of `parent` are elements of XML signatures with these names and nothing else.
bool Has(XmlElement parent, std::initializer_list<std::string_view> names) {
  const std::vector<XmlElement> children = parent.Children();
  return std::equal(
      children.begin(), children.end(), names.begin(), names.end(),
      [](XmlElement child, std::string_view name) { return child.Is(kSignatureNamespace, name); });
}

// Exclusive canonicalization may name prefixes that it treats as inclusive.
bool HasPlainParameters(XmlElement method, std::string_view algorithm) {
  const std::vector<XmlElement> children = method.Children();
  if (children.empty()) return true;
  if (children.size() > 1 || !algorithm.starts_with(kExclusive)) return false;
  return children.front().Is(kExclusive, "InclusiveNamespaces") &&
         children.front().Children().empty() &&
         children.front().Attribute("PrefixList").value_or("").size() <= kMaxPrefixListBytes;
}

absl::Status CheckTransforms(XmlElement transforms) {
  const std::vector<XmlElement> steps = transforms.Children(kSignatureNamespace, "Transform");
  if (steps.size() != transforms.Children().size() || steps.empty() || steps.size() > 2) {
    return Failed(Check::kTransform);
  }
  if (steps[0].Attribute("Algorithm") != kEnveloped || !steps[0].Children().empty()) {
    return Failed(Check::kTransform);
  }
  if (steps.size() == 1) return absl::OkStatus();
  const std::string second = steps[1].Attribute("Algorithm").value_or("");
  if ((second != kExclusive && second != kExclusiveWithComments) ||
      !HasPlainParameters(steps[1], second)) {
    return Failed(Check::kTransform);
  }
  return absl::OkStatus();
}

// The reference is to `id`, and what is digested is the element there without the signature.
absl::Status CheckReference(XmlElement reference, std::string_view id, bool allow_weak) {
  if (reference.Attribute("URI") != StrCat("#", id)) return Failed(Check::kReferenceElsewhere);
  const std::vector<XmlElement> parts = reference.Children();
  if (parts.empty() || !parts[0].Is(kSignatureNamespace, "Transforms")) {
    return Failed(Check::kTransform);
  }
  if (!Has(reference, {"Transforms", "DigestMethod", "DigestValue"}) ||
      !parts[1].Children().empty() || !parts[2].Children().empty()) {
    return Failed(Check::kSignatureShape);
  }
  RETURN_IF_ERROR(CheckTransforms(parts[0]));
  const std::string digest = parts[1].Attribute("Algorithm").value_or("");
  if (std::none_of(kDigestAlgorithms.begin(), kDigestAlgorithms.end(), [&](const auto& known) {
        return known.uri == digest && (!known.is_weak || allow_weak);
      })) {
    return Failed(Check::kDigestAlgorithm);
  }
  return absl::OkStatus();
}

// The shape of a signature, as the standard has it and SAML narrows it. Returns the algorithm.
absl::StatusOr<Algorithm> CheckShape(XmlElement signature, std::string_view id, bool allow_weak) {
  if (!Has(signature, {"SignedInfo", "SignatureValue"}) &&
      !Has(signature, {"SignedInfo", "SignatureValue", "KeyInfo"})) {
    return Failed(Check::kSignatureShape);
  }
  const XmlElement signed_info = signature.Children()[0];
  if (signed_info.HasComments() || signature.Children()[1].HasComments()) {
    return Failed(Check::kSignatureShape);
  }
  const size_t references = signed_info.Children(kSignatureNamespace, "Reference").size();
  if (references > 1) return Failed(Check::kSeveralReferences);
  if (!Has(signed_info, {"CanonicalizationMethod", "SignatureMethod", "Reference"})) {
    return Failed(Check::kSignatureShape);
  }
  const std::vector<XmlElement> parts = signed_info.Children();
  RETURN_IF_ERROR(CheckReference(parts[2], id, allow_weak));
  const std::string canonicalization = parts[0].Attribute("Algorithm").value_or("");
  if ((canonicalization != kExclusive && canonicalization != kExclusiveWithComments &&
       canonicalization != kInclusive) ||
      !HasPlainParameters(parts[0], canonicalization)) {
    return Failed(Check::kCanonicalization);
  }
  const std::string method = parts[1].Attribute("Algorithm").value_or("");
  const auto* const algorithm =
      std::find_if(kSignatureAlgorithms.begin(), kSignatureAlgorithms.end(),
                   [&](const auto& known) { return known.uri == method; });
  if (algorithm == kSignatureAlgorithms.end() || (algorithm->is_weak && !allow_weak) ||
      !parts[1].Children().empty()) {
    return Failed(Check::kSignatureAlgorithm);
  }
  return *algorithm;
}

// No other element has the id, whichever attribute another reader may take for it.
absl::Status CheckUniqueId(const XmlDocument& document, XmlElement element, std::string_view id) {
  bool unique = true;
  document.ForEach([&](XmlElement other) {
    if (other == element) return;
    for (const char* name : {"ID", "Id", "id"}) {
      unique = unique && other.Attribute(name) != id;
    }
  });
  return unique ? absl::OkStatus() : Failed(Check::kDuplicateId);
}

// Makes an element's ID known to the document while it lives: no other one is.
class KnownId {
 public:
  KnownId(const XmlDocument& document, XmlElement element, const std::string& id)
      : doc_(document.doc()), attribute_(xmlHasNsProp(element.node(), Xml("ID"), nullptr)) {
    known_ = attribute_ != nullptr && xmlAddID(nullptr, doc_, Xml(id), attribute_) != nullptr &&
             xmlGetID(doc_, Xml(id)) == attribute_;
  }
  ~KnownId() {
    if (known_) xmlRemoveID(doc_, attribute_);
  }
  KnownId(const KnownId&) = delete;
  KnownId& operator=(const KnownId&) = delete;
  bool known() const { return known_; }

 private:
  xmlDoc* const doc_;
  xmlAttr* const attribute_;
  bool known_ = false;
};

ContextPtr NewContext(KeyPtr key) {
  ContextPtr context(xmlSecDSigCtxCreate(nullptr));
  if (context == nullptr) return nullptr;
  context->signKey = key.release();
  // References by id are looked up, and not made into XPath expressions.
  context->flags = XMLSEC_DSIG_FLAGS_USE_VISA3D_HACK;
  context->enabledReferenceUris = xmlSecTransformUriTypeSameDocument;
  for (const auto transform :
       {xmlSecTransformEnvelopedId, xmlSecTransformExclC14NId,
        xmlSecTransformExclC14NWithCommentsId, xmlSecTransformSha1Id, xmlSecTransformSha256Id,
        xmlSecTransformSha384Id, xmlSecTransformSha512Id, xmlSecTransformInclC14NId}) {
    if (xmlSecDSigCtxEnableReferenceTransform(context.get(), transform) < 0) return nullptr;
  }
  return context;
}

bool Verifies(XmlElement signature, KeyPtr key) {
  const ErrorsEnd errors_end;
  const ContextPtr context = NewContext(std::move(key));
  return context != nullptr && xmlSecDSigCtxVerify(context.get(), signature.node()) == 0 &&
         context->status == xmlSecDSigStatusSucceeded &&
         xmlSecPtrListGetSize(&context->signedInfoReferences) == 1 &&
         xmlSecPtrListGetSize(&context->manifestReferences) == 0;
}

}  // namespace

bool IsUsableCertificate(std::string_view certificate_der) {
  const KeyPtr key = KeyOf(certificate_der);
  return key != nullptr && (IsRsa(key) || IsElliptic(key));
}

bool IsSigned(XmlElement element) {
  return !element.Children(kSignatureNamespace, "Signature").empty();
}

absl::Status VerifySignature(const XmlDocument& document, XmlElement element,
                             const std::vector<std::string>& certificates_der, bool allow_weak) {
  const std::vector<XmlElement> signatures = element.Children(kSignatureNamespace, "Signature");
  if (signatures.empty()) return Failed(Check::kUnsigned);
  if (signatures.size() > 1) return Failed(Check::kSeveralSignatures);
  const std::string id = element.Attribute("ID").value_or("");
  if (!IsPlainId(id)) return Failed(Check::kElementId);
  ASSIGN_OR_RETURN(const Algorithm algorithm, CheckShape(signatures[0], id, allow_weak));
  RETURN_IF_ERROR(CheckUniqueId(document, element, id));
  const KnownId known(document, element, id);
  if (!known.known()) return Failed(Check::kDuplicateId);
  for (const std::string& certificate : certificates_der) {
    KeyPtr key = KeyOf(certificate);
    if (key == nullptr || !Fits(key, algorithm, allow_weak)) continue;
    if (Verifies(signatures[0], std::move(key))) return absl::OkStatus();
  }
  return Failed(Check::kSignatureValue);
}

std::string SignatureTemplate(std::string_view id, const SigningKey& key) {
  return StrCat("<ds:Signature xmlns:ds=\"", kSignatureNamespace,
                "\"><ds:SignedInfo><ds:CanonicalizationMethod Algorithm=\"", kExclusive,
                "\"/><ds:SignatureMethod Algorithm=\"", kSignatureAlgorithms[0].uri,
                "\"/><ds:Reference URI=\"#", id, "\"><ds:Transforms><ds:Transform Algorithm=\"",
                kEnveloped, "\"/><ds:Transform Algorithm=\"", kExclusive,
                "\"/></ds:Transforms><ds:DigestMethod Algorithm=\"", kDigestAlgorithms[0].uri,
                "\"/><ds:DigestValue/></ds:Reference></ds:SignedInfo><ds:SignatureValue/>"
                "<ds:KeyInfo><ds:X509Data><ds:X509Certificate>",
                key.certificate_base64,
                "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>");
}

absl::Status SignElement(XmlDocument& document, XmlElement element, const SigningKey& key) {
  const std::vector<XmlElement> signatures = element.Children(kSignatureNamespace, "Signature");
  if (!Ready() || signatures.size() != 1) return absl::InternalError("no signature to fill in");
  const ErrorsEnd errors_end;
  KeyPtr private_key(xmlSecCryptoAppKeyLoadMemory(
      Bytes(key.pkcs8_der), static_cast<xmlSecSize>(key.pkcs8_der.size()), xmlSecKeyDataFormatDer,
      nullptr, nullptr, nullptr));
  if (private_key == nullptr) return absl::InternalError("the key of SAML can't be read");
  const KnownId known(document, element, element.Attribute("ID").value_or(""));
  const ContextPtr context = NewContext(std::move(private_key));
  if (!known.known() || context == nullptr ||
      xmlSecDSigCtxSign(context.get(), signatures[0].node()) < 0 ||
      context->status != xmlSecDSigStatusSucceeded) {
    return absl::InternalError("signing failed");
  }
  return absl::OkStatus();
}

}  // namespace gatehouse::saml
