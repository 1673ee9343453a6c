#pragma once

// An identity provider for tests: metadata, responses, and signatures over parts of them. Every
// namespace is declared on the element that uses it, so that parts can be moved as text.

#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "absl/strings/str_replace.h"
#include "absl/time/time.h"
#include "libs/base/strings.h"
#include "libs/crypto/bytes.h"
#include "libs/crypto/rsa_key.h"
#include "libs/crypto/self_signed.h"
#include "services/saml/response.h"
#include "services/saml/saml_time.h"
#include "services/saml/xml_document.h"
#include "services/saml/xml_signature.h"

namespace gatehouse::saml {

inline constexpr char kTestEntity[] = "https://idp.example.com/metadata";
inline constexpr char kTestAudience[] = "https://saml.supertokens.com";
inline constexpr char kTestAcs[] = "https://api.example.com/auth/saml/callback";
inline constexpr char kTestRequest[] = "_request-1";
inline constexpr int64_t kTestNowMs = 1'795'000'000'000;

class TestProvider {
 public:
  TestProvider() {
    const std::string stored = crypto::RsaKeyPair::Generate()->ToStored();
    key_.pkcs8_der = *crypto::Base64Decode(stored.substr(stored.find('|') + 1));
    certificate_der_ =
        *crypto::MakeSelfSigned(key_.pkcs8_der, {"DE", "Test", "idp"}, absl::FromUnixSeconds(0),
                                absl::FromUnixSeconds(4'000'000'000));
    key_.certificate_base64 = crypto::Base64Encode(certificate_der_);
  }
  // The provider of most tests, and one that has no business with them.
  static const TestProvider& Genuine() {
    static const TestProvider provider;
    return provider;
  }
  static const TestProvider& Other() {
    static const TestProvider provider;
    return provider;
  }

  const SigningKey& key() const { return key_; }
  const std::string& certificate_der() const { return certificate_der_; }
  std::string Metadata(std::string_view entity = kTestEntity) const {
    return StrCat(
        "<md:EntityDescriptor xmlns:md=\"urn:oasis:names:tc:SAML:2.0:metadata\""
        " entityID=\"",
        entity, "\"><md:IDPSSODescriptor protocolSupportEnumeration=\"", kProtocolNamespace,
        "\"><md:KeyDescriptor use=\"signing\"><ds:KeyInfo xmlns:ds=\"", kSignatureNamespace,
        "\"><ds:X509Data><ds:X509Certificate>", key_.certificate_base64,
        "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        "<md:SingleSignOnService"
        " Binding=\"urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect\""
        " Location=\"https://idp.example.com/sso\"/></md:IDPSSODescriptor>"
        "</md:EntityDescriptor>");
  }

 private:
  SigningKey key_;
  std::string certificate_der_;
};

// The parts of a response, each as text. Empty: left out.
struct ResponseParts {
  std::string response_id = "_response-1";
  std::string assertion_id = "_assertion-1";
  std::string destination = kTestAcs;
  std::string in_response_to = kTestRequest;
  std::string response_issuer = kTestEntity;
  std::string assertion_issuer = kTestEntity;
  std::string status = "urn:oasis:names:tc:SAML:2.0:status:Success";
  std::string issue_instant = WriteTime(kTestNowMs);
  std::string assertion_issue_instant = WriteTime(kTestNowMs);
  std::string name_id = "<saml:NameID Format=\"f\">user@example.com</saml:NameID>";
  std::string method = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
  std::string recipient = kTestAcs;
  std::string confirmed_until = WriteTime(kTestNowMs + 60'000);
  std::string not_before = WriteTime(kTestNowMs - 60'000);
  std::string not_on_or_after = WriteTime(kTestNowMs + 60'000);
  std::string conditions = StrCat("<saml:AudienceRestriction><saml:Audience>", kTestAudience,
                                  "</saml:Audience></saml:AudienceRestriction>");
  std::string session_until;
  std::string attributes;  // elements saml:Attribute
  bool sign_response = true;
  bool sign_assertion = false;
};

inline std::string TextOfAttribute(std::string_view name, std::string_view value) {
  return value.empty() ? "" : StrCat(" ", name, "=\"", value, "\"");
}

inline std::string IssuerXml(std::string_view name) {
  return name.empty() ? ""
                      : StrCat("<saml:Issuer xmlns:saml=\"", kAssertionNamespace, "\">", name,
                               "</saml:Issuer>");
}

inline std::string AssertionXml(const ResponseParts& parts, const SigningKey& key) {
  return StrCat(
      "<saml:Assertion xmlns:saml=\"", kAssertionNamespace, "\" ID=\"", parts.assertion_id,
      "\" Version=\"2.0\"", TextOfAttribute("IssueInstant", parts.assertion_issue_instant), ">",
      IssuerXml(parts.assertion_issuer),
      parts.sign_assertion ? SignatureTemplate(parts.assertion_id, key) : "", "<saml:Subject>",
      parts.name_id, "<saml:SubjectConfirmation", TextOfAttribute("Method", parts.method),
      "><saml:SubjectConfirmationData", TextOfAttribute("InResponseTo", parts.in_response_to),
      TextOfAttribute("Recipient", parts.recipient),
      TextOfAttribute("NotOnOrAfter", parts.confirmed_until),
      "/></saml:SubjectConfirmation></saml:Subject><saml:Conditions",
      TextOfAttribute("NotBefore", parts.not_before),
      TextOfAttribute("NotOnOrAfter", parts.not_on_or_after), ">", parts.conditions,
      "</saml:Conditions><saml:AuthnStatement",
      TextOfAttribute("SessionNotOnOrAfter", parts.session_until), "/>",
      parts.attributes.empty()
          ? ""
          : StrCat("<saml:AttributeStatement>", parts.attributes, "</saml:AttributeStatement>"),
      "</saml:Assertion>");
}

inline std::string ResponseXml(const ResponseParts& parts, const SigningKey& key,
                               std::string_view assertions) {
  return StrCat(
      "<samlp:Response xmlns:samlp=\"", kProtocolNamespace, "\" ID=\"", parts.response_id,
      "\" Version=\"2.0\"", TextOfAttribute("IssueInstant", parts.issue_instant),
      TextOfAttribute("Destination", parts.destination),
      TextOfAttribute("InResponseTo", parts.in_response_to), ">", IssuerXml(parts.response_issuer),
      parts.sign_response ? SignatureTemplate(parts.response_id, key) : "",
      parts.status.empty()
          ? ""
          : StrCat("<samlp:Status><samlp:StatusCode Value=\"", parts.status, "\"/></samlp:Status>"),
      assertions, "</samlp:Response>");
}

// Fills in the signatures that `xml` has templates of: inner ones first.
inline std::string SignParts(const std::string& xml, const SigningKey& key) {
  auto document = XmlDocument::Parse(xml);
  EXPECT_TRUE(document.ok()) << document.status();
  std::vector<XmlElement> signed_elements;
  document->ForEach([&](XmlElement element) {
    if (IsSigned(element)) signed_elements.insert(signed_elements.begin(), element);
  });
  for (const XmlElement element : signed_elements) {
    const absl::Status made = SignElement(*document, element, key);
    EXPECT_TRUE(made.ok()) << made;
  }
  return document->ToString();
}

// A response with these parts, signed by the provider.
inline std::string SignedResponse(const ResponseParts& parts,
                                  const TestProvider& provider = TestProvider::Genuine()) {
  return SignParts(ResponseXml(parts, provider.key(), AssertionXml(parts, provider.key())),
                   provider.key());
}

// From `<name ` to `</name>`, the first of that name.
inline std::string ElementText(const std::string& xml, const std::string& name) {
  const size_t begin = xml.find(StrCat("<", name, " "));
  const std::string end = StrCat("</", name, ">");
  return xml.substr(begin, xml.find(end, begin) + end.size() - begin);
}

inline std::string Replaced(const std::string& text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  return at == std::string::npos ? ""
                                 : StrCat(text.substr(0, at), to, text.substr(at + from.size()));
}

inline Expectations TestExpectations() {
  Expectations expected;
  expected.idp_entity_id = kTestEntity;
  expected.certificates_der = {TestProvider::Genuine().certificate_der()};
  expected.audience = kTestAudience;
  expected.request_id = kTestRequest;
  expected.acs_urls = {kTestAcs};
  expected.now_ms = kTestNowMs;
  return expected;
}

// "OK", or the name of the check that refused.
inline std::string Judged(const std::string& xml, const Expectations& expected) {
  const auto document = ReadResponse(crypto::Base64Encode(xml));
  if (!document.ok()) return std::string(document.status().message());
  const auto verified = VerifyResponse(*document, expected);
  return verified.ok() ? "OK" : std::string(verified.status().message());
}
inline std::string Judged(const std::string& xml) { return Judged(xml, TestExpectations()); }

}  // namespace gatehouse::saml
