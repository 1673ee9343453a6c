#include "services/passwordless/code_secrets.h"

#include <gtest/gtest.h>

#include "libs/base/status.h"
#include "libs/crypto/bytes.h"

namespace gatehouse::passwordless {
namespace {

TEST(CodeSecretsTest, HaveTheirForms) {
  const std::string device(32, 'd'), salt(32, 's');
  EXPECT_EQ(DeviceIdHash(device).size(), 43u);
  const std::string link_code = LinkCodeBytes(device, salt, "123456");
  EXPECT_EQ(link_code.size(), 32u);
  EXPECT_EQ(LinkCodeHash(link_code).size(), 44u);
  EXPECT_NE(link_code, LinkCodeBytes(device, salt, "123457"));
  EXPECT_NE(link_code, LinkCodeBytes(device, std::string(32, 't'), "123456"));
}

TEST(CodeSecretsTest, TypedCodeIsSixDigits) {
  for (int i = 0; i < 100; ++i) {
    const std::string code = NewUserInputCode();
    EXPECT_EQ(code.size(), 6u);
    EXPECT_EQ(code.find_first_not_of("0123456789"), std::string::npos) << code;
  }
}

TEST(CodeSecretsTest, DecodesItsOwnAlphabetOnly) {
  EXPECT_EQ(*DecodeBase64("deviceId", "+/+/"), *DecodeBase64Url("linkCode", "-_-_"));
  const auto wrong = DecodeBase64("deviceId", "-_-_");
  EXPECT_EQ(ReasonOf(wrong.status()), ErrorReason::kBadInput);
  EXPECT_EQ(wrong.status().message(), "Input encoding error in deviceId");
  EXPECT_EQ(DecodeBase64Url("linkCode", "+/+/").status().message(),
            "Input encoding error in linkCode");
  EXPECT_FALSE(DecodeBase64Url("linkCode", "x").ok());
}

}  // namespace
}  // namespace gatehouse::passwordless
