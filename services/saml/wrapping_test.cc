// Signature wrapping: a genuine signature in a document that says something else. The eight kinds
// of "On Breaking SAML" (Somorovsky and others, 2012) and relatives; each names the check that
// refuses it.

#include <gtest/gtest.h>

#include "services/saml/test_provider.h"

namespace gatehouse::saml {
namespace {

class WrappingTest : public ::testing::Test {
 protected:
  static std::string Evil(std::string xml) {
    return Replaced(xml, "user@example.com", "admin@example.com");
  }
  static std::string WithId(const std::string& xml, const std::string& from,
                            const std::string& to) {
    return Replaced(xml, StrCat("ID=\"", from, "\""), StrCat("ID=\"", to, "\""));
  }
  static ResponseParts AssertionSigned() {
    ResponseParts parts;
    parts.sign_response = false;
    parts.sign_assertion = true;
    return parts;
  }

  // Of a response whose assertion is signed.
  const std::string a_response = SignedResponse(AssertionSigned());
  const std::string a_genuine = ElementText(a_response, "saml:Assertion");
  const std::string a_signature = ElementText(a_genuine, "ds:Signature");
  const std::string a_bare = Replaced(a_genuine, a_signature, "");
  const std::string a_evil = WithId(Evil(a_bare), "_assertion-1", "_evil");
  // Of a response that is signed itself.
  const std::string r_genuine = SignedResponse(ResponseParts());
  const std::string r_signature = ElementText(r_genuine, "ds:Signature");
  const std::string r_bare = Replaced(r_genuine, r_signature, "");
  const std::string r_evil = WithId(Evil(r_bare), "_response-1", "_evil");

  std::string InSignature(const std::string& signature, const std::string& inner) const {
    return Replaced(signature, "</ds:Signature>",
                    StrCat("<ds:Object>", inner, "</ds:Object></ds:Signature>"));
  }
  std::string PutInto(const std::string& response, const std::string& before,
                      const std::string& inner) const {
    return Replaced(response, before, StrCat(inner, before));
  }
};

TEST_F(WrappingTest, TheGenuineOnesAreAccepted) {
  EXPECT_EQ(Judged(a_response), "OK");
  EXPECT_EQ(Judged(r_genuine), "OK");
  ResponseParts both;
  both.sign_assertion = true;
  EXPECT_EQ(Judged(SignedResponse(both)), "OK");
}

// Kinds 1 and 2: a forged response, with the genuine one in or beside the signature.
TEST_F(WrappingTest, ResponseWrappedInItsSignature) {
  const std::string forged = PutInto(r_evil, "<samlp:Status>", InSignature(r_signature, r_bare));
  EXPECT_EQ(Judged(forged), "SIGNATURE_SHAPE");
}
TEST_F(WrappingTest, ResponseBesideItsSignature) {
  EXPECT_EQ(Judged(PutInto(r_evil, "<samlp:Status>", StrCat(r_signature, r_bare))),
            "REFERENCE_ELSEWHERE");
  EXPECT_EQ(Judged(PutInto(r_evil, "<samlp:Status>", StrCat(r_bare, r_signature))),
            "REFERENCE_ELSEWHERE");
}
TEST_F(WrappingTest, ForgedResponseKeepsTheId) {
  const std::string forged =
      PutInto(WithId(r_evil, "_evil", "_response-1"), "<samlp:Status>",
              StrCat(r_signature, "<samlp:Extensions>", r_bare, "</samlp:Extensions>"));
  EXPECT_EQ(Judged(forged), "DUPLICATE_ID");
}
TEST_F(WrappingTest, GenuineResponseElsewhere) {
  for (const char* place : {"samlp:Extensions", "samlp:StatusDetail", "x"}) {
    const std::string open = StrCat("<", place, ">");
    const std::string forged =
        PutInto(r_evil, "<samlp:Status>", StrCat(r_signature, open, r_bare, "</", place, ">"));
    EXPECT_EQ(Judged(forged), "REFERENCE_ELSEWHERE") << place;
  }
}

// Kinds 3 and 4: a forged assertion before the genuine one, or around it.
TEST_F(WrappingTest, ForgedAssertionBeside) {
  EXPECT_EQ(Judged(PutInto(a_response, a_genuine, a_evil)), "ONE_ASSERTION");
  EXPECT_EQ(Judged(PutInto(a_response, "</samlp:Response>", a_evil)), "ONE_ASSERTION");
}
TEST_F(WrappingTest, ForgedAssertionAround) {
  const std::string around = PutInto(a_evil, "</saml:Assertion>", a_genuine);
  EXPECT_EQ(Judged(Replaced(a_response, a_genuine, around)), "UNSIGNED");
}

// Kinds 5 and 6: a forged assertion with the genuine one's signature, which has moved away.
TEST_F(WrappingTest, ForgedAssertionWithTheSignature) {
  const std::string with_signature = PutInto(a_evil, "<saml:Subject>", a_signature);
  EXPECT_EQ(Judged(Replaced(a_response, a_genuine, StrCat(with_signature, a_bare))),
            "ONE_ASSERTION");
  EXPECT_EQ(Judged(Replaced(a_response, a_genuine, with_signature)), "REFERENCE_ELSEWHERE");
  const std::string wrapped = PutInto(a_evil, "<saml:Subject>", InSignature(a_signature, a_bare));
  EXPECT_EQ(Judged(Replaced(a_response, a_genuine, wrapped)), "SIGNATURE_SHAPE");
}

// Kinds 7 and 8: forged in Extensions, or the genuine one in an Object of the signature.
TEST_F(WrappingTest, ForgedAssertionInExtensions) {
  const std::string forged = PutInto(a_response, "<samlp:Status>",
                                     StrCat("<samlp:Extensions>", a_evil, "</samlp:Extensions>"));
  EXPECT_EQ(Judged(forged), "ONE_ASSERTION");
}
TEST_F(WrappingTest, GenuineAssertionInKeyInfo) {
  const std::string hidden =
      Replaced(a_signature, "</ds:KeyInfo>", StrCat(a_bare, "</ds:KeyInfo>"));
  const std::string forged = PutInto(a_evil, "<saml:Subject>", hidden);
  EXPECT_EQ(Judged(Replaced(a_response, a_genuine, forged)), "REFERENCE_ELSEWHERE");
  const std::string same_id =
      PutInto(WithId(a_evil, "_evil", "_assertion-1"), "<saml:Subject>", hidden);
  EXPECT_EQ(Judged(Replaced(a_response, a_genuine, same_id)), "DUPLICATE_ID");
}

TEST_F(WrappingTest, GenuineAssertionElsewhere) {
  for (const char* place : {"saml:Advice", "saml:AttributeStatement", "x"}) {
    const std::string forged = PutInto(
        a_evil, "<saml:Subject>", StrCat(a_signature, "<", place, ">", a_bare, "</", place, ">"));
    EXPECT_EQ(Judged(Replaced(a_response, a_genuine, forged)), "REFERENCE_ELSEWHERE") << place;
  }
}

// The identifier by another name, so that a reader that takes it for an id finds the genuine one.
TEST_F(WrappingTest, OtherIdAttributes) {
  for (const char* name : {"Id", "id"}) {
    const std::string other =
        Replaced(a_bare, "ID=\"_assertion-1\"", StrCat(name, "=\"_assertion-1\""));
    const std::string forged =
        PutInto(WithId(a_evil, "_evil", "_assertion-1"), "<saml:Subject>",
                StrCat(a_signature, "<saml:Advice>", other, "</saml:Advice>"));
    EXPECT_EQ(Judged(Replaced(a_response, a_genuine, forged)), "DUPLICATE_ID") << name;
  }
  const std::string other = Replaced(a_bare, "ID=\"_assertion-1\"", "xml:id=\"_assertion-1\"");
  const std::string forged = PutInto(WithId(a_evil, "_evil", "_assertion-1"), "<saml:Subject>",
                                     StrCat(a_signature, "<saml:Advice>", other, "</saml:Advice>"));
  EXPECT_EQ(Judged(Replaced(a_response, a_genuine, forged)), "XML_ID");
}

// The signature of the one part in the other.
TEST_F(WrappingTest, SignaturesInTheWrongPlace) {
  EXPECT_EQ(Judged(PutInto(r_bare, "<saml:Subject>", r_signature)), "REFERENCE_ELSEWHERE");
  EXPECT_EQ(Judged(PutInto(Replaced(a_response, a_signature, ""), "<samlp:Status>", a_signature)),
            "REFERENCE_ELSEWHERE");
  EXPECT_EQ(Judged(PutInto(r_genuine, "<samlp:Status>", r_signature)), "SEVERAL_SIGNATURES");
}

// A response whose signature was taken out does not fall back to something weaker.
TEST_F(WrappingTest, SignatureTakenOut) {
  EXPECT_EQ(Judged(r_bare), "UNSIGNED");
  EXPECT_EQ(Judged(Replaced(a_response, a_signature, "")), "UNSIGNED");
  ResponseParts both;
  both.sign_assertion = true;
  const std::string signed_twice = SignedResponse(both);
  const std::string assertion = ElementText(signed_twice, "saml:Assertion");
  EXPECT_EQ(Judged(Replaced(signed_twice, assertion, Evil(assertion))), "SIGNATURE_VALUE");
}

TEST_F(WrappingTest, TwoAssertionsOfWhichEachIsSigned) {
  ResponseParts second = AssertionSigned();
  second.assertion_id = "_assertion-2";
  const std::string other = ElementText(SignedResponse(second), "saml:Assertion");
  EXPECT_EQ(Judged(PutInto(a_response, "</samlp:Response>", other)), "ONE_ASSERTION");
}

}  // namespace
}  // namespace gatehouse::saml
