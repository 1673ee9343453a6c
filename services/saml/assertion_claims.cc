#include "services/saml/assertion_claims.h"

#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "services/saml/check.h"

namespace gatehouse::saml {
namespace {

using json::Value;

constexpr char kNameId[] = "NameID";
constexpr char kNameIdFormat[] = "NameIDFormat";
constexpr char kEmailClaim[] = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress";
constexpr char kNameClaim[] = "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name";
constexpr char kObjectIdClaim[] = "http://schemas.microsoft.com/identity/claims/objectidentifier";

absl::Status AddNameId(XmlElement name_id, Value& claims) {
  const std::optional<std::string> name = name_id.PlainText();
  if (!name.has_value() || TrimXml(*name).empty()) return Failed(Check::kNameId);
  claims.Set(kNameId, Value::Array({Value(TrimXml(*name))}));
  if (const auto format = name_id.Attribute("Format"); format.value_or("") != "") {
    claims.Set(kNameIdFormat, Value::Array({Value(*format)}));
  }
  return absl::OkStatus();
}

absl::Status AddAttribute(XmlElement attribute, Value& claims) {
  std::string name = attribute.Attribute("Name").value_or("");
  if (TrimXml(name).empty()) return Failed(Check::kAttribute);
  if (name == kNameId || name == kNameIdFormat) return absl::OkStatus();
  Value values = Value::Array();
  for (const XmlElement element : attribute.Children(kAssertionNamespace, "AttributeValue")) {
    const std::string text = element.Text();
    if (!TrimXml(text).empty()) values.Append(Value(TrimXml(text)));
  }
  if (values.size() > 0) claims.Set(std::move(name), std::move(values));
  return absl::OkStatus();
}

std::optional<std::string> First(const Value& claims, std::string_view name) {
  const Value* const values = claims.Find(name);
  if (values == nullptr || values->elements().empty()) return std::nullopt;
  const auto text = values->elements().front().AsString();
  if (!text.has_value()) return std::nullopt;
  return std::string(*text);
}

std::optional<std::string> FirstOf(const Value& claims,
                                   std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (auto value = First(claims, name)) return value;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<Value> ReadClaims(XmlElement assertion, std::optional<XmlElement> name_id) {
  Value claims = Value::Object();
  if (name_id.has_value()) RETURN_IF_ERROR(AddNameId(*name_id, claims));
  for (const XmlElement statement : assertion.Children(kAssertionNamespace, "AttributeStatement")) {
    for (const XmlElement attribute : statement.Children(kAssertionNamespace, "Attribute")) {
      RETURN_IF_ERROR(AddAttribute(attribute, claims));
    }
  }
  return claims;
}

SamlUser UserOf(const Value& claims) {
  SamlUser user;
  user.sub = FirstOf(claims, {kNameId, kObjectIdClaim, kNameClaim});
  user.email = FirstOf(claims, {kEmailClaim, "mail", "email"});
  if (!user.email.has_value()) {
    const auto name = First(claims, kNameId);
    if (name.has_value() && name->find('@') != std::string::npos) user.email = name;
  }
  return user;
}

}  // namespace gatehouse::saml
