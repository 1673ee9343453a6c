#include "libs/crypto/base32.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

#include "libs/crypto/bytes.h"

namespace gatehouse::crypto {
namespace {

TEST(Base32Test, Rfc4648Section10) {
  const std::pair<const char*, const char*> vectors[] = {{"", ""},
                                                         {"f", "MY"},
                                                         {"fo", "MZXQ"},
                                                         {"foo", "MZXW6"},
                                                         {"foob", "MZXW6YQ"},
                                                         {"fooba", "MZXW6YTB"},
                                                         {"foobar", "MZXW6YTBOI"}};
  for (const auto& [bytes, text] : vectors) {
    EXPECT_EQ(Base32Encode(bytes), text);
    EXPECT_EQ(Base32Decode(text), bytes);
  }
  EXPECT_EQ(Base32Decode("MZXW6YTBOI======"), "foobar");
  EXPECT_EQ(Base32Decode("MZXW6YQ="), "foob");
}

TEST(Base32Test, RandomBytesComeBack) {
  for (size_t length = 0; length < 70; ++length) {
    const std::string bytes = crypto::RandomBytes(length);
    EXPECT_EQ(Base32Decode(Base32Encode(bytes)), bytes) << length;
  }
  EXPECT_EQ(Base32Encode(crypto::RandomBytes(20)).size(), 32u);
}

TEST(Base32Test, CaseAndForeignCharactersDoNotMatter) {
  const std::string hello = Base32Decode("JBSWY3DPEHPK3PXP");
  ASSERT_EQ(hello.size(), 10u);
  for (const char* text : {"jbswy3dpehpk3pxp", " JBSW Y3DP\tEHPK-3PXP\n", "JBSWY3DPEHPK3PXP====",
                           "JBSWY3DPEHPK3PXP=AAAA", "01JBSWY893DPEHPK3PXP!\xc3\xbc"}) {
    EXPECT_EQ(Base32Decode(text), hello) << text;
  }
}

// What the original's library makes of them, so that stored secrets keep their codes.
TEST(Base32Test, LengthsThatNoEncoderMakes) {
  EXPECT_EQ(Base32Decode("A"), std::string(1, '\0'));
  EXPECT_EQ(Base32Decode("7"), "\x07");
  EXPECT_EQ(Base32Decode("MZXW6YTBO"), std::string("fooba") + '\x0b');  // bits of 'B' and 'O'
  EXPECT_EQ(Base32Decode("MZX"), "f");
  EXPECT_EQ(Base32Decode("MZXW6Y"), "foo");
  EXPECT_EQ(Base32Decode(""), "");
  EXPECT_EQ(Base32Decode(" "), "");
  EXPECT_EQ(Base32Decode("="), "");
  EXPECT_EQ(Base32Decode("=MY"), "");
}

}  // namespace
}  // namespace gatehouse::crypto
