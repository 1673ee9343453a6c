// What a response says, once its signature is good: each wrong part is refused by its own check.

#include "services/saml/response.h"

#include <gtest/gtest.h>

#include "services/saml/assertion_claims.h"
#include "services/saml/test_provider.h"

namespace gatehouse::saml {
namespace {

using Change = std::function<void(ResponseParts&)>;

std::string JudgedAfter(const Change& change, const Expectations& expected) {
  ResponseParts parts;
  change(parts);
  return Judged(SignedResponse(parts), expected);
}
std::string JudgedAfter(const Change& change) { return JudgedAfter(change, TestExpectations()); }

std::string At(int64_t offset_s) { return WriteTime(kTestNowMs + 1000 * offset_s); }

TEST(ResponseTest, OnlyResponsesAreRead) {
  EXPECT_EQ(std::string(ReadResponse("***").status().message()), "BASE64");
  EXPECT_EQ(std::string(ReadResponse("PGEvPg--").status().message()), "BASE64");
  EXPECT_EQ(std::string(ReadResponse(std::string(2 << 20, 'A')).status().message()), "SIZE");
  EXPECT_EQ(Judged("<a/>"), "ROOT_ELEMENT");
  EXPECT_EQ(Judged("<Response ID=\"x\" Version=\"2.0\"/>"), "ROOT_ELEMENT");
  EXPECT_EQ(Judged(Replaced(SignedResponse(ResponseParts()), "Version=\"2.0\"", "Version=\"1.1\"")),
            "VERSION");
}

TEST(ResponseTest, Status) {
  for (const char* status : {"", "urn:oasis:names:tc:SAML:2.0:status:Responder", "Success"}) {
    EXPECT_EQ(JudgedAfter([&](ResponseParts& parts) { parts.status = status; }), "STATUS")
        << status;
  }
}

TEST(ResponseTest, Issuer) {
  const auto both = [](const char* name) {
    return JudgedAfter(
        [&](ResponseParts& parts) { parts.response_issuer = parts.assertion_issuer = name; });
  };
  EXPECT_EQ(both("https://other.example.com"), "ISSUER");
  EXPECT_EQ(both(""), "ISSUER");
  EXPECT_EQ(both(" https://idp.example.com/metadata\n"), "OK");
  EXPECT_EQ(JudgedAfter([](ResponseParts& parts) { parts.response_issuer = ""; }), "OK");
  EXPECT_EQ(JudgedAfter([](ResponseParts& parts) { parts.response_issuer = "x"; }), "ISSUER");
  EXPECT_EQ(JudgedAfter([](ResponseParts& parts) { parts.assertion_issuer = "x"; }), "ISSUER");
  EXPECT_EQ(both("https://idp.example.com/<!-- c -->metadata"), "OK");
  EXPECT_EQ(both("https://idp.example.com/metadata<saml:x xmlns:saml='urn:u'>.evil</saml:x>"),
            "ISSUER");
}

TEST(ResponseTest, DestinationAndRecipient) {
  const Change elsewhere = [](ResponseParts& parts) { parts.destination = "https://x.io/acs"; };
  const Change other_recipient = [](ResponseParts& parts) { parts.recipient = "https://x.io/acs"; };
  const Change no_recipient = [](ResponseParts& parts) { parts.recipient = ""; };
  EXPECT_EQ(JudgedAfter(elsewhere), "DESTINATION");
  EXPECT_EQ(JudgedAfter([](ResponseParts& parts) { parts.destination = ""; }), "OK");
  EXPECT_EQ(JudgedAfter(other_recipient), "RECIPIENT");
  EXPECT_EQ(JudgedAfter(no_recipient), "RECIPIENT");
  Expectations lenient = TestExpectations();
  lenient.leniencies.any_destination = true;
  for (const Change& change : {elsewhere, other_recipient, no_recipient}) {
    EXPECT_EQ(JudgedAfter(change, lenient), "OK");
  }
}

TEST(ResponseTest, TheRequestThatItAnswers) {
  const Change other = [](ResponseParts& parts) { parts.in_response_to = "_other"; };
  const Change none = [](ResponseParts& parts) { parts.in_response_to = ""; };
  EXPECT_EQ(JudgedAfter(other), "IN_RESPONSE_TO");
  EXPECT_EQ(JudgedAfter(none), "IN_RESPONSE_TO");
  Expectations unasked = TestExpectations();
  unasked.request_id.reset();
  EXPECT_EQ(JudgedAfter(none, unasked), "OK");
  EXPECT_EQ(JudgedAfter([](ResponseParts&) {}, unasked), "IN_RESPONSE_TO");
  Expectations lenient = TestExpectations();
  lenient.leniencies.any_request = true;
  EXPECT_EQ(JudgedAfter(other, lenient), "OK");
  EXPECT_EQ(JudgedAfter(none, lenient), "OK");
}

TEST(ResponseTest, SubjectConfirmation) {
  EXPECT_EQ(JudgedAfter([](ResponseParts& parts) {
              parts.method = "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key";
            }),
            "SUBJECT_CONFIRMATION");
  EXPECT_EQ(JudgedAfter([](ResponseParts& parts) { parts.confirmed_until = ""; }),
            "CONFIRMATION_TIME");
  EXPECT_EQ(JudgedAfter([](ResponseParts& parts) { parts.confirmed_until = At(-11); }),
            "CONFIRMATION_TIME");
  EXPECT_EQ(JudgedAfter([](ResponseParts& parts) { parts.confirmed_until = At(-9); }), "OK");
}

TEST(ResponseTest, TimesHaveATolerance) {
  const auto window = [](const std::string& from, const std::string& until,
                         bool clock_drift = false) {
    Expectations expected = TestExpectations();
    expected.leniencies.clock_drift = clock_drift;
    return JudgedAfter(
        [&](ResponseParts& parts) {
          parts.not_before = from;
          parts.not_on_or_after = until;
        },
        expected);
  };
  EXPECT_EQ(window("", ""), "OK");
  EXPECT_EQ(window(At(9), At(60)), "OK");
  EXPECT_EQ(window(At(11), At(60)), "CONDITIONS_TIME");
  EXPECT_EQ(window(At(-60), At(-9)), "OK");
  EXPECT_EQ(window(At(-60), At(-11)), "CONDITIONS_TIME");
  EXPECT_EQ(window(At(170), At(300), true), "OK");
  EXPECT_EQ(window(At(190), At(300), true), "CONDITIONS_TIME");
  EXPECT_EQ(window("now", At(60)), "TIME");
  EXPECT_EQ(window("infinite-past", At(60)), "TIME");
}

TEST(ResponseTest, IssueInstants) {
  for (const int offset : {-290, 290}) {
    EXPECT_EQ(JudgedAfter([&](ResponseParts& parts) {
                parts.issue_instant = parts.assertion_issue_instant = At(offset);
              }),
              "OK");
  }
  for (const int offset : {-320, 320}) {
    EXPECT_EQ(JudgedAfter([&](ResponseParts& parts) { parts.issue_instant = At(offset); }),
              "ISSUE_INSTANT");
    EXPECT_EQ(
        JudgedAfter([&](ResponseParts& parts) { parts.assertion_issue_instant = At(offset); }),
        "ISSUE_INSTANT");
  }
  EXPECT_EQ(JudgedAfter([](ResponseParts& parts) { parts.assertion_issue_instant = ""; }),
            "ISSUE_INSTANT");
  EXPECT_EQ(JudgedAfter([](ResponseParts& parts) { parts.session_until = At(-60); }),
            "CONDITIONS_TIME");
}

TEST(ResponseTest, Audience) {
  const auto with = [](const std::string& conditions) {
    return JudgedAfter([&](ResponseParts& parts) { parts.conditions = conditions; });
  };
  const auto restriction = [](const std::string& audiences) {
    return StrCat("<saml:AudienceRestriction>", audiences, "</saml:AudienceRestriction>");
  };
  const std::string ours = StrCat("<saml:Audience>", kTestAudience, "</saml:Audience>");
  const std::string other = "<saml:Audience>https://other.example.com</saml:Audience>";
  EXPECT_EQ(with(""), "AUDIENCE");
  EXPECT_EQ(with(restriction(other)), "AUDIENCE");
  EXPECT_EQ(with(restriction("")), "AUDIENCE");
  EXPECT_EQ(with(restriction(other + ours)), "OK");
  EXPECT_EQ(with(restriction(ours) + restriction(other)), "AUDIENCE");
  EXPECT_EQ(with(restriction(ours) + "<saml:OneTimeUse/>"), "OK");
  EXPECT_EQ(with(restriction(ours) + "<saml:Condition/>"), "CONDITIONS");
  EXPECT_EQ(with(restriction("<saml:Audience>https://saml.supertokens.com<x/></saml:Audience>")),
            "AUDIENCE");
}

TEST(ResponseTest, EncryptedOrNoAssertion) {
  const SigningKey& key = TestProvider::Genuine().key();
  const ResponseParts parts;
  EXPECT_EQ(Judged(SignParts(ResponseXml(parts, key, ""), key)), "ONE_ASSERTION");
  EXPECT_EQ(Judged(SignParts(ResponseXml(parts, key,
                                         StrCat("<saml:EncryptedAssertion xmlns:saml=\"",
                                                kAssertionNamespace, "\"/>")),
                             key)),
            "DECRYPTION");
}

// The claims as JSON, or the name of the check that refused.
std::string Claims(const std::string& name_id, const std::string& attributes = "") {
  ResponseParts parts;
  parts.name_id = name_id;
  parts.attributes = attributes;
  const auto document = ReadResponse(crypto::Base64Encode(SignedResponse(parts)));
  if (!document.ok()) return std::string(document.status().message());
  const auto verified = VerifyResponse(*document, TestExpectations());
  return verified.ok() ? Serialize(verified->claims) : std::string(verified.status().message());
}

std::string NameId(const std::string& text) {
  return StrCat("<saml:NameID>", text, "</saml:NameID>");
}

// The text that canonicalization has signed is what is read: with comments left out and joined.
TEST(ClaimsTest, NameIdTricks) {
  EXPECT_EQ(Claims(NameId("admin@x.io<!-- c -->.evil.io")), R"({"NameID":["admin@x.io.evil.io"]})");
  EXPECT_EQ(Claims(NameId("<!-- c -->a@x.io")), R"({"NameID":["a@x.io"]})");
  EXPECT_EQ(Claims(NameId("admin@x.io<?x y?>.evil.io")), "NAME_ID");
  EXPECT_EQ(Claims(NameId("admin@x.io<x/>.evil.io")), "NAME_ID");
  EXPECT_EQ(Claims(NameId("a<![CDATA[@x]]>.io")), R"({"NameID":["a@x.io"]})");
  EXPECT_EQ(Claims(NameId("&lt;b&gt; &#x41;")), R"({"NameID":["<b> A"]})");
  EXPECT_EQ(Claims(NameId("  a \n")), R"({"NameID":["a"]})");
  EXPECT_EQ(Claims(NameId("")), "NAME_ID");
  EXPECT_EQ(Claims(NameId("a") + NameId("b")), "NAME_ID");
  EXPECT_EQ(Claims("<saml:EncryptedID/>"), "DECRYPTION");
  EXPECT_EQ(Claims(""), "{}");
}

std::string Attribute(const std::string& name, const std::string& values) {
  return StrCat("<saml:Attribute Name=\"", name, "\">", values, "</saml:Attribute>");
}

TEST(ClaimsTest, Attributes) {
  const std::string one = "<saml:AttributeValue> a </saml:AttributeValue>";
  const std::string typed =
      "<saml:AttributeValue xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\""
      " xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" "
      "xsi:type=\"xs:string\">b</saml:AttributeValue>";
  const std::string blank = "<saml:AttributeValue> </saml:AttributeValue>";
  EXPECT_EQ(Claims("", Attribute("r", one + typed)), R"({"r":["a","b"]})");
  EXPECT_EQ(Claims("", Attribute("r", one) + Attribute("r", typed)), R"({"r":["b"]})");
  EXPECT_EQ(Claims("", Attribute("r", blank) + Attribute("s", "")), "{}");
  EXPECT_EQ(Claims("", Attribute("", one)), "ATTRIBUTE");
  EXPECT_EQ(
      Claims("", Attribute("v", "<saml:AttributeValue>a<!-- c -->b<x>c</x></saml:AttributeValue>")),
      R"({"v":["abc"]})");
  // An attribute's name makes it no NameID.
  EXPECT_EQ(Claims(NameId("u"), Attribute("NameID", one) + Attribute("NameIDFormat", one)),
            R"({"NameID":["u"]})");
}

std::string User(const char* claims) {
  const SamlUser user = UserOf(*json::Parse(claims));
  return StrCat(user.sub.value_or("-"), " ", user.email.value_or("-"));
}

TEST(ClaimsTest, SubjectAndEmail) {
  EXPECT_EQ(User("{}"), "- -");
  EXPECT_EQ(User(R"({"NameID":["u"]})"), "u -");
  EXPECT_EQ(User(R"({"NameID":["u@x"]})"), "u@x u@x");
  EXPECT_EQ(User(R"({"NameID":["u@x"],"email":["e"],"mail":["m"]})"), "u@x m");
  EXPECT_EQ(User(R"({"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name":["n"],)"
                 R"("http://schemas.microsoft.com/identity/claims/objectidentifier":["o"],)"
                 R"("http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress":["w"]})"),
            "o w");
}

}  // namespace
}  // namespace gatehouse::saml
