#include "services/saml/xml_encryption.h"

#include <libxml/tree.h>

#include <array>
#include <optional>
#include <string_view>
#include <vector>

#include "libs/base/markup.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/crypto/aes_cipher.h"
#include "libs/crypto/bytes.h"
#include "services/saml/check.h"

namespace gatehouse::saml {
namespace {

using crypto::AesMode;
using crypto::OaepHash;

constexpr std::string_view kEncryptionNamespace = "http://www.w3.org/2001/04/xmlenc#";
constexpr std::string_view kEncryption11Namespace = "http://www.w3.org/2009/xmlenc11#";
constexpr std::string_view kElementType = "http://www.w3.org/2001/04/xmlenc#Element";

struct DataAlgorithm {
  std::string_view uri;
  AesMode mode;
  size_t key_bytes;
};
constexpr std::array<DataAlgorithm, 4> kDataAlgorithms = {{
    {"http://www.w3.org/2009/xmlenc11#aes256-gcm", AesMode::kGcm, 32},
    {"http://www.w3.org/2009/xmlenc11#aes128-gcm", AesMode::kGcm, 16},
    {"http://www.w3.org/2001/04/xmlenc#aes256-cbc", AesMode::kCbc, 32},
    {"http://www.w3.org/2001/04/xmlenc#aes128-cbc", AesMode::kCbc, 16},
}};

// With SHA-1 for the mask, always; and with one that it names.
constexpr std::string_view kOaepMgf1p = "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p";
constexpr std::string_view kOaep = "http://www.w3.org/2009/xmlenc11#rsa-oaep";

struct HashName {
  std::string_view uri;
  OaepHash hash;
};
// In this use SHA-1 need not resist collisions.
constexpr std::array<HashName, 5> kHashes = {{
    {"http://www.w3.org/2000/09/xmldsig#sha1", OaepHash::kSha1},
    {"http://www.w3.org/2001/04/xmlenc#sha256", OaepHash::kSha256},
    {"http://www.w3.org/2001/04/xmldsig-more#sha384", OaepHash::kSha384},
    {"http://www.w3.org/2001/04/xmlenc#sha384", OaepHash::kSha384},
    {"http://www.w3.org/2001/04/xmlenc#sha512", OaepHash::kSha512},
}};
constexpr std::array<HashName, 4> kMasks = {{
    {"http://www.w3.org/2009/xmlenc11#mgf1sha1", OaepHash::kSha1},
    {"http://www.w3.org/2009/xmlenc11#mgf1sha256", OaepHash::kSha256},
    {"http://www.w3.org/2009/xmlenc11#mgf1sha384", OaepHash::kSha384},
    {"http://www.w3.org/2009/xmlenc11#mgf1sha512", OaepHash::kSha512},
}};

// Providers encrypt the key once for each recipient. Each costs an operation with our private key.
constexpr size_t kMaxKeys = 4;

bool IsOurs(XmlElement element, std::string_view name) {
  return element.Is(kEncryptionNamespace, name);
}

std::vector<XmlElement> Named(XmlElement parent, std::string_view name) {
  return parent.Children(kEncryptionNamespace, name);
}

// The one EncryptionMethod of an EncryptedData or EncryptedKey.
absl::StatusOr<XmlElement> MethodOf(XmlElement encrypted) {
  const auto methods = Named(encrypted, "EncryptionMethod");
  if (methods.size() != 1) return Failed(Check::kEncryptionShape);
  return methods.front();
}

// The bytes in an EncryptedData or EncryptedKey, which are there themselves.
absl::StatusOr<std::string> CipherValue(XmlElement encrypted) {
  const auto data = Named(encrypted, "CipherData");
  if (data.size() != 1 || data[0].Children().size() != 1) return Failed(Check::kEncryptionShape);
  const XmlElement value = data[0].Children().front();
  if (!IsOurs(value, "CipherValue") || !value.Children().empty()) {
    return Failed(Check::kEncryptionShape);
  }
  auto bytes = crypto::Base64Decode(WithoutXmlSpace(value.Text()));
  if (!bytes.ok()) return Failed(Check::kEncryptionShape);
  return *std::move(bytes);
}

template <size_t kSize>
absl::StatusOr<OaepHash> HashOf(XmlElement element, const std::array<HashName, kSize>& names) {
  const std::string uri = element.Attribute("Algorithm").value_or("");
  for (const HashName& name : names) {
    if (name.uri == uri && element.Children().empty()) return name.hash;
  }
  return Failed(Check::kEncryptionAlgorithm);
}

struct EncryptedKey {
  std::string bytes;
  OaepHash hash = OaepHash::kSha1;
  OaepHash mask_hash = OaepHash::kSha1;
};

absl::StatusOr<EncryptedKey> ReadKey(XmlElement element) {
  EncryptedKey key;
  ASSIGN_OR_RETURN(const XmlElement method, MethodOf(element));
  const std::string algorithm = method.Attribute("Algorithm").value_or("");
  if (algorithm != kOaepMgf1p && algorithm != kOaep) return Failed(Check::kEncryptionAlgorithm);
  const auto digests = method.Children(kSignatureNamespace, "DigestMethod");
  const auto masks = method.Children(kEncryption11Namespace, "MGF");
  if (digests.size() > 1 || masks.size() > (algorithm == kOaep ? 1 : 0) ||
      method.Children().size() != digests.size() + masks.size()) {
    return Failed(Check::kEncryptionAlgorithm);
  }
  if (!digests.empty()) {
    ASSIGN_OR_RETURN(key.hash, HashOf(digests[0], kHashes));
  }
  if (!masks.empty()) {
    ASSIGN_OR_RETURN(key.mask_hash, HashOf(masks[0], kMasks));
  }
  ASSIGN_OR_RETURN(key.bytes, CipherValue(element));
  return key;
}

// Within the EncryptedData, or beside it.
absl::StatusOr<std::vector<EncryptedKey>> ReadKeys(XmlElement encrypted, XmlElement data) {
  std::vector<XmlElement> elements = Named(encrypted, "EncryptedKey");
  for (const XmlElement info : data.Children(kSignatureNamespace, "KeyInfo")) {
    for (const XmlElement element : Named(info, "EncryptedKey")) elements.push_back(element);
  }
  if (elements.empty() || elements.size() > kMaxKeys) return Failed(Check::kEncryptionShape);
  std::vector<EncryptedKey> keys;
  for (const XmlElement element : elements) {
    ASSIGN_OR_RETURN(keys.emplace_back(), ReadKey(element));
  }
  return keys;
}

absl::StatusOr<DataAlgorithm> AlgorithmOf(XmlElement data) {
  ASSIGN_OR_RETURN(const XmlElement method, MethodOf(data));
  const std::string uri = method.Attribute("Algorithm").value_or("");
  for (const DataAlgorithm& known : kDataAlgorithms) {
    if (known.uri == uri && method.Children().empty()) return known;
  }
  return Failed(Check::kEncryptionAlgorithm);
}

// The key that the text is encrypted with; a wrong one, made up, if none of them is for us: then
// the time of what follows does not say so.
std::string ContentKey(const std::vector<EncryptedKey>& keys, size_t key_bytes,
                       const crypto::RsaKeyPair& pair) {
  std::string found = crypto::RandomBytes(key_bytes);
  for (const EncryptedKey& key : keys) {
    std::optional<std::string> decrypted = pair.DecryptOaep(key.bytes, key.hash, key.mask_hash);
    if (!decrypted.has_value()) continue;
    const crypto::ScopedWipe wipe(*decrypted);
    if (decrypted->size() == key_bytes) found = *decrypted;
  }
  return found;
}

// An element with a name of no meaning that declares what is declared at `element`.
std::string OpeningTag(const XmlDocument& document, XmlElement element) {
  std::string tag = "<x";
  xmlNs** const all = xmlGetNsList(document.doc(), element.node());
  for (xmlNs** at = all; at != nullptr && *at != nullptr; ++at) {
    const xmlNs& one = **at;
    const auto* const prefix = reinterpret_cast<const char*>(one.prefix);
    if (one.href == nullptr || (prefix != nullptr && std::string_view(prefix) == "xml")) continue;
    tag += StrCat(prefix == nullptr ? " xmlns" : StrCat(" xmlns:", prefix), "=\"",
                  EscapeMarkup(reinterpret_cast<const char*>(one.href)), "\"");
  }
  xmlFree(all);
  return tag + ">";
}

}  // namespace

bool HasEncryption(const XmlDocument& document) {
  bool found = false;
  document.ForEach([&](XmlElement element) {
    found = found || element.Is(kEncryptionNamespace, "EncryptedData");
  });
  return found;
}

absl::StatusOr<XmlDocument> Decrypt(const XmlDocument& document, XmlElement encrypted,
                                    const crypto::RsaKeyPair& pair) {
  const auto all_data = Named(encrypted, "EncryptedData");
  if (all_data.size() != 1) return Failed(Check::kEncryptionShape);
  const XmlElement data = all_data.front();
  if (data.Attribute("Type").value_or(std::string(kElementType)) != kElementType) {
    return Failed(Check::kEncryptionShape);
  }
  ASSIGN_OR_RETURN(const DataAlgorithm algorithm, AlgorithmOf(data));
  ASSIGN_OR_RETURN(const std::string bytes, CipherValue(data));
  ASSIGN_OR_RETURN(const std::vector<EncryptedKey> keys, ReadKeys(encrypted, data));

  std::string key = ContentKey(keys, algorithm.key_bytes, pair);
  const crypto::ScopedWipe wipe(key);
  const auto text = crypto::DecryptAes(algorithm.mode, key, bytes);
  if (!text.has_value()) return Failed(Check::kDecryption);
  // A text that closes the element ends the document, and what comes after is an error.
  auto decrypted = XmlDocument::Parse(StrCat(OpeningTag(document, encrypted), *text, "</x>"));
  if (!decrypted.ok() || decrypted->root().Children().size() != 1) {
    return Failed(Check::kDecryption);
  }
  return decrypted;
}

std::string EncryptionMethods() {
  std::string methods;
  for (const DataAlgorithm& one : kDataAlgorithms) {
    methods += StrCat("<md:EncryptionMethod Algorithm=\"", one.uri, "\"/>");
  }
  for (const std::string_view uri : {kOaep, kOaepMgf1p}) {
    methods += StrCat("<md:EncryptionMethod Algorithm=\"", uri, "\"/>");
  }
  return methods;
}

}  // namespace gatehouse::saml
