#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "libs/base/json.h"
#include "services/saml/xml_document.h"

namespace gatehouse::saml {

// What a verified assertion says about its subject: name -> array of strings. NameID and
// NameIDFormat are the subject's, never attributes of these names. Of attributes with one name the
// last one counts. `name_id` is the subject's, if it has one. Fails with kNameId or kAttribute.
absl::StatusOr<json::Value> ReadClaims(XmlElement assertion, std::optional<XmlElement> name_id);

// The user that claims are about, as the original derives them.
struct SamlUser {
  std::optional<std::string> sub;
  std::optional<std::string> email;
};
SamlUser UserOf(const json::Value& claims);

}  // namespace gatehouse::saml
