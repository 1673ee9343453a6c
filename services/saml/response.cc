#include "services/saml/response.h"

#include <algorithm>

#include "libs/base/status.h"
#include "libs/crypto/bytes.h"
#include "services/saml/assertion_claims.h"
#include "services/saml/check.h"
#include "services/saml/saml_time.h"
#include "services/saml/xml_encryption.h"
#include "services/saml/xml_signature.h"

namespace gatehouse::saml {
namespace {

constexpr std::string_view kSuccess = "urn:oasis:names:tc:SAML:2.0:status:Success";
constexpr std::string_view kBearer = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
constexpr std::string_view kVersion = "2.0";

// The original's. A response comes from the provider by way of the browser, at once.
constexpr int64_t kMaxAgeMs = 300'000;
// By which clocks may differ.
constexpr int64_t kToleranceMs = 10'000;
constexpr int64_t kDriftMs = 180'000;

struct Clock {
  int64_t now_ms;
  int64_t tolerance_ms;
  bool IsReached(int64_t from_ms) const { return from_ms <= now_ms + tolerance_ms; }
  bool IsBefore(int64_t until_ms) const { return now_ms - tolerance_ms < until_ms; }
};

// The time in an attribute: nullopt when there is no such attribute.
absl::StatusOr<std::optional<int64_t>> TimeAttribute(XmlElement element, const char* name) {
  const std::optional<std::string> text = element.Attribute(name);
  if (!text.has_value()) return std::optional<int64_t>();
  const std::optional<int64_t> time = ReadTime(*text);
  if (!time.has_value()) return Failed(Check::kTime);
  return time;
}

// Fails with `check` unless NotBefore and NotOnOrAfter, where they are, have now between them.
absl::Status CheckWindow(XmlElement element, const Clock& clock, Check check) {
  ASSIGN_OR_RETURN(const auto from, TimeAttribute(element, "NotBefore"));
  ASSIGN_OR_RETURN(const auto until, TimeAttribute(element, "NotOnOrAfter"));
  if (from.has_value() && !clock.IsReached(*from)) return Failed(check);
  if (until.has_value() && !clock.IsBefore(*until)) return Failed(check);
  return absl::OkStatus();
}

// The time at which a response or assertion was made.
absl::StatusOr<int64_t> CheckIssueInstant(XmlElement element, const Clock& clock) {
  ASSIGN_OR_RETURN(const auto issued, TimeAttribute(element, "IssueInstant"));
  if (!issued.has_value() || !clock.IsReached(*issued - kMaxAgeMs) ||
      !clock.IsBefore(*issued + kMaxAgeMs)) {
    return Failed(Check::kIssueInstant);
  }
  return *issued;
}

bool IsAssertion(XmlElement element) {
  return element.Is(kAssertionNamespace, "Assertion") ||
         element.Is(kAssertionNamespace, "EncryptedAssertion");
}

// The one assertion, encrypted or not, which is a child of the response.
absl::StatusOr<XmlElement> OnlyAssertion(XmlElement root) {
  std::vector<XmlElement> assertions = root.Children();
  std::erase_if(assertions, [](XmlElement child) { return !IsAssertion(child); });
  if (assertions.size() != 1) return Failed(Check::kOneAssertion);
  return assertions.front();
}

// Besides the document's root and its assertion there is no response and no assertion.
absl::Status CheckNoOther(const XmlDocument& document, XmlElement assertion) {
  bool alone = true;
  document.ForEach([&](XmlElement element) {
    if (element == document.root() || element == assertion) return;
    if (element.Is(kProtocolNamespace, "Response") || IsAssertion(element)) alone = false;
  });
  return alone ? absl::OkStatus() : Failed(Check::kOneAssertion);
}

absl::StatusOr<XmlDocument> DecryptFor(const Expectations& expected, const XmlDocument& document,
                                       XmlElement encrypted) {
  if (expected.decryption_key == nullptr) return Failed(Check::kDecryption);
  return Decrypt(document, encrypted, *expected.decryption_key);
}

// An assertion that can be believed, with the document that it was decrypted to if it was
// encrypted.
struct Believed {
  XmlElement assertion;
  std::optional<XmlDocument> decrypted;
};

// By the signature of the response, or else of the assertion; by both where both are there.
absl::StatusOr<Believed> FindAssertion(const XmlDocument& response, const Expectations& expected) {
  const auto verify = [&](const XmlDocument& document, XmlElement element) {
    return VerifySignature(document, element, expected.certificates_der,
                           expected.leniencies.weak_algorithms);
  };
  ASSIGN_OR_RETURN(const XmlElement child, OnlyAssertion(response.root()));
  const bool response_is_signed = IsSigned(response.root());
  if (response_is_signed) RETURN_IF_ERROR(verify(response, response.root()));
  Believed found = {child, std::nullopt};
  if (child.local_name() == "EncryptedAssertion") {
    RETURN_IF_ERROR(CheckNoOther(response, child));
    ASSIGN_OR_RETURN(found.decrypted, DecryptFor(expected, response, child));
    found.assertion = found.decrypted->root().Children().front();
    if (!found.assertion.Is(kAssertionNamespace, "Assertion")) return Failed(Check::kDecryption);
  }
  const XmlDocument& document = found.decrypted.has_value() ? *found.decrypted : response;
  if (!response_is_signed || IsSigned(found.assertion)) {
    RETURN_IF_ERROR(verify(document, found.assertion));
  }
  RETURN_IF_ERROR(CheckNoOther(document, found.assertion));
  return found;
}

absl::Status CheckStatus(XmlElement root) {
  const auto statuses = root.Children(kProtocolNamespace, "Status");
  if (statuses.size() != 1) return Failed(Check::kStatus);
  const auto codes = statuses[0].Children(kProtocolNamespace, "StatusCode");
  if (codes.size() != 1 || codes[0].Attribute("Value") != kSuccess) {
    return Failed(Check::kStatus);
  }
  return absl::OkStatus();
}

absl::Status CheckIssuer(XmlElement element, std::string_view idp_entity_id, bool required) {
  const auto issuers = element.Children(kAssertionNamespace, "Issuer");
  if (issuers.empty() && !required) return absl::OkStatus();
  if (issuers.size() != 1) return Failed(Check::kIssuer);
  const std::optional<std::string> name = issuers[0].PlainText();
  if (!name.has_value() || TrimXml(*name) != idp_entity_id) return Failed(Check::kIssuer);
  return absl::OkStatus();
}

bool IsOurs(std::string_view url, const Expectations& expected) {
  return expected.leniencies.any_destination || expected.acs_urls.empty() ||
         std::find(expected.acs_urls.begin(), expected.acs_urls.end(), url) !=
             expected.acs_urls.end();
}

// `required`: it must be there if a request is answered.
absl::Status CheckInResponseTo(XmlElement element, const Expectations& expected, bool required) {
  if (expected.leniencies.any_request) return absl::OkStatus();
  const std::optional<std::string> answered = element.Attribute("InResponseTo");
  if (!answered.has_value() && !required) return absl::OkStatus();
  if (answered != expected.request_id) return Failed(Check::kInResponseTo);
  return absl::OkStatus();
}

absl::Status CheckConfirmation(XmlElement confirmation, const Expectations& expected,
                               const Clock& clock) {
  if (confirmation.Attribute("Method") != kBearer) return Failed(Check::kSubjectConfirmation);
  const auto data = confirmation.Children(kAssertionNamespace, "SubjectConfirmationData");
  if (data.size() != 1) return Failed(Check::kSubjectConfirmation);
  const std::optional<std::string> recipient = data[0].Attribute("Recipient");
  if (!expected.leniencies.any_destination &&
      (!recipient.has_value() || !IsOurs(*recipient, expected))) {
    return Failed(Check::kRecipient);
  }
  if (!data[0].Attribute("NotOnOrAfter").has_value()) return Failed(Check::kConfirmationTime);
  RETURN_IF_ERROR(CheckWindow(data[0], clock, Check::kConfirmationTime));
  return CheckInResponseTo(data[0], expected, /*required=*/true);
}

// Some confirmation says that whoever brings the assertion here, now, is its subject.
absl::StatusOr<XmlElement> CheckSubject(XmlElement assertion, const Expectations& expected,
                                        const Clock& clock) {
  const auto subjects = assertion.Children(kAssertionNamespace, "Subject");
  if (subjects.size() != 1) return Failed(Check::kSubject);
  absl::Status status = Failed(Check::kSubjectConfirmation);
  for (const XmlElement confirmation :
       subjects[0].Children(kAssertionNamespace, "SubjectConfirmation")) {
    status = CheckConfirmation(confirmation, expected, clock);
    if (status.ok()) return subjects[0];
  }
  return status;
}

// What the subject is called, with the document that this was decrypted to if it was encrypted.
struct Name {
  std::optional<XmlElement> name_id;
  std::optional<XmlDocument> decrypted;
};

absl::StatusOr<Name> FindName(const XmlDocument& document, XmlElement subject,
                              const Expectations& expected) {
  Name name;
  const auto plain = subject.Children(kAssertionNamespace, "NameID");
  const auto encrypted = subject.Children(kAssertionNamespace, "EncryptedID");
  if (plain.size() + encrypted.size() > 1) return Failed(Check::kNameId);
  if (!plain.empty()) name.name_id = plain.front();
  if (encrypted.empty()) return name;
  ASSIGN_OR_RETURN(name.decrypted, DecryptFor(expected, document, encrypted.front()));
  name.name_id = name.decrypted->root().Children().front();
  if (!name.name_id->Is(kAssertionNamespace, "NameID")) return Failed(Check::kNameId);
  return name;
}

bool IsKnownCondition(XmlElement condition) {
  return condition.Is(kAssertionNamespace, "AudienceRestriction") ||
         condition.Is(kAssertionNamespace, "OneTimeUse") ||
         condition.Is(kAssertionNamespace, "ProxyRestriction");
}

bool HasAudience(XmlElement restriction, std::string_view audience) {
  for (const XmlElement element : restriction.Children(kAssertionNamespace, "Audience")) {
    const std::optional<std::string> name = element.PlainText();
    if (name.has_value() && TrimXml(*name) == TrimXml(audience)) return true;
  }
  return false;
}

absl::Status CheckConditions(XmlElement assertion, const Expectations& expected,
                             const Clock& clock) {
  const auto conditions = assertion.Children(kAssertionNamespace, "Conditions");
  if (conditions.size() != 1) return Failed(Check::kConditions);
  RETURN_IF_ERROR(CheckWindow(conditions[0], clock, Check::kConditionsTime));
  const auto all = conditions[0].Children();
  if (!std::all_of(all.begin(), all.end(), IsKnownCondition)) return Failed(Check::kConditions);
  // All restrictions hold; each names one audience or several.
  const auto restrictions = conditions[0].Children(kAssertionNamespace, "AudienceRestriction");
  if (restrictions.empty() ||
      !std::all_of(restrictions.begin(), restrictions.end(), [&](XmlElement restriction) {
        return HasAudience(restriction, expected.audience);
      })) {
    return Failed(Check::kAudience);
  }
  return absl::OkStatus();
}

// The provider has not ended its own session meanwhile.
absl::Status CheckSessions(XmlElement assertion, const Clock& clock) {
  for (const XmlElement statement : assertion.Children(kAssertionNamespace, "AuthnStatement")) {
    ASSIGN_OR_RETURN(const auto until, TimeAttribute(statement, "SessionNotOnOrAfter"));
    if (until.has_value() && !clock.IsBefore(*until)) return Failed(Check::kConditionsTime);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<XmlDocument> ReadResponse(std::string_view base64) {
  // Of a document that is too long, without reading it.
  if (base64.size() / 4 * 3 > kMaxXmlBytes + 3) return Failed(Check::kSize);
  // The standard alphabet alone, as the original reads it.
  if (base64.find_first_of("-_") != std::string_view::npos) return Failed(Check::kBase64);
  const auto xml = crypto::Base64Decode(base64);
  if (!xml.ok()) return Failed(Check::kBase64);
  ASSIGN_OR_RETURN(XmlDocument document, XmlDocument::Parse(*xml));
  if (!document.root().Is(kProtocolNamespace, "Response")) return Failed(Check::kRootElement);
  if (document.root().Attribute("Version") != kVersion) return Failed(Check::kVersion);
  return document;
}

std::string ClaimedIssuer(const XmlDocument& response) {
  const auto issuers = response.root().Children(kAssertionNamespace, "Issuer");
  if (issuers.empty()) return "";
  return std::string(TrimXml(issuers[0].PlainText().value_or("")));
}

absl::StatusOr<VerifiedAssertion> VerifyResponse(const XmlDocument& response,
                                                 const Expectations& expected) {
  const XmlElement root = response.root();
  const Clock clock = {expected.now_ms, expected.leniencies.clock_drift ? kDriftMs : kToleranceMs};
  ASSIGN_OR_RETURN(const Believed believed, FindAssertion(response, expected));
  const XmlElement assertion = believed.assertion;

  RETURN_IF_ERROR(CheckStatus(root));
  RETURN_IF_ERROR(CheckIssuer(root, expected.idp_entity_id, /*required=*/false));
  const std::optional<std::string> destination = root.Attribute("Destination");
  if (destination.has_value() && !IsOurs(*destination, expected)) {
    return Failed(Check::kDestination);
  }
  RETURN_IF_ERROR(CheckInResponseTo(root, expected, /*required=*/false));
  RETURN_IF_ERROR(CheckIssueInstant(root, clock).status());

  if (assertion.Attribute("Version") != kVersion) return Failed(Check::kVersion);
  RETURN_IF_ERROR(CheckIssuer(assertion, expected.idp_entity_id, /*required=*/true));
  ASSIGN_OR_RETURN(const int64_t issued_ms, CheckIssueInstant(assertion, clock));
  ASSIGN_OR_RETURN(const XmlElement subject, CheckSubject(assertion, expected, clock));
  RETURN_IF_ERROR(CheckConditions(assertion, expected, clock));
  RETURN_IF_ERROR(CheckSessions(assertion, clock));

  VerifiedAssertion verified;
  verified.id = assertion.Attribute("ID").value_or("");
  if (verified.id.empty()) return Failed(Check::kElementId);
  ASSIGN_OR_RETURN(const Name name,
                   FindName(believed.decrypted.has_value() ? *believed.decrypted : response,
                            subject, expected));
  ASSIGN_OR_RETURN(verified.claims, ReadClaims(assertion, name.name_id));
  verified.acceptable_until_ms = issued_ms + kMaxAgeMs + clock.tolerance_ms;
  return verified;
}

}  // namespace gatehouse::saml
