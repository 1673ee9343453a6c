#include "services/users/listing/pagination_token.h"

#include <gtest/gtest.h>

namespace gatehouse::users {
namespace {

TEST(PaginationTokenTest, ComesBackAsItWas) {
  const PaginationToken token = {"5f1c-u", 1700000000123};
  EXPECT_EQ(token.Encode(), "NWYxYy11OzE3MDAwMDAwMDAxMjM=");
  auto decoded = PaginationToken::Decode(token.Encode());
  ASSERT_TRUE(decoded.has_value());
  EXPECT_EQ(decoded->user_id, "5f1c-u");
  EXPECT_EQ(decoded->time_joined_ms, 1700000000123);
}

TEST(PaginationTokenTest, RefusesOtherText) {
  for (const char* text : {"", "abc", "YWJj", "!!!", "YTtiO2M=", "YTs=", "-_-_"}) {
    EXPECT_FALSE(PaginationToken::Decode(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace gatehouse::users
