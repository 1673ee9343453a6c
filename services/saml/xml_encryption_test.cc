// Encrypted assertions and ids: each algorithm, each way to send the key, and everything that can
// be wrong about them. What is decrypted is judged like what was sent in clear.

#include "services/saml/xml_encryption.h"

#include <gtest/gtest.h>

#include "services/saml/authn_request.h"
#include "services/saml/test_encryption.h"
#include "services/saml/test_provider.h"

namespace gatehouse::saml {
namespace {

Expectations WithKey() {
  Expectations expected = TestExpectations();
  expected.decryption_key = TestServiceKey();
  return expected;
}

std::string SignedAssertion(ResponseParts parts = {}) {
  parts.sign_response = false;
  parts.sign_assertion = true;
  return ElementText(SignedResponse(parts), "saml:Assertion");
}

std::string BareAssertion() {
  return AssertionXml(ResponseParts(), TestProvider::Genuine().key());
}

// A response with `assertions` in it.
std::string Response(const std::string& assertions, bool sign) {
  ResponseParts parts;
  parts.sign_response = sign;
  const SigningKey& key = TestProvider::Genuine().key();
  return SignParts(ResponseXml(parts, key, assertions), key);
}

std::string Encrypted(const std::string& xml, const EncryptionParts& parts = {}) {
  return EncryptedXml("EncryptedAssertion", xml, parts);
}

// Of an unsigned response with a signed assertion, encrypted in this way.
std::string JudgedWhenEncrypted(const EncryptionParts& parts) {
  static const std::string assertion = SignedAssertion();
  return Judged(Response(Encrypted(assertion, parts), /*sign=*/false), WithKey());
}

TEST(XmlEncryptionTest, EachAlgorithm) {
  for (const char* algorithm :
       {"http://www.w3.org/2009/xmlenc11#aes256-gcm", "http://www.w3.org/2009/xmlenc11#aes128-gcm",
        "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
        "http://www.w3.org/2001/04/xmlenc#aes128-cbc"}) {
    EXPECT_EQ(JudgedWhenEncrypted({.data_algorithm = algorithm}), "OK") << algorithm;
  }
  for (const char* algorithm : {"http://www.w3.org/2001/04/xmlenc#tripledes-cbc",
                                "http://www.w3.org/2001/04/xmlenc#aes192-cbc", ""}) {
    EXPECT_EQ(JudgedWhenEncrypted({.data_algorithm = algorithm}), "ENCRYPTION_ALGORITHM")
        << algorithm;
  }
}

TEST(XmlEncryptionTest, EachWayToSendTheKey) {
  const std::string mgf1p = StrCat(kXmlEnc, "rsa-oaep-mgf1p");
  const std::string oaep = StrCat(kXmlEnc11, "rsa-oaep");
  const std::string sha1 = "http://www.w3.org/2000/09/xmldsig#sha1";
  const std::string sha256 = "http://www.w3.org/2001/04/xmlenc#sha256";
  const std::string sha512 = "http://www.w3.org/2001/04/xmlenc#sha512";
  const EncryptionParts good[] = {
      {.key_algorithm = mgf1p},
      {.key_algorithm = mgf1p, .digest = sha1},
      {.key_algorithm = mgf1p, .digest = sha256, .digest_name = "SHA256"},
      {.key_algorithm = oaep},
      {.key_algorithm = oaep,
       .digest = sha256,
       .mask = StrCat(kXmlEnc11, "mgf1sha256"),
       .digest_name = "SHA256",
       .mask_name = "SHA256"},
      {.key_algorithm = oaep,
       .digest = sha512,
       .mask = StrCat(kXmlEnc11, "mgf1sha1"),
       .digest_name = "SHA512"},
      {.key_algorithm = oaep,
       .digest = "http://www.w3.org/2001/04/xmldsig-more#sha384",
       .mask = StrCat(kXmlEnc11, "mgf1sha384"),
       .digest_name = "SHA384",
       .mask_name = "SHA384"},
      {.key_beside = true},
      {.type = ""},
  };
  for (const EncryptionParts& parts : good) {
    EXPECT_EQ(JudgedWhenEncrypted(parts), "OK") << parts.key_algorithm << " " << parts.digest;
  }
  // PKCS #1 v1.5 is the padding that oracles are made of.
  EXPECT_EQ(JudgedWhenEncrypted(
                {.key_algorithm = StrCat(kXmlEnc, "rsa-1_5"), .padding_is_pkcs1 = true}),
            "ENCRYPTION_ALGORITHM");
  EXPECT_EQ(JudgedWhenEncrypted({.padding_is_pkcs1 = true}), "DECRYPTION");
  EXPECT_EQ(JudgedWhenEncrypted({.key_algorithm = mgf1p,
                                 .mask = StrCat(kXmlEnc11, "mgf1sha256"),
                                 .mask_name = "SHA256"}),
            "ENCRYPTION_ALGORITHM");
  EXPECT_EQ(JudgedWhenEncrypted({.digest = "http://www.w3.org/2001/04/xmldsig-more#md5"}),
            "ENCRYPTION_ALGORITHM");
  EXPECT_EQ(JudgedWhenEncrypted({.digest = sha256}), "DECRYPTION");  // it is not
}

TEST(XmlEncryptionTest, KeysForOthersBesideOurs) {
  const std::string encrypted =
      EncryptedXml("EncryptedAssertion", "<a/>", {}, *crypto::RsaKeyPair::Generate());
  const std::string other = ElementText(encrypted, "xenc:EncryptedKey");
  EXPECT_EQ(JudgedWhenEncrypted({.other_keys = other}), "OK");
  EXPECT_EQ(JudgedWhenEncrypted({.key_beside = true, .other_keys = other + other + other}), "OK");
  EXPECT_EQ(JudgedWhenEncrypted({.other_keys = other + other + other + other}),
            "ENCRYPTION_SHAPE");
  EXPECT_EQ(Judged(Response(encrypted, /*sign=*/true), WithKey()), "DECRYPTION");
  EXPECT_EQ(Judged(Response(Encrypted(SignedAssertion()), false), TestExpectations()),
            "DECRYPTION");
}

// Whatever is damaged, there is one answer to it.
TEST(XmlEncryptionTest, Damaged) {
  const auto flip = [](size_t at) {
    return [at](std::string& bytes) {
      bytes[at % bytes.size()] = static_cast<char>(bytes[at % bytes.size()] ^ 1);
    };
  };
  const auto cut = [](size_t size) { return [size](std::string& bytes) { bytes.resize(size); }; };
  for (const char* algorithm : {"http://www.w3.org/2009/xmlenc11#aes256-gcm",
                                "http://www.w3.org/2001/04/xmlenc#aes256-cbc"}) {
    for (const size_t at : {0, 5, 40, 300, 700}) {
      EXPECT_EQ(JudgedWhenEncrypted({.data_algorithm = algorithm, .damage_data = cut(at)}),
                "DECRYPTION")
          << algorithm << at;
      EXPECT_EQ(JudgedWhenEncrypted({.data_algorithm = algorithm, .damage_key = flip(at)}),
                "DECRYPTION");
    }
    EXPECT_EQ(JudgedWhenEncrypted({.data_algorithm = algorithm, .damage_key = cut(0)}),
              "DECRYPTION");
    EXPECT_EQ(JudgedWhenEncrypted({.data_algorithm = algorithm, .key_bytes = 20}), "DECRYPTION");
    EXPECT_EQ(JudgedWhenEncrypted({.data_algorithm = algorithm, .damage_data = flip(0)}),
              "DECRYPTION");
  }
  EXPECT_EQ(JudgedWhenEncrypted({.damage_data = flip(300)}), "DECRYPTION");
  // In CBC a text may be changed without a key; not so that its signature is good.
  for (size_t at = 16; at < 600; at += 7) {
    const std::string judged = JudgedWhenEncrypted(
        {.data_algorithm = StrCat(kXmlEnc, "aes128-cbc"), .damage_data = flip(at)});
    EXPECT_NE(judged, "OK") << at;
  }
}

TEST(XmlEncryptionTest, WhatIsNoAssertion) {
  const auto judged = [](const std::string& xml) {
    return Judged(Response(Encrypted(xml), /*sign=*/true), WithKey());
  };
  EXPECT_EQ(judged(BareAssertion()), "OK");
  for (const std::string& xml :
       {std::string(), std::string("text"), std::string("<a>"), std::string("<a/>"),
        std::string("</x><x>"), StrCat("</x>", BareAssertion(), "<x>"),
        StrCat("<!DOCTYPE a>", BareAssertion()), std::string("<p:a/>"), std::string("<a>\0</a>", 8),
        std::string("<a>\xC3</a>"), StrCat(BareAssertion(), BareAssertion()),
        StrCat("<saml:Advice xmlns:saml='", kAssertionNamespace, "'>", BareAssertion(),
               "</saml:Advice>"),
        Encrypted(BareAssertion()), std::string(2000, '<')}) {
    EXPECT_EQ(judged(xml), "DECRYPTION") << xml;
  }
}

TEST(XmlEncryptionTest, Shape) {
  const std::string good = Encrypted(SignedAssertion());
  const auto judged = [&](std::string_view from, std::string_view to) {
    const std::string changed = Replaced(good, from, to);
    EXPECT_NE(changed, "") << from;
    return Judged(Response(changed, /*sign=*/false), WithKey());
  };
  EXPECT_EQ(judged("xmlenc#Element", "xmlenc#Content"), "ENCRYPTION_SHAPE");
  EXPECT_EQ(judged("<xenc:CipherValue>", "<xenc:CipherReference URI='#x'/><xenc:CipherValue>"),
            "ENCRYPTION_SHAPE");
  EXPECT_EQ(judged("<xenc:CipherValue>", "<xenc:CipherValue>!"), "ENCRYPTION_SHAPE");
  EXPECT_EQ(judged("<xenc:CipherValue>", "<xenc:CipherValue><a/>"), "ENCRYPTION_SHAPE");
  EXPECT_EQ(judged("<xenc:EncryptionMethod ", "<xenc:Method "), "ENCRYPTION_SHAPE");
  EXPECT_EQ(judged(ElementText(good, "xenc:EncryptedKey"), ""), "ENCRYPTION_SHAPE");
  EXPECT_EQ(judged(ElementText(good, "xenc:EncryptedData"), ""), "ENCRYPTION_SHAPE");
  const std::string data = ElementText(good, "xenc:EncryptedData");
  EXPECT_EQ(judged(data, data + data), "ENCRYPTION_SHAPE");
}

// A signature that is there must be good, and one must be there: the response's own is looked at
// before anything is decrypted.
TEST(XmlEncryptionTest, Signatures) {
  EXPECT_EQ(Judged(Response(Encrypted(BareAssertion()), true), WithKey()), "OK");
  EXPECT_EQ(Judged(Response(Encrypted(SignedAssertion()), true), WithKey()), "OK");
  EXPECT_EQ(Judged(Response(Encrypted(SignedAssertion()), false), WithKey()), "OK");
  EXPECT_EQ(Judged(Response(Encrypted(BareAssertion()), false), WithKey()), "UNSIGNED");
  const std::string forged = Replaced(SignedAssertion(), "user@", "root@");
  EXPECT_EQ(Judged(Response(Encrypted(forged), true), WithKey()), "SIGNATURE_VALUE");
  EXPECT_EQ(Judged(Response(Encrypted(forged), false), WithKey()), "SIGNATURE_VALUE");
  // A response that was signed with another assertion in it: not even damage is noticed first.
  const std::string genuine = Response(Encrypted(BareAssertion()), true);
  const std::string other = Encrypted(
      Replaced(BareAssertion(), "user@", "root@"),
      {.damage_data = [](std::string& bytes) { bytes.resize(20); }});
  EXPECT_EQ(Judged(Replaced(genuine, ElementText(genuine, "saml:EncryptedAssertion"), other),
                   WithKey()),
            "SIGNATURE_VALUE");
  // Without the response's signature the encrypted assertion has none.
  EXPECT_EQ(Judged(Replaced(genuine, ElementText(genuine, "ds:Signature"), ""), WithKey()),
            "UNSIGNED");
}

// Wrapping, with one of the two encrypted.
TEST(XmlEncryptionTest, OneAssertion) {
  const std::string evil = Replaced(BareAssertion(), "user@", "root@");
  const std::string genuine = SignedAssertion();
  EXPECT_EQ(Judged(Response(Encrypted(genuine) + evil, false), WithKey()), "ONE_ASSERTION");
  EXPECT_EQ(Judged(Response(evil + Encrypted(genuine), false), WithKey()), "ONE_ASSERTION");
  EXPECT_EQ(Judged(Response(Encrypted(genuine) + Encrypted(evil), false), WithKey()),
            "ONE_ASSERTION");
  const auto inside = [](const std::string& outer, const std::string& inner) {
    return Replaced(outer, "<saml:AuthnStatement",
                    StrCat("<saml:Advice>", inner, "</saml:Advice><saml:AuthnStatement"));
  };
  EXPECT_EQ(Judged(Response(Encrypted(inside(evil, genuine)), false), WithKey()), "UNSIGNED");
  EXPECT_EQ(Judged(Response(Encrypted(inside(evil, Encrypted(genuine))), true), WithKey()),
            "ONE_ASSERTION");
  EXPECT_EQ(Judged(Response(StrCat("<saml:Advice xmlns:saml='", kAssertionNamespace, "'>", genuine,
                                   "</saml:Advice>", Encrypted(evil)),
                            false),
                   WithKey()),
            "ONE_ASSERTION");
  // The genuine assertion's signature in a forged one, whose id finds the genuine one in clear.
  const std::string signature = ElementText(genuine, "ds:Signature");
  const std::string moved = Replaced(evil, "<saml:Subject>", signature + "<saml:Subject>");
  EXPECT_EQ(Judged(Response(Encrypted(moved) + StrCat("<y>", genuine, "</y>"), false), WithKey()),
            "ONE_ASSERTION");
  EXPECT_EQ(Judged(Response(Encrypted(moved), false), WithKey()), "SIGNATURE_VALUE");
}

// What is in it is checked as always.
TEST(XmlEncryptionTest, ChecksOfContents) {
  const auto judged = [](const std::function<void(ResponseParts&)>& change) {
    ResponseParts parts;
    change(parts);
    return Judged(Response(Encrypted(SignedAssertion(parts)), false), WithKey());
  };
  EXPECT_EQ(judged([](ResponseParts& parts) { parts.assertion_issuer = "x"; }), "ISSUER");
  EXPECT_EQ(judged([](ResponseParts& parts) { parts.recipient = "https://x.io"; }), "RECIPIENT");
  EXPECT_EQ(judged([](ResponseParts& parts) { parts.in_response_to = "_2"; }), "IN_RESPONSE_TO");
  EXPECT_EQ(judged([](ResponseParts& parts) { parts.not_on_or_after = WriteTime(1); }),
            "CONDITIONS_TIME");
  EXPECT_EQ(judged([](ResponseParts& parts) { parts.conditions = ""; }), "AUDIENCE");
}

// Providers encrypt an element as it stands, with prefixes that are declared around it.
TEST(XmlEncryptionTest, PrefixesOfTheResponse) {
  const std::string declared = StrCat(" xmlns:saml=\"", kAssertionNamespace, "\"");
  std::string bare = BareAssertion();
  for (size_t at = bare.find(declared); at != std::string::npos; at = bare.find(declared)) {
    bare.erase(at, declared.size());
  }
  EXPECT_EQ(Judged(Response(Encrypted(bare), /*sign=*/true), WithKey()), "OK");
  // Signed where it stands, in either canonical form.
  for (const char* form : {"http://www.w3.org/2001/10/xml-exc-c14n#",
                           "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"}) {
    ResponseParts parts;
    parts.sign_response = false;
    parts.sign_assertion = true;
    const SigningKey& key = TestProvider::Genuine().key();
    std::string xml = Replaced(ResponseXml(parts, key, AssertionXml(parts, key)), "<samlp:Response",
                               StrCat("<samlp:Response", declared));
    xml = Replaced(xml, "Method Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#",
                   StrCat("Method Algorithm=\"", form));
    const std::string made = SignParts(xml, key);
    std::string assertion = ElementText(made, "saml:Assertion");
    assertion = Replaced(assertion, declared, "");
    EXPECT_EQ(Judged(Replaced(made, ElementText(made, "saml:Assertion"), Encrypted(assertion)),
                     WithKey()),
              "OK")
        << form;
  }
}

TEST(XmlEncryptionTest, EncryptedIds) {
  const auto judged = [](const std::string& name_id, const Expectations& expected = WithKey()) {
    ResponseParts parts;
    parts.name_id = name_id;
    return Judged(SignedResponse(parts), expected);
  };
  const std::string name =
      StrCat("<saml:NameID xmlns:saml='", kAssertionNamespace, "'>user@example.com</saml:NameID>");
  EXPECT_EQ(judged(EncryptedXml("EncryptedID", name)), "OK");
  EXPECT_EQ(judged(EncryptedXml("EncryptedID", name), TestExpectations()), "DECRYPTION");
  EXPECT_EQ(judged(EncryptedXml("EncryptedID", name) + name), "NAME_ID");
  EXPECT_EQ(judged(EncryptedXml("EncryptedID", "<NameID>x</NameID>")), "NAME_ID");
  EXPECT_EQ(judged(EncryptedXml("EncryptedID", Replaced(name, "user", "<b/>"))), "NAME_ID");
  ResponseParts parts;
  parts.name_id = EncryptedXml("EncryptedID", name);
  const auto response = ReadResponse(crypto::Base64Encode(
      Response(Encrypted(SignedAssertion(parts)), /*sign=*/true)));
  ASSERT_TRUE(response.ok() && HasEncryption(*response));
  const auto verified = VerifyResponse(*response, WithKey());
  ASSERT_TRUE(verified.ok()) << verified.status();
  EXPECT_EQ(Serialize(verified->claims), R"({"NameID":["user@example.com"]})");
}

TEST(XmlEncryptionTest, MetadataNamesTheKeyWhenAsked) {
  const std::string without = WriteServiceMetadata("https://sp", "AAAA", 0, false);
  EXPECT_EQ(without.find("encryption"), std::string::npos);
  const auto with = XmlDocument::Parse(WriteServiceMetadata("https://sp", "AAAA", 0, true));
  ASSERT_TRUE(with.ok());
  const auto keys =
      with->root().Children().front().Children(kMetadataNamespace, "KeyDescriptor");
  ASSERT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys[0].Attribute("use"), "signing");
  EXPECT_EQ(keys[1].Attribute("use"), "encryption");
  EXPECT_EQ(keys[1].Children(kMetadataNamespace, "EncryptionMethod").size(), 6u);
}

}  // namespace
}  // namespace gatehouse::saml
