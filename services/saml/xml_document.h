#pragma once

// XML as identity providers send it, read by libxml2: no network, no document types, no entities
// but XML's own five, bounded in every direction.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"

struct _xmlDoc;
struct _xmlNode;

namespace gatehouse::saml {

inline constexpr std::string_view kProtocolNamespace = "urn:oasis:names:tc:SAML:2.0:protocol";
inline constexpr std::string_view kAssertionNamespace = "urn:oasis:names:tc:SAML:2.0:assertion";
inline constexpr std::string_view kMetadataNamespace = "urn:oasis:names:tc:SAML:2.0:metadata";
inline constexpr std::string_view kSignatureNamespace = "http://www.w3.org/2000/09/xmldsig#";

// The largest document that is read: a thousand groups in an assertion take about 100 kB.
inline constexpr size_t kMaxXmlBytes = 1 << 20;

// An element of a document, which outlives it. A value.
class XmlElement {
 public:
  explicit XmlElement(_xmlNode* node) : node_(node) {}

  bool Is(std::string_view ns, std::string_view local_name) const;
  std::string_view local_name() const;
  // An attribute without namespace.
  std::optional<std::string> Attribute(const char* name) const;
  std::vector<XmlElement> Children() const;
  std::vector<XmlElement> Children(std::string_view ns, std::string_view local_name) const;
  // All text below, joined; comments and processing instructions leave no gap.
  std::string Text() const;
  // The same, or nullopt when there is anything beside text and comments: for names, where it must
  // not matter what another reader makes of it.
  std::optional<std::string> PlainText() const;
  // Whether comments or processing instructions are anywhere below.
  bool HasComments() const;

  _xmlNode* node() const { return node_; }
  friend bool operator==(XmlElement a, XmlElement b) { return a.node_ == b.node_; }

 private:
  _xmlNode* node_;
};

// A document. Movable; for one thread at a time.
class XmlDocument {
 public:
  // Fails with kSize, kEncoding, kDoctype, kWellFormed or kXmlId.
  static absl::StatusOr<XmlDocument> Parse(std::string_view xml);
  XmlDocument(XmlDocument&&) noexcept;
  XmlDocument& operator=(XmlDocument&&) noexcept;
  ~XmlDocument();

  XmlElement root() const;
  // Every element, in document order.
  void ForEach(absl::FunctionRef<void(XmlElement)> visit) const;
  // The root as text, without a declaration.
  std::string ToString() const;
  _xmlDoc* doc() const { return doc_.get(); }

 private:
  struct Free {
    void operator()(_xmlDoc* doc) const;
  };
  explicit XmlDocument(_xmlDoc* doc) : doc_(doc) {}

  std::unique_ptr<_xmlDoc, Free> doc_;
};

// Without XML's white space at both ends.
std::string_view TrimXml(std::string_view text);
// Without any of it.
std::string WithoutXmlSpace(std::string_view text);

}  // namespace gatehouse::saml
