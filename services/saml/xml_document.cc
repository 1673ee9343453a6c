#include "services/saml/xml_document.h"

#include <libxml/parser.h>
#include <libxml/tree.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "libs/base/status.h"
#include "services/saml/check.h"

namespace gatehouse::saml {
namespace {

constexpr size_t kMaxDepth = 64;
constexpr int kMaxElements = 20'000;
// libxml2 compares each attribute of an element with each.
constexpr int kMaxAttributes = 64;
// In scope at one element: libxml2 and canonicalization look at all of them for each.
constexpr int kMaxNamespaces = 64;
// The sum of their squares over all elements: inclusive canonicalization looks each of them up
// among all of them.
constexpr int kMaxLookUps = 2'000'000;

std::string_view View(const xmlChar* text) {
  return text == nullptr ? std::string_view() : reinterpret_cast<const char*>(text);
}
const xmlChar* Xml(const char* text) { return reinterpret_cast<const xmlChar*>(text); }

bool IsXmlSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

void Ignore(void*, const char*, ...) {}
void IgnoreStructured(void*, xmlErrorPtr) {}

// libxml2 would write parts of the document to the standard error.
void Quieten() {
  static std::once_flag once;
  std::call_once(once, xmlInitParser);
  thread_local const bool quiet = [] {
    xmlSetGenericErrorFunc(nullptr, Ignore);
    xmlSetStructuredErrorFunc(nullptr, IgnoreStructured);
    return true;
  }();
  (void)quiet;
}

// What the XML declaration names, "" if nothing.
std::string DeclaredEncoding(std::string_view xml) {
  if (!xml.starts_with("<?xml") || xml.size() < 6 || !IsXmlSpace(xml[5])) return "";
  const std::string_view declaration = xml.substr(0, xml.find("?>"));
  const size_t name = declaration.find("encoding");
  if (name == std::string_view::npos) return "";
  const size_t quote = declaration.find_first_of("\"'", name);
  if (quote == std::string_view::npos) return "?";
  const size_t end = declaration.find(declaration[quote], quote + 1);
  if (end == std::string_view::npos) return "?";
  std::string encoding(declaration.substr(quote + 1, end - quote - 1));
  std::transform(encoding.begin(), encoding.end(), encoding.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return encoding;
}

struct Tag {
  int attributes = 0;
  int namespaces = 0;  // declarations among them
  bool is_empty = false;
};

// The tag that begins at `at`, which moves to its end.
Tag ReadTag(std::string_view xml, size_t& at) {
  Tag tag;
  char quote = 0;
  for (++at; at < xml.size() && (quote != 0 || xml[at] != '>'); ++at) {
    const char c = xml[at];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '"' || c == '\'') {
      quote = c;
      ++tag.attributes;
    } else if (c == 'x' && xml.substr(at).starts_with("xmlns") &&
               (IsXmlSpace(xml[at - 1]) || xml[at - 1] == '"' || xml[at - 1] == '\'')) {
      ++tag.namespaces;
    }
  }
  tag.is_empty = xml[at - 1] == '/';
  return tag;
}

// What must be known before libxml2 reads the document: that no declaration changes the meaning of
// what follows, and that nothing costs it time by a square. In an encoding that has its markup in
// the bytes of ASCII.
absl::Status CheckMarkup(std::string_view xml) {
  std::vector<int> open;  // how many namespaces each open element declares
  int elements = 0;
  int namespaces = 0;
  int look_ups = 0;
  size_t at = 0;
  const auto skip = [&](std::string_view end) {
    const size_t found = xml.find(end, at);
    at = found == std::string_view::npos ? xml.size() : found + end.size();
  };
  while (true) {
    at = xml.find('<', at);
    if (at == std::string_view::npos) return absl::OkStatus();
    const std::string_view rest = xml.substr(at);
    if (rest.starts_with("<!--")) {
      at += 4;
      skip("-->");
    } else if (rest.starts_with("<![CDATA[")) {
      skip("]]>");
    } else if (rest.starts_with("<!")) {
      return Failed(Check::kDoctype);
    } else if (rest.starts_with("<?")) {
      skip("?>");
    } else if (rest.starts_with("</")) {
      if (open.empty()) return Failed(Check::kWellFormed);
      namespaces -= open.back();
      open.pop_back();
      ++at;
    } else {
      const Tag tag = ReadTag(xml, at);
      namespaces += tag.namespaces;
      if (++elements > kMaxElements || open.size() >= kMaxDepth ||
          tag.attributes > kMaxAttributes || namespaces > kMaxNamespaces) {
        return Failed(Check::kSize);
      }
      look_ups += namespaces * namespaces;
      if (look_ups > kMaxLookUps) return Failed(Check::kSize);
      if (tag.is_empty) {
        namespaces -= tag.namespaces;
      } else {
        open.push_back(tag.namespaces);
      }
    }
  }
}

template <typename Visit>
void ForEachBelow(xmlNode* top, Visit visit) {
  xmlNode* node = top->children;
  while (node != nullptr) {
    visit(node);
    if (node->type == XML_ELEMENT_NODE && node->children != nullptr) {
      node = node->children;
      continue;
    }
    while (node != top && node->next == nullptr) node = node->parent;
    if (node == top) return;
    node = node->next;
  }
}

absl::Status CheckTree(xmlNode* root) {
  absl::Status status;
  const auto check = [&](xmlNode* node) {
    if (node->type == XML_ENTITY_REF_NODE) status.Update(Failed(Check::kWellFormed));
    if (node->type == XML_ELEMENT_NODE &&
        xmlHasNsProp(node, Xml("id"), XML_XML_NAMESPACE) != nullptr) {
      status.Update(Failed(Check::kXmlId));
    }
  };
  check(root);
  ForEachBelow(root, check);
  return status;
}

bool IsText(const xmlNode* node) {
  return node->type == XML_TEXT_NODE || node->type == XML_CDATA_SECTION_NODE;
}

}  // namespace

bool XmlElement::Is(std::string_view ns, std::string_view local_name) const {
  return View(node_->name) == local_name && node_->ns != nullptr && View(node_->ns->href) == ns;
}

std::string_view XmlElement::local_name() const { return View(node_->name); }

std::optional<std::string> XmlElement::Attribute(const char* name) const {
  if (xmlHasNsProp(node_, Xml(name), nullptr) == nullptr) return std::nullopt;
  xmlChar* value = xmlGetNoNsProp(node_, Xml(name));
  if (value == nullptr) return std::nullopt;
  std::string copy(View(value));
  xmlFree(value);
  return copy;
}

std::vector<XmlElement> XmlElement::Children() const {
  std::vector<XmlElement> children;
  for (xmlNode* child = node_->children; child != nullptr; child = child->next) {
    if (child->type == XML_ELEMENT_NODE) children.emplace_back(child);
  }
  return children;
}

std::vector<XmlElement> XmlElement::Children(std::string_view ns,
                                             std::string_view local_name) const {
  std::vector<XmlElement> children = Children();
  std::erase_if(children, [&](XmlElement child) { return !child.Is(ns, local_name); });
  return children;
}

std::string XmlElement::Text() const {
  std::string text;
  ForEachBelow(node_, [&](const xmlNode* node) {
    if (IsText(node)) text += View(node->content);
  });
  return text;
}

std::optional<std::string> XmlElement::PlainText() const {
  std::string text;
  for (const xmlNode* child = node_->children; child != nullptr; child = child->next) {
    if (child->type == XML_COMMENT_NODE) continue;
    if (!IsText(child)) return std::nullopt;
    text += View(child->content);
  }
  return text;
}

bool XmlElement::HasComments() const {
  bool found = false;
  ForEachBelow(node_, [&](const xmlNode* node) {
    found = found || node->type == XML_COMMENT_NODE || node->type == XML_PI_NODE;
  });
  return found;
}

void XmlDocument::Free::operator()(_xmlDoc* doc) const { xmlFreeDoc(doc); }
XmlDocument::XmlDocument(XmlDocument&&) noexcept = default;
XmlDocument& XmlDocument::operator=(XmlDocument&&) noexcept = default;
XmlDocument::~XmlDocument() = default;

absl::StatusOr<XmlDocument> XmlDocument::Parse(std::string_view xml) {
  Quieten();
  if (xml.size() > kMaxXmlBytes) return Failed(Check::kSize);
  if (xml.starts_with("\xEF\xBB\xBF")) xml.remove_prefix(3);
  if (xml.find('\0') != std::string_view::npos) return Failed(Check::kEncoding);
  std::string encoding = DeclaredEncoding(xml);
  // Named to libxml2, which otherwise guesses from the first bytes, as it does EBCDIC.
  if (encoding.empty()) encoding = "UTF-8";
  if (encoding != "UTF-8" && encoding != "US-ASCII" && encoding != "ISO-8859-1") {
    return Failed(Check::kEncoding);
  }
  RETURN_IF_ERROR(CheckMarkup(xml));
  // Without entities that are replaced, and without XML_PARSE_HUGE: libxml2's own limits hold.
  const std::unique_ptr<xmlParserCtxt, decltype(&xmlFreeParserCtxt)> parser(xmlNewParserCtxt(),
                                                                            xmlFreeParserCtxt);
  if (parser == nullptr) return absl::ResourceExhaustedError("no memory for a document");
  XmlDocument document(xmlCtxtReadMemory(
      parser.get(), xml.data(), static_cast<int>(xml.size()), nullptr, encoding.c_str(),
      XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING));
  // A prefix that is not declared is no error by XML itself.
  if (document.doc_ == nullptr || parser->nsWellFormed != 1) return Failed(Check::kWellFormed);
  if (document.doc()->intSubset != nullptr || document.doc()->extSubset != nullptr) {
    return Failed(Check::kDoctype);
  }
  xmlNode* const root = xmlDocGetRootElement(document.doc());
  if (root == nullptr) return Failed(Check::kWellFormed);
  RETURN_IF_ERROR(CheckTree(root));
  return document;
}

XmlElement XmlDocument::root() const { return XmlElement(xmlDocGetRootElement(doc_.get())); }

void XmlDocument::ForEach(absl::FunctionRef<void(XmlElement)> visit) const {
  visit(root());
  ForEachBelow(root().node(), [&](xmlNode* node) {
    if (node->type == XML_ELEMENT_NODE) visit(XmlElement(node));
  });
}

std::string XmlDocument::ToString() const {
  const std::unique_ptr<xmlBuffer, decltype(&xmlBufferFree)> buffer(xmlBufferCreate(),
                                                                    xmlBufferFree);
  xmlNodeDump(buffer.get(), doc_.get(), root().node(), 0, 0);
  return std::string(View(xmlBufferContent(buffer.get())));
}

std::string_view TrimXml(std::string_view text) {
  while (!text.empty() && IsXmlSpace(text.front())) text.remove_prefix(1);
  while (!text.empty() && IsXmlSpace(text.back())) text.remove_suffix(1);
  return text;
}

std::string WithoutXmlSpace(std::string_view text) {
  std::string result(text);
  std::erase_if(result, IsXmlSpace);
  return result;
}

}  // namespace gatehouse::saml
