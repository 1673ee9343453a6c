#include "libs/crypto/bytes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace gatehouse::crypto {
namespace {

TEST(Base64Test, Rfc4648Vectors) {
  EXPECT_EQ(Base64Encode(""), "");
  EXPECT_EQ(Base64Encode("f"), "Zg==");
  EXPECT_EQ(Base64Encode("fo"), "Zm8=");
  EXPECT_EQ(Base64Encode("foo"), "Zm9v");
  EXPECT_EQ(Base64Encode("foob"), "Zm9vYg==");
  EXPECT_EQ(Base64Encode("fooba"), "Zm9vYmE=");
  EXPECT_EQ(Base64Encode("foobar"), "Zm9vYmFy");
}

TEST(Base64Test, AlphabetsAndPaddingDiffer) {
  EXPECT_EQ(Base64Encode("\xfb\xff\xbf\xfe"), "+/+//g==");
  EXPECT_EQ(Base64UrlEncode("\xfb\xff\xbf\xfe"), "-_-__g");
  EXPECT_EQ(Base64UrlEncodePadded("\xfb\xff\xbf\xfe"), "-_-__g==");
}

TEST(Base64Test, DecodesBothAlphabetsWithAndWithoutPadding) {
  for (const char* text : {"+/+//g==", "-_-__g==", "-_-__g", "+/-_/g"}) {
    EXPECT_EQ(Base64Decode(text).value(), "\xfb\xff\xbf\xfe") << text;
  }
  EXPECT_EQ(Base64Decode("").value(), "");
}

TEST(Base64Test, RefusesWhatIsNoBase64) {
  for (const char* text : {"A", "AAAAA", "=", "==", "A=", "AA=", "A===", "====", "AA==AA==",
                           "Zm 9v", "Zm9v\n", "Zm9*", "Zg\xc3\xbc="}) {
    EXPECT_FALSE(Base64Decode(text).ok()) << text;
  }
}

TEST(Base64Test, OneWrongCharacterIsFoundWhereverItIs) {
  for (size_t size = 2; size < 12; ++size) {
    if (size % 4 == 1) continue;
    for (size_t at = 0; at < size; ++at) {
      for (const char wrong : {'*', '=', '\0', '\x80', '\xff'}) {
        std::string text(size, 'A');
        if (wrong == '=' && at + 1 == size) continue;
        text[at] = wrong;
        EXPECT_FALSE(Base64Decode(text).ok()) << size << " " << at;
      }
    }
  }
}

TEST(Base64Test, UnusedBitsAreIgnored) {
  EXPECT_EQ(Base64Decode("Zh").value(), "f");
  EXPECT_EQ(Base64Decode("Zm//").value(), "fo\xff");
  EXPECT_EQ(Base64Decode("Zm9").value(), "fo");
}

TEST(Base64Test, RoundTripsEveryLength) {
  for (size_t size = 0; size < 70; ++size) {
    const std::string bytes = RandomBytes(size);
    EXPECT_EQ(Base64Decode(Base64Encode(bytes)).value(), bytes);
    EXPECT_EQ(Base64Decode(Base64UrlEncode(bytes)).value(), bytes);
  }
}

TEST(RandomTest, UuidsHaveVersion4sFormAndDiffer) {
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) {
    const std::string uuid = NewUuid4();
    EXPECT_THAT(uuid, testing::MatchesRegex(
                          "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"));
    EXPECT_TRUE(seen.insert(uuid).second);
  }
}

TEST(RandomTest, GivesTheLengthAskedFor) {
  EXPECT_EQ(RandomBytes(0).size(), 0u);
  EXPECT_EQ(RandomBytes(33).size(), 33u);
  EXPECT_EQ(RandomHex(33).size(), 66u);
  EXPECT_NE(RandomBytes(16), RandomBytes(16));
}

TEST(SecretTest, ComparesContentAndLength) {
  EXPECT_TRUE(ConstantTimeEqual("", ""));
  EXPECT_TRUE(ConstantTimeEqual("abc", "abc"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "abd"));
  EXPECT_FALSE(ConstantTimeEqual("abc", "abcd"));
  EXPECT_FALSE(ConstantTimeEqual("abc", ""));
}

TEST(SecretTest, WipingEmptiesTheString) {
  std::string secret = "something long enough to live on the heap";
  { const ScopedWipe wipe(secret); }
  EXPECT_TRUE(secret.empty());
}

}  // namespace
}  // namespace gatehouse::crypto
