#include "libs/base/call_context.h"

#include <gtest/gtest.h>

#include <string>

namespace gatehouse {
namespace {

constexpr char kTrace[] = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST(Traceparent, IsTakenAsItIsWhenWellFormed) {
  EXPECT_EQ(ParseTraceparent(kTrace), kTrace);
  EXPECT_EQ(TraceIdOf(kTrace), "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(TraceIdOf(""), "");
}

TEST(Traceparent, OfALaterVersionIsReadAsOursIs) {
  const std::string later = "cc" + std::string(kTrace).substr(2);
  EXPECT_EQ(ParseTraceparent(later), kTrace);
  EXPECT_EQ(ParseTraceparent(later + "-what the future will be like"), kTrace);
  EXPECT_EQ(ParseTraceparent(later + ".01"), std::nullopt);
}

TEST(Traceparent, ThatIsMalformedIsNone) {
  for (const char* text : {"", "00", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0",
                           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-",
                           "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                           "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                           "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                           "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                           "00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                           "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331\r01"}) {
    EXPECT_EQ(ParseTraceparent(text), std::nullopt) << text;
  }
}

TEST(RequestId, IsHarmlessOrNotTaken) {
  EXPECT_TRUE(IsHarmlessRequestId("a-Z_0.9"));
  EXPECT_TRUE(IsHarmlessRequestId(std::string(64, 'x')));
  for (const std::string& id : {std::string(), std::string(65, 'x'), std::string("a b"),
                                std::string("a\n"), std::string("\xc3\xa9")}) {
    EXPECT_FALSE(IsHarmlessRequestId(id)) << id;
  }
}

TEST(CallScope, IsTheThreadsInnermost) {
  EXPECT_EQ(CallScope::Current(), nullptr);
  const CallContext outer{.request_id = "outer"};
  const CallScope outer_scope(outer);
  {
    const CallContext inner = outer.CalledBy("session");
    const CallScope inner_scope(inner);
    EXPECT_EQ(CallScope::Current(), &inner);
  }
  EXPECT_EQ(CallScope::Current(), &outer);
}

}  // namespace
}  // namespace gatehouse
