#include "services/saml/metadata.h"

#include <gtest/gtest.h>

#include "services/saml/check.h"
#include "services/saml/test_provider.h"

namespace gatehouse::saml {
namespace {

std::string Read(const std::string& xml) {
  const auto metadata = ReadIdpMetadata(xml);
  return metadata.ok() ? "OK" : std::string(metadata.status().message());
}

const std::string& Good() {
  static const std::string metadata = TestProvider::Genuine().Metadata();
  return metadata;
}

std::string Changed(std::string_view from, std::string_view to) {
  return Read(Replaced(Good(), from, to));
}

TEST(MetadataTest, ReadsWhatAClientNeeds) {
  const auto metadata = ReadIdpMetadata(Good());
  ASSERT_TRUE(metadata.ok()) << metadata.status();
  EXPECT_EQ(metadata->entity_id, kTestEntity);
  EXPECT_EQ(metadata->redirect_location, "https://idp.example.com/sso");
  EXPECT_EQ(metadata->post_location, "");
  EXPECT_EQ(metadata->signing_certificates,
            std::vector<std::string>{TestProvider::Genuine().key().certificate_base64});
}

TEST(MetadataTest, RefusesWhatIsNone) {
  EXPECT_EQ(Read("<a/>"), "ROOT_ELEMENT");
  EXPECT_EQ(Read(StrCat("<!DOCTYPE x>", Good())), "DOCTYPE");
  EXPECT_EQ(Changed(kTestEntity, " "), "ENTITY_ID");
  EXPECT_EQ(
      Read(StrCat("<md:EntityDescriptor xmlns:md=\"", kMetadataNamespace, "\" entityID=\"x\"/>")),
      "ROLE");
  EXPECT_EQ(Changed("HTTP-Redirect", "SOAP"), "SINGLE_SIGN_ON");
  EXPECT_EQ(Changed("use=\"signing\"", "use=\"other\""), "KEY_USE");
  EXPECT_EQ(Changed("use=\"signing\"", "use=\"encryption\""), "CERTIFICATE");
  EXPECT_EQ(Changed("<ds:X509Certificate>MII", "<ds:X509Certificate>AII"), "CERTIFICATE");
  EXPECT_EQ(Changed(" entityID", " validUntil=\"tomorrow\" entityID"), "TIME");
}

TEST(MetadataTest, BrowsersAreSentToTheWebOnly) {
  for (const char* location : {"javascript:alert(1)", "data:text/html,x", "//idp.example.com/sso",
                               "/sso", "&#10;javascript://idp.example.com/%0aalert(1)"}) {
    EXPECT_EQ(Changed("https://idp.example.com/sso", location), "SINGLE_SIGN_ON") << location;
  }
  EXPECT_EQ(Changed("https://idp.example.com/sso", " HTTP://idp.example.com/sso"), "OK");
  EXPECT_EQ(Read(Replaced(Replaced(Good(), "HTTP-Redirect", "HTTP-POST"),
                          "https://idp.example.com/sso", "javascript:alert(1)")),
            "SINGLE_SIGN_ON");
}

TEST(MetadataTest, TheLocationThatTakesPosts) {
  const auto metadata = ReadIdpMetadata(Replaced(Good(), "HTTP-Redirect", "HTTP-POST"));
  ASSERT_TRUE(metadata.ok()) << metadata.status();
  EXPECT_EQ(metadata->post_location, "https://idp.example.com/sso");
  EXPECT_EQ(metadata->redirect_location, "");
}

TEST(MetadataTest, KeysForEverythingComeAfterThoseForSigning) {
  const std::string other = TestProvider::Other().key().certificate_base64;
  const std::string any_use =
      StrCat("<md:KeyDescriptor><ds:KeyInfo xmlns:ds=\"", kSignatureNamespace,
             "\"><ds:X509Data><ds:X509Certificate>\n", other.substr(0, 64), "\n ", other.substr(64),
             "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>");
  const auto metadata =
      ReadIdpMetadata(Replaced(Good(), "<md:KeyDescriptor", StrCat(any_use, "<md:KeyDescriptor")));
  ASSERT_TRUE(metadata.ok()) << metadata.status();
  EXPECT_EQ(metadata->signing_certificates,
            (std::vector<std::string>{TestProvider::Genuine().key().certificate_base64, other}));
}

TEST(MetadataTest, InvalidUtf8IsReplaced) {
  const auto metadata = ReadIdpMetadata(TestProvider::Genuine().Metadata("https://x/\xE9\xE9"));
  ASSERT_TRUE(metadata.ok()) << metadata.status();
  EXPECT_EQ(metadata->entity_id, "https://x/\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(CheckTest, EachHasItsOwnName) {
  for (int i = 0; i <= static_cast<int>(Check::kReplay); ++i) {
    const Check check = static_cast<Check>(i);
    EXPECT_TRUE(IsFailed(Failed(check), check));
    for (int j = 0; j < i; ++j) EXPECT_NE(CheckName(check), CheckName(static_cast<Check>(j)));
  }
  EXPECT_TRUE(IsMalformed(Failed(Check::kDoctype)));
  EXPECT_FALSE(IsMalformed(Failed(Check::kStatus)));
}

}  // namespace
}  // namespace gatehouse::saml
