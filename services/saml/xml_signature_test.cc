// The document and its signature: what is not read at all, and what is no signature of SAML.

#include "services/saml/xml_signature.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include "services/saml/test_provider.h"

namespace gatehouse::saml {
namespace {

constexpr char kExclusive[] = "http://www.w3.org/2001/10/xml-exc-c14n#";
constexpr char kTransforms[] =
    "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>"
    "<ds:Transform Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>";

std::string Parsed(const std::string& xml) {
  const auto document = XmlDocument::Parse(xml);
  return document.ok() ? "OK" : std::string(document.status().message());
}

// A response that is signed after `change` has been made to the template.
std::string SignedAfter(std::string_view from, std::string_view to) {
  const SigningKey& key = TestProvider::Genuine().key();
  const ResponseParts parts;
  return SignParts(Replaced(ResponseXml(parts, key, AssertionXml(parts, key)), from, to), key);
}

// What is judged before any value: the signature need not be made.
std::string JudgedWith(std::string_view from, std::string_view to) {
  const std::string changed = Replaced(SignedResponse(ResponseParts()), from, to);
  return changed.empty() ? "no such text" : Judged(changed);
}

TEST(XmlDocumentTest, TakesWhatProvidersSend) {
  EXPECT_EQ(Parsed("<a/>"), "OK");
  EXPECT_EQ(Parsed("\xEF\xBB\xBF<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<a>&lt;&#65;</a>\n"),
            "OK");
  EXPECT_EQ(Parsed("<?xml version='1.0' encoding='iso-8859-1'?><a>\xE9</a>"), "OK");
  EXPECT_EQ(Parsed("<!-- <!DOCTYPE> --><a><![CDATA[<!DOCTYPE x>]]><?x <!DOCTYPE?></a>"), "OK");
  EXPECT_EQ(Parsed("<a b='<!DOCTYPE x>'/>"), "WELL_FORMED");
}

TEST(XmlDocumentTest, RefusesDocumentTypesAndEntities) {
  for (const char* xml : {"<!DOCTYPE a><a/>", "<!DOCTYPE a [<!ENTITY e \"x\">]><a>&e;</a>",
                          "<!DOCTYPE a SYSTEM \"http://127.0.0.1:1/x.dtd\"><a/>",
                          "<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><a>&e;</a>",
                          "<!DOCTYPE a [<!ENTITY % e SYSTEM \"http://127.0.0.1:1/x\">%e;]><a/>",
                          "<!DOCTYPE a [<!ATTLIST a ID ID #IMPLIED>]><a ID='x'/>",
                          "<!doctype a><a/>", "<?xml version=\"1.0\"?><!-- --><!DOCTYPE a><a/>"}) {
    EXPECT_EQ(Parsed(xml), "DOCTYPE") << xml;
  }
  EXPECT_EQ(Parsed("<a>&nope;</a>"), "WELL_FORMED");
  EXPECT_EQ(Parsed("<a b='&nope;'/>"), "WELL_FORMED");
}

TEST(XmlDocumentTest, RefusesOtherEncodings) {
  for (const char* name : {"UTF-16", "UTF-7", "EBCDIC-US", "ISO-2022-JP", "UCS-4", "cp1252"}) {
    EXPECT_EQ(Parsed(StrCat("<?xml version=\"1.0\" encoding=\"", name, "\"?><a/>")), "ENCODING")
        << name;
  }
  EXPECT_EQ(Parsed(std::string("\xFF\xFE<\0a\0/\0>\0", 10)), "ENCODING");
  EXPECT_EQ(Parsed(std::string("<a/>\0", 5)), "ENCODING");
  EXPECT_EQ(Parsed("<a>\xFF</a>"), "WELL_FORMED");
  // <?xml version="1.0"?><a b="1"/> in EBCDIC, which libxml2 would guess: none of its markup is in
  // the bytes that are looked at before.
  EXPECT_EQ(Parsed("\x4C\x6F\xA7\x94\x93\x40\xA5\x85\x99\xA2\x89\x96\x95\x7E\x7F\xF1\x4B\xF0\x7F"
                   "\x6F\x6E\x4C\x81\x40\x82\x7E\x7F\xF1\x7F\x61\x6E"),
            "WELL_FORMED");
}

TEST(XmlDocumentTest, RefusesWhatIsNotWellFormed) {
  for (const char* xml : {"", " ", "x", "<a>", "<a/><a/>", "<a/>x", "<a b='1' b='2'/>", "<p:a/>",
                          " <?xml version='1.0'?><a/>", "<a>&</a>", "<a>\x01</a>", "<a>&#1;</a>"}) {
    EXPECT_EQ(Parsed(xml), "WELL_FORMED") << xml;
  }
  EXPECT_EQ(Parsed("<a xml:id='x'/>"), "XML_ID");
}

std::string Times(int count, std::string_view text) {
  std::string result;
  for (int i = 0; i < count; ++i) result += text;
  return result;
}

TEST(XmlDocumentTest, IsBoundedInEveryDirection) {
  EXPECT_EQ(Parsed(StrCat("<a>", std::string(kMaxXmlBytes, 'x'), "</a>")), "SIZE");
  EXPECT_EQ(Parsed(StrCat(Times(64, "<a>"), Times(64, "</a>"))), "OK");
  EXPECT_EQ(Parsed(StrCat(Times(65, "<a>"), Times(65, "</a>"))), "SIZE");
  EXPECT_EQ(Parsed(StrCat("<a>", Times(20'000, "<b/>"), "</a>")), "SIZE");
  std::string attributes;
  std::string hidden;
  std::string namespaces;
  for (int i = 0; i < 65; ++i) {
    attributes += StrCat(" a", std::to_string(i), "='1'");
    hidden += StrCat(" a", std::to_string(i), "='>'");
    namespaces +=
        StrCat("<a xmlns:n", std::to_string(i), "='u' xmlns:m", std::to_string(i), "='u'>");
  }
  EXPECT_EQ(Parsed(StrCat("<a", attributes, "/>")), "SIZE");
  EXPECT_EQ(Parsed(StrCat("<a", hidden, "/>")), "SIZE");
  EXPECT_EQ(
      Parsed(StrCat(namespaces.substr(0, namespaces.find("<a xmlns:n40")), Times(40, "</a>"))),
      "SIZE");
}

// Documents without an end: what libxml2 had to read would not be well-formed.
TEST(XmlDocumentTest, IsBoundedBeforeAnythingReadsIt) {
  EXPECT_EQ(Parsed(Times(64, "<a>")), "WELL_FORMED");
  EXPECT_EQ(Parsed(Times(65, "<a>")), "SIZE");
  EXPECT_EQ(Parsed(StrCat("<a>", Times(20'000, "<b/>"))), "SIZE");
  std::string namespaces;
  for (int i = 0; i < 65; ++i) namespaces += StrCat("<a xmlns:n", std::to_string(i), "='urn:u'>");
  EXPECT_EQ(Parsed(namespaces.substr(0, namespaces.find("<a xmlns:n64"))), "WELL_FORMED");
  EXPECT_EQ(Parsed(namespaces), "SIZE");
  // Only those in scope count.
  EXPECT_EQ(
      Parsed(StrCat("<a>", Times(1000, "<b xmlns:x='urn:x' /><c xmlns='urn:c'></c>"), "</a>")),
      "OK");
}

TEST(XmlDocumentTest, ManyElementsHaveFewNamespaces) {
  const auto with_namespaces = [](int count) {
    std::string root = "<a";
    for (int i = 0; i < count; ++i) root += StrCat(" xmlns:n", std::to_string(i), "='urn:u'");
    return StrCat(root, ">", Times(19'000, "<b/>"), "</a>");
  };
  EXPECT_EQ(Parsed(with_namespaces(10)), "OK");
  // Three seconds to canonicalize.
  EXPECT_EQ(Parsed(with_namespaces(60)), "SIZE");
}

TEST(XmlSignatureTest, VerifiesWhatTheProviderSigned) {
  EXPECT_EQ(Judged(SignedResponse(ResponseParts())), "OK");
  EXPECT_EQ(Judged(SignedResponse(ResponseParts(), TestProvider::Other())), "SIGNATURE_VALUE");
  EXPECT_EQ(JudgedWith("user@example.com", "admin@example.com"), "SIGNATURE_VALUE");
}

TEST(XmlSignatureTest, EveryCertificateOfTheProviderCounts) {
  Expectations expected = TestExpectations();
  expected.certificates_der = {TestProvider::Other().certificate_der(),
                               TestProvider::Genuine().certificate_der()};
  EXPECT_EQ(Judged(SignedResponse(ResponseParts()), expected), "OK");
  expected.certificates_der = {TestProvider::Other().certificate_der()};
  EXPECT_EQ(Judged(SignedResponse(ResponseParts()), expected), "SIGNATURE_VALUE");
  expected.certificates_der = {"no certificate"};
  EXPECT_EQ(Judged(SignedResponse(ResponseParts()), expected), "SIGNATURE_VALUE");
}

TEST(XmlSignatureTest, LeavesNoErrorsToTheThread) {
  ERR_clear_error();
  EXPECT_EQ(Judged(SignedResponse(ResponseParts(), TestProvider::Other())), "SIGNATURE_VALUE");
  EXPECT_EQ(ERR_peek_error(), 0UL);
  EXPECT_FALSE(IsUsableCertificate("no certificate"));
  EXPECT_EQ(ERR_peek_error(), 0UL);
}

TEST(XmlSignatureTest, KeysInTheDocumentDoNotCount) {
  // Signed by another, with its own certificate or with the genuine one beside it.
  ResponseParts parts;
  std::string forged = SignedResponse(parts, TestProvider::Other());
  EXPECT_EQ(Judged(forged), "SIGNATURE_VALUE");
  forged = Replaced(forged, TestProvider::Other().key().certificate_base64,
                    TestProvider::Genuine().key().certificate_base64);
  EXPECT_EQ(Judged(forged), "SIGNATURE_VALUE");
  // Signed by the provider, whatever KeyInfo says.
  const std::string genuine = SignedResponse(parts);
  const std::string key_info = StrCat(
      "<ds:KeyInfo>", ElementText(Replaced(genuine, "<ds:KeyInfo>", "<ds:KeyInfo >"), "ds:KeyInfo")
                          .substr(std::string("<ds:KeyInfo >").size()));
  EXPECT_EQ(Judged(Replaced(genuine, key_info, "")), "OK");
  EXPECT_EQ(Judged(Replaced(genuine, key_info,
                            "<ds:KeyInfo><ds:RetrievalMethod URI=\"http://127.0.0.1:1/\"/>"
                            "</ds:KeyInfo>")),
            "OK");
}

TEST(XmlSignatureTest, OnlyStrongAlgorithmsOfTheRightKind) {
  const std::string method = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
  for (const char* other :
       {"http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-md5",
        "http://www.w3.org/2000/09/xmldsig#dsa-sha1", "", "none"}) {
    EXPECT_EQ(JudgedWith(method, other), "SIGNATURE_ALGORITHM") << other;
  }
  // An RSA key makes no signature by elliptic curves.
  EXPECT_EQ(JudgedWith(method, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"),
            "SIGNATURE_VALUE");
  EXPECT_EQ(JudgedWith("http://www.w3.org/2001/04/xmlenc#sha256",
                       "http://www.w3.org/2000/09/xmldsig#sha1"),
            "DIGEST_ALGORITHM");
  EXPECT_EQ(JudgedWith("http://www.w3.org/2001/04/xmlenc#sha256",
                       "http://www.w3.org/2001/04/xmldsig-more#md5"),
            "DIGEST_ALGORITHM");
}

TEST(XmlSignatureTest, Sha1OnlyForClientsThatAllowIt) {
  const std::string weak = SignedAfter("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
                                       "http://www.w3.org/2000/09/xmldsig#rsa-sha1");
  EXPECT_EQ(Judged(weak), "SIGNATURE_ALGORITHM");
  Expectations lenient = TestExpectations();
  lenient.leniencies.weak_algorithms = true;
  EXPECT_EQ(Judged(weak, lenient), "OK");
}

TEST(XmlSignatureTest, OneReferenceToTheElementItself) {
  const std::string genuine = SignedResponse(ResponseParts());
  const std::string reference = ElementText(genuine, "ds:Reference");
  EXPECT_EQ(Judged(Replaced(genuine, reference, reference + reference)), "SEVERAL_REFERENCES");
  EXPECT_EQ(Judged(Replaced(genuine, reference, "")), "SIGNATURE_SHAPE");
  for (const char* uri : {"", "#", "#_assertion-1", "http://127.0.0.1:1/x", "#xpointer(/)",
                          "#xpointer(id('_response-1'))", "_response-1"}) {
    EXPECT_EQ(JudgedWith("URI=\"#_response-1\"", StrCat("URI=\"", uri, "\"")),
              "REFERENCE_ELSEWHERE")
        << uri;
  }
  EXPECT_EQ(JudgedWith(" URI=\"#_response-1\"", ""), "REFERENCE_ELSEWHERE");
}

TEST(XmlSignatureTest, IdsAreWords) {
  for (const char* id : {"", "a b", "x') or id('y", "\xC3\xA9", "a/b"}) {
    ResponseParts parts;
    parts.response_id = id;
    parts.sign_response = false;
    const std::string unsigned_response = ResponseXml(
        parts, TestProvider::Genuine().key(), AssertionXml(parts, TestProvider::Genuine().key()));
    const std::string signature = ElementText(SignedResponse(ResponseParts()), "ds:Signature");
    EXPECT_EQ(
        Judged(Replaced(unsigned_response, "<samlp:Status>", StrCat(signature, "<samlp:Status>"))),
        "ELEMENT_ID")
        << id;
  }
}

TEST(XmlSignatureTest, OnlyTheTransformsOfSaml) {
  const std::string enveloped =
      "<ds:Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/>";
  const std::string exclusive = StrCat("<ds:Transform Algorithm=\"", kExclusive, "\"/>");
  const auto other = [](const char* algorithm) {
    return StrCat("<ds:Transform Algorithm=\"", algorithm, "\"/>");
  };
  for (const std::string& transforms :
       {std::string(), exclusive, exclusive + enveloped, enveloped + enveloped,
        enveloped + exclusive + exclusive,
        enveloped + other("http://www.w3.org/2000/09/xmldsig#base64"),
        enveloped + other("http://www.w3.org/TR/1999/REC-xpath-19991116"),
        enveloped + other("http://www.w3.org/TR/1999/REC-xslt-19991116"),
        enveloped + other("http://www.w3.org/2002/06/xmldsig-filter2"),
        enveloped + other("http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
        enveloped + StrCat("<ds:Transform Algorithm=\"", kExclusive,
                           "\"><ds:XPath>/</ds:XPath></ds:Transform>")}) {
    EXPECT_EQ(JudgedWith(kTransforms, transforms), "TRANSFORM") << transforms;
  }
  // These are signed so, and accepted.
  for (const std::string& transforms :
       {enveloped, enveloped + StrCat("<ds:Transform Algorithm=\"", kExclusive, "WithComments\"/>"),
        enveloped + StrCat("<ds:Transform Algorithm=\"", kExclusive,
                           "\"><ec:InclusiveNamespaces xmlns:ec=\"", kExclusive,
                           "\" PrefixList=\"saml xs\"/></ds:Transform>")}) {
    EXPECT_EQ(Judged(SignedAfter(kTransforms, transforms)), "OK") << transforms;
  }
}

TEST(XmlSignatureTest, CanonicalizationOfTheSignature) {
  const std::string from = StrCat("<ds:CanonicalizationMethod Algorithm=\"", kExclusive, "\"/>");
  EXPECT_EQ(Judged(SignedAfter(from,
                               "<ds:CanonicalizationMethod Algorithm=\"http://www.w3.org/"
                               "TR/2001/REC-xml-c14n-20010315\"/>")),
            "OK");
  for (const char* algorithm : {"", "http://www.w3.org/TR/1999/REC-xslt-19991116", "x"}) {
    EXPECT_EQ(
        JudgedWith(from, StrCat("<ds:CanonicalizationMethod Algorithm=\"", algorithm, "\"/>")),
        "CANONICALIZATION")
        << algorithm;
  }
}

TEST(XmlSignatureTest, PartsThatNoSignatureHas) {
  EXPECT_EQ(JudgedWith("</ds:Signature>", "<ds:Object/></ds:Signature>"), "SIGNATURE_SHAPE");
  EXPECT_EQ(JudgedWith("<ds:SignedInfo>", "<ds:SignedInfo><!-- c -->"), "SIGNATURE_SHAPE");
  EXPECT_EQ(JudgedWith("<ds:DigestValue>", "<ds:DigestValue><!-- c -->"), "SIGNATURE_SHAPE");
  EXPECT_EQ(JudgedWith("<ds:DigestValue>", "<ds:DigestValue><?c?>"), "SIGNATURE_SHAPE");
  EXPECT_EQ(JudgedWith("<ds:SignatureValue>", "<ds:SignatureValue><!-- c -->"), "SIGNATURE_SHAPE");
  EXPECT_EQ(JudgedWith("<ds:SignatureValue>", "<x/><ds:SignatureValue>"), "SIGNATURE_SHAPE");
  EXPECT_EQ(JudgedWith("<ds:DigestValue>", "<ds:DigestValue><x/>"), "SIGNATURE_SHAPE");
}

// Canonicalization fails where a namespace's name is relative; nothing is verified against an empty
// text then.
TEST(XmlSignatureTest, CanonicalizationThatFails) {
  EXPECT_EQ(JudgedWith("<saml:Subject>", "<saml:Subject xmlns:r=\"relative\" r:x=\"1\">"),
            "SIGNATURE_VALUE");
  const std::string empty_digest = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
  const std::string genuine = SignedResponse(ResponseParts());
  const size_t begin = genuine.find("<ds:DigestValue>") + 16;
  const std::string digest = genuine.substr(begin, genuine.find("</ds:DigestValue>") - begin);
  EXPECT_EQ(Judged(Replaced(Replaced(genuine, digest, empty_digest), "<saml:Subject>",
                            "<saml:Subject xmlns:r=\"relative\" r:x=\"1\">")),
            "SIGNATURE_VALUE");
}

}  // namespace
}  // namespace gatehouse::saml
