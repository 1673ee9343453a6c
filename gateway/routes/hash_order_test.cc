#include "gateway/routes/hash_order.h"

#include <gtest/gtest.h>

namespace gatehouse::gateway {
namespace {

using Strings = std::vector<std::string>;

// The expected orders were printed by a program that uses java.util.HashSet.
TEST(HashOrderTest, IsThatOfAHashSet) {
  EXPECT_EQ(InHashOrder({}), Strings{});
  EXPECT_EQ(InHashOrder({"one"}), Strings{"one"});
  EXPECT_EQ(InHashOrder({"test2@example.com", "test3@example.com"}),
            (Strings{"test3@example.com", "test2@example.com"}));
  EXPECT_EQ(InHashOrder({"a@x.io", "b@x.io", "c@x.io"}), (Strings{"b@x.io", "c@x.io", "a@x.io"}));
  EXPECT_EQ(InHashOrder({"t1", "public", "t2"}), (Strings{"public", "t1", "t2"}));
}

TEST(HashOrderTest, TheHashIsOfUtf16) {
  EXPECT_EQ(InHashOrder({"\u00e4@x.io", "b@x.io"}), (Strings{"b@x.io", "\u00e4@x.io"}));
  EXPECT_EQ(InHashOrder({"\U0001F600@x.io", "b@x.io"}), (Strings{"b@x.io", "\U0001F600@x.io"}));
}

TEST(HashOrderTest, EqualHashesStayInOrderOfArrival) {
  EXPECT_EQ(InHashOrder({"Aa", "BB", "a"}), (Strings{"Aa", "BB", "a"}));
  EXPECT_EQ(InHashOrder({"BB", "Aa", "a"}), (Strings{"BB", "Aa", "a"}));
}

TEST(HashOrderTest, MoreThanTwelveTakeMoreBuckets) {
  Strings members;
  for (int i = 0; i < 12; ++i) members.push_back("u" + std::to_string(i));
  EXPECT_EQ(InHashOrder(members),
            (Strings{"u5", "u6", "u7", "u8", "u9", "u11", "u10", "u0", "u1", "u2", "u3", "u4"}));
  members.push_back("u12");
  EXPECT_EQ(InHashOrder(members), (Strings{"u5", "u6", "u7", "u8", "u9", "u11", "u10", "u12", "u0",
                                           "u1", "u2", "u3", "u4"}));
}

TEST(HashOrderTest, BytesThatAreNoUtf8AreKept) {
  EXPECT_EQ(InHashOrder({"\xF0", "\xFF\xFF", "a"}).size(), 3u);
}

}  // namespace
}  // namespace gatehouse::gateway
