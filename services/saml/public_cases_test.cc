// Attacks that others have fallen for, by where they are told: the advisories of ruby-saml,
// node-saml, xml-crypto, samlify, pysaml2 and GitHub, and the responses that ruby-saml's and
// pysaml2's tests refuse. Each names the check that refuses it here; those of the wrapping kinds
// are in wrapping_test.cc, of encryption in xml_encryption_test.cc.

#include <gtest/gtest.h>

#include "services/saml/test_provider.h"

namespace gatehouse::saml {
namespace {

const std::string& Signed() {
  static const std::string response = SignedResponse(ResponseParts());
  return response;
}

// With a signed assertion, and nothing around it that is signed.
const std::string& WithSignedAssertion() {
  static const std::string response = [] {
    ResponseParts parts;
    parts.sign_response = false;
    parts.sign_assertion = true;
    return SignedResponse(parts);
  }();
  return response;
}

std::string Evil(const std::string& xml) {
  return Replaced(xml, "user@example.com", "admin@example.com");
}

// After the provider has signed `from` as `to`, or without signing it again.
std::string SignedAs(std::string_view from, std::string_view to) {
  const SigningKey& key = TestProvider::Genuine().key();
  const ResponseParts parts;
  return Judged(
      SignParts(Replaced(ResponseXml(parts, key, AssertionXml(parts, key)), from, to), key));
}
std::string Altered(const std::string& xml, std::string_view from, std::string_view to) {
  const std::string altered = Replaced(xml, from, to);
  return altered.empty() ? "no such text" : Judged(altered);
}

// CVE-2024-45409: the digest of what was forged lies where a careless search finds it first.
TEST(PublicCasesTest, DigestsOutsideTheSignature) {
  const std::string digest =
      ElementText(Replaced(Signed(), "<ds:DigestValue>", "<ds:DigestValue >"), "ds:DigestValue");
  for (const char* place : {"samlp:StatusDetail", "samlp:Extensions", "x"}) {
    const std::string smuggled =
        StrCat("<", place, "><ds:DigestValue xmlns:ds=\"", kSignatureNamespace, "\">",
               digest.substr(17), "</", place, "><samlp:Status>");
    EXPECT_EQ(Altered(Evil(Signed()), "<samlp:Status>", smuggled), "SIGNATURE_VALUE") << place;
    EXPECT_EQ(Altered(Evil(WithSignedAssertion()), "<samlp:Status>", smuggled), "SIGNATURE_VALUE")
        << place;
  }
}

// CVE-2025-29774, CVE-2025-29775: two SignedInfo, of which one is verified and the other read; a
// DigestValue of which comments leave another text.
TEST(PublicCasesTest, SignedInfoTwice) {
  const std::string info =
      ElementText(Replaced(Signed(), "<ds:SignedInfo>", "<ds:SignedInfo >"), "ds:SignedInfo");
  for (const std::string& from : {std::string("<ds:SignedInfo>"), std::string("<ds:KeyInfo>")}) {
    EXPECT_EQ(Altered(Signed(), from, info + from), "SIGNATURE_SHAPE") << from;
  }
  EXPECT_EQ(Altered(Signed(), "</ds:DigestValue>", "<!-- AAAA --></ds:DigestValue>"),
            "SIGNATURE_SHAPE");
  const std::string value = Replaced(Signed(), "<ds:DigestValue>",
                                     "<ds:DigestValue>AAAA</ds:DigestValue><ds:DigestValue>");
  EXPECT_EQ(Judged(value), "SIGNATURE_SHAPE");
}

// CVE-2025-25291, CVE-2025-25292: two parsers that see two documents. There is one parser here, and
// a document type, the way to part them, is no document at all.
TEST(PublicCasesTest, DocumentsThatReadTwoWays) {
  const std::string comment = StrCat("<!DOCTYPE x SYSTEM '\"><!--'>", Signed(), "<!-- \">]> -->");
  EXPECT_EQ(Judged(comment), "DOCTYPE");
  EXPECT_EQ(Judged(StrCat("<!DOCTYPE x [<!NOTATION n SYSTEM \"'\">]>", Signed())), "DOCTYPE");
  EXPECT_EQ(
      Judged(StrCat("<!DOCTYPE x [<!ATTLIST samlp:Response ID ID #FIXED '_other'>]>", Signed())),
      "DOCTYPE");
}

// CVE-2025-66567: attributes and elements that are called the same in another namespace.
TEST(PublicCasesTest, NamesInOtherNamespaces) {
  const std::string genuine = ElementText(WithSignedAssertion(), "saml:Assertion");
  const std::string signature = ElementText(genuine, "ds:Signature");
  const std::string bare = Replaced(genuine, signature, "");
  // The forged assertion has the genuine one's id only by another name.
  const std::string forged = Replaced(
      Replaced(Evil(bare), "ID=\"_assertion-1\"",
               "ID=\"_evil\" xmlns:x=\"urn:x\" x:ID=\"_assertion-1\""),
      "<saml:Subject>", StrCat(signature, "<saml:Advice>", bare, "</saml:Advice><saml:Subject>"));
  EXPECT_EQ(Altered(WithSignedAssertion(), genuine, forged), "REFERENCE_ELSEWHERE");
  // Without an id of SAML's own nothing refers to it.
  const std::string without =
      Replaced(Evil(genuine), "ID=\"_assertion-1\"", "xmlns:x=\"urn:x\" x:ID=\"_assertion-1\"");
  EXPECT_EQ(Altered(WithSignedAssertion(), genuine, without), "ELEMENT_ID");
  // What is called so in no namespace, or in another, is no signature, and no assertion.
  EXPECT_EQ(
      Altered(Signed(), StrCat("xmlns:ds=\"", kSignatureNamespace, "\""), "xmlns:ds=\"urn:x\""),
      "UNSIGNED");
  EXPECT_EQ(SignedAs(StrCat("<saml:Assertion xmlns:saml=\"", kAssertionNamespace, "\""),
                     "<saml:Assertion xmlns:saml=\"urn:x\""),
            "ONE_ASSERTION");
}

// CVE-2021-21239: a key in the response itself.
TEST(PublicCasesTest, KeysOfTheirOwn) {
  const std::string forged = SignedResponse(ResponseParts(), TestProvider::Other());
  const size_t begin = forged.find("<ds:KeyInfo>");
  const size_t end = forged.find("</ds:KeyInfo>");
  for (const char* key :
       {"<ds:KeyValue><ds:RSAKeyValue><ds:Modulus>AQAB</ds:Modulus><ds:Exponent>AQAB"
        "</ds:Exponent></ds:RSAKeyValue></ds:KeyValue>",
        "<ds:KeyName>idp</ds:KeyName>", ""}) {
    EXPECT_EQ(Judged(StrCat(forged.substr(0, begin), "<ds:KeyInfo>", key, forged.substr(end))),
              "SIGNATURE_VALUE")
        << key;
  }
}

// CVE-2025-47949 and CVE-2022-39299: a second root, and a signed part beside the one that is read.
TEST(PublicCasesTest, MoreThanOneDocument) {
  EXPECT_EQ(Judged(Signed() + Evil(Signed())), "WELL_FORMED");
  EXPECT_EQ(Judged(Evil(Signed()) + Signed()), "WELL_FORMED");
  EXPECT_EQ(Judged(StrCat("<x>", Signed(), Evil(Signed()), "</x>")), "ROOT_ELEMENT");
  const std::string assertion = ElementText(Signed(), "saml:Assertion");
  EXPECT_EQ(
      Altered(Signed(), "</samlp:Response>",
              StrCat(Replaced(Evil(assertion), "_assertion-1", "_evil"), "</samlp:Response>")),
      "ONE_ASSERTION");
}

// Responses that lack a part, or have it twice; each signed so by the provider itself.
TEST(PublicCasesTest, PartsThatAreMissingOrThereTwice) {
  const std::string signed_response = Signed();
  const auto without = [](const std::string& part) { return SignedAs(part, ""); };
  const auto twice = [](const std::string& part) { return SignedAs(part, part + part); };
  const std::string assertion = ElementText(signed_response, "saml:Assertion");
  const auto part = [](const std::string& xml, const std::string& from, const std::string& to) {
    const size_t begin = xml.find(from);
    return xml.substr(begin, xml.find(to, begin) + to.size() - begin);
  };
  const std::string status = part(signed_response, "<samlp:Status>", "</samlp:Status>");
  EXPECT_EQ(without(status), "STATUS");
  EXPECT_EQ(twice(status), "STATUS");
  EXPECT_EQ(without(part(status, "<samlp:StatusCode", "/>")), "STATUS");
  const std::string subject = part(assertion, "<saml:Subject>", "</saml:Subject>");
  EXPECT_EQ(without(subject), "SUBJECT");
  EXPECT_EQ(twice(subject), "SUBJECT");
  EXPECT_EQ(without(part(subject, "<saml:SubjectConfirmation ", "</saml:SubjectConfirmation>")),
            "SUBJECT_CONFIRMATION");
  EXPECT_EQ(without(part(subject, "<saml:SubjectConfirmationData", "/>")), "SUBJECT_CONFIRMATION");
  EXPECT_EQ(twice(part(subject, "<saml:SubjectConfirmationData", "/>")), "SUBJECT_CONFIRMATION");
  const std::string conditions = part(assertion, "<saml:Conditions", "</saml:Conditions>");
  EXPECT_EQ(without(conditions), "CONDITIONS");
  EXPECT_EQ(twice(conditions), "CONDITIONS");
  const std::string issuer = part(signed_response, "<saml:Issuer", "</saml:Issuer>");
  EXPECT_EQ(twice(issuer), "ISSUER");
  EXPECT_EQ(SignedAs(issuer + "<saml:Subject>", "<saml:Subject>"), "ISSUER");
  EXPECT_EQ(SignedAs(issuer + "<saml:Subject>", issuer + issuer + "<saml:Subject>"), "ISSUER");
  EXPECT_EQ(twice(part(subject, "<saml:NameID", "</saml:NameID>")), "NAME_ID");
}

// Text that one reader sees and another does not.
TEST(PublicCasesTest, EncodingsAndInclusions) {
  // A bracket in more bytes than it needs.
  EXPECT_EQ(Judged(StrCat("\xC0\xBC", Signed().substr(1))), "WELL_FORMED");
  EXPECT_EQ(Altered(Signed(), "user@example.com", "user\xC0\xAE@example.com"), "WELL_FORMED");
  EXPECT_EQ(Altered(Signed(), "user@example.com", "user&#0;@example.com"), "WELL_FORMED");
  EXPECT_EQ(Judged(StrCat("<?xml version=\"1.0\" encoding=\"utf-7\"?>", Signed())), "ENCODING");
  // Declared as something else than what was signed in.
  EXPECT_EQ(Altered(StrCat("<?xml version=\"1.0\" encoding=\"iso-8859-1\"?>", Signed()),
                    "user@example.com", "us\xC3\xA9r@example.com"),
            "SIGNATURE_VALUE");
  // Nothing is included, from nowhere.
  const std::string include =
      "<xi:include xmlns:xi=\"http://www.w3.org/2001/XInclude\" href=\"file:///etc/hostname\""
      " parse=\"text\"/>";
  EXPECT_EQ(SignedAs("user@example.com", include), "NAME_ID");
}

}  // namespace
}  // namespace gatehouse::saml
