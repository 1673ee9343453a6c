#include "services/saml/check.h"

#include <array>
#include <string>

namespace gatehouse::saml {
namespace {

// In the order of Check.
constexpr std::array<std::string_view, 45> kNames = {
    "BASE64",
    "SIZE",
    "ENCODING",
    "DOCTYPE",
    "WELL_FORMED",
    "XML_ID",
    "ROOT_ELEMENT",
    "TIME",
    "VERSION",
    "ENTITY_ID",
    "ROLE",
    "SINGLE_SIGN_ON",
    "KEY_USE",
    "CERTIFICATE",
    "UNSIGNED",
    "SEVERAL_SIGNATURES",
    "SIGNATURE_SHAPE",
    "SEVERAL_REFERENCES",
    "REFERENCE_ELSEWHERE",
    "ELEMENT_ID",
    "DUPLICATE_ID",
    "TRANSFORM",
    "CANONICALIZATION",
    "SIGNATURE_ALGORITHM",
    "DIGEST_ALGORITHM",
    "SIGNATURE_VALUE",
    "ENCRYPTION_SHAPE",
    "ENCRYPTION_ALGORITHM",
    "DECRYPTION",
    "STATUS",
    "ISSUER",
    "DESTINATION",
    "IN_RESPONSE_TO",
    "ISSUE_INSTANT",
    "ONE_ASSERTION",
    "SUBJECT",
    "NAME_ID",
    "SUBJECT_CONFIRMATION",
    "RECIPIENT",
    "CONFIRMATION_TIME",
    "CONDITIONS",
    "CONDITIONS_TIME",
    "AUDIENCE",
    "ATTRIBUTE",
    "REPLAY",
};
static_assert(kNames.size() > static_cast<size_t>(Check::kReplay));
static_assert(kNames[static_cast<size_t>(Check::kReplay)] == "REPLAY");

}  // namespace

std::string_view CheckName(Check check) { return kNames[static_cast<size_t>(check)]; }

absl::Status Failed(Check check) {
  const std::string_view name = CheckName(check);
  return absl::InvalidArgumentError(absl::string_view(name.data(), name.size()));
}

bool IsFailed(const absl::Status& status, Check check) {
  return absl::IsInvalidArgument(status) && std::string(status.message()) == CheckName(check);
}

bool IsMalformed(const absl::Status& status) {
  for (const Check check :
       {Check::kBase64, Check::kSize, Check::kEncoding, Check::kDoctype, Check::kWellFormed,
        Check::kXmlId, Check::kRootElement, Check::kTime, Check::kVersion}) {
    if (IsFailed(status, check)) return true;
  }
  return false;
}

}  // namespace gatehouse::saml
