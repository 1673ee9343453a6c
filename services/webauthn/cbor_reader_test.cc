#include "services/webauthn/cbor_reader.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse::webauthn {
namespace {

using namespace std::string_literals;  // NOLINT: for texts with NUL

TEST(CborReaderTest, ReadsWhatAuthenticatorsWrite) {
  // RFC 8949, appendix A.
  const std::string integers = "\x00\x17\x18\x18\x19\x03\xe8\x1a\x00\x0f\x42\x40\x20\x38\x63"s;
  CborReader reader(integers);
  for (const int64_t expected : {0, 23, 24, 1000, 1000000, -1, -100}) {
    EXPECT_EQ(*reader.ReadInteger(), expected);
  }
  EXPECT_TRUE(reader.at_end());
  EXPECT_EQ(reader.Next(), CborReader::Type::kEnd);

  const std::string map =
      "\xa2\x61"
      "a\x44\x01\x02\x03\x04\x61"
      "b\x82\xf5\xfb\x3f\xf1\x99\x99\x99\x99\x99\x9a\x00"s;
  CborReader pairs(map);
  EXPECT_EQ(*pairs.ReadMapSize(), 2u);
  EXPECT_EQ(*pairs.ReadText(), "a");
  EXPECT_EQ(*pairs.ReadBytes(), "\x01\x02\x03\x04");
  EXPECT_EQ(*pairs.ReadText(), "b");
  EXPECT_TRUE(pairs.Skip().ok());
  EXPECT_EQ(pairs.offset(), map.size() - 1);
}

TEST(CborReaderTest, RefusesWhatItsHeadersPromiseAndIsNotThere) {
  const std::string bad[] = {
      ""s,                                      // nothing
      "\x19\x03"s,                              // half an argument
      "\x44\x01\x02"s,                          // short bytes
      "\x5b\xff\xff\xff\xff\xff\xff\xff\xff"s,  // 2^64 - 1 bytes
      "\x9b\xff\xff\xff\xff\xff\xff\xff\xff"s,  // as many elements
      "\xbb\xff\xff\xff\xff\xff\xff\xff\xff"s,  // as many pairs
      "\xbb\x80\x00\x00\x00\x00\x00\x00\x00"s,  // pairs whose double is 0
      "\x82\x01"s,                              // one of two elements
      "\x5f\x41\x01\xff"s,                      // indefinite lengths
      "\x9f\x01\xff"s,
      "\xbf\xff"s,
      "\x7f\xff"s,
      "\x1c"s,
      "\x3d"s,
      "\xfe"s,      // reserved
      "\xff"s,      // a break without a beginning
      "\xc0\x60"s,  // a tag
      "\xf8\x20"s,
      "\xe0"s,          // unassigned simple values
      "\x62\xc3\x28"s,  // text that is no UTF-8
  };
  for (const std::string& document : bad) {
    CborReader reader(document);
    EXPECT_EQ(reader.Skip().code(), absl::StatusCode::kInvalidArgument)
        << testing::PrintToString(document);
  }
}

TEST(CborReaderTest, ReadsNoOtherType) {
  EXPECT_FALSE(CborReader("\x61x").ReadBytes().ok());
  EXPECT_FALSE(CborReader("\x41x").ReadText().ok());
  EXPECT_FALSE(CborReader("\x61x").ReadInteger().ok());
  EXPECT_FALSE(CborReader("\x80").ReadMapSize().ok());
  EXPECT_FALSE(CborReader("\x1b\xff\xff\xff\xff\xff\xff\xff\xff").ReadInteger().ok());
}

TEST(CborReaderTest, NestingIsBounded) {
  std::string document(CborReader::kMaxDepth - 1, '\x81');
  EXPECT_TRUE(CborReader(document + '\0').Skip().ok());
  document += '\x81';
  EXPECT_FALSE(CborReader(document + '\0').Skip().ok());
  EXPECT_FALSE(CborReader(std::string(1'000'000, '\x81')).Skip().ok());
}

}  // namespace
}  // namespace gatehouse::webauthn
