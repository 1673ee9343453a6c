#include "gateway/api/reply.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "libs/base/status.h"

namespace gatehouse::gateway {
namespace {

using Field = std::pair<std::string, std::string>;

TEST(Reply, RedirectsToAUri) {
  const auto reply = RedirectReply(303, "https://rp.example/cb?code=a%20b&state=x#f");
  ASSERT_TRUE(reply.ok());
  EXPECT_EQ(reply->status, 303);
  EXPECT_EQ(reply->body, "");
  EXPECT_EQ(reply->headers.at(0), Field("Location", "https://rp.example/cb?code=a%20b&state=x#f"));
}

TEST(Reply, RedirectsToNothingElse) {
  for (const char* text : {"", "/a b", "/a\r\nSet-Cookie: x=y", "/\xc3\xa9", "/\"", "/<"}) {
    EXPECT_EQ(ReasonOf(RedirectReply(302, text).status()), ErrorReason::kBadInput) << text;
  }
}

TEST(Reply, SetsCookies) {
  Reply reply;
  ASSERT_TRUE(reply.SetCookie({.name = "sid", .value = "abc=="}).ok());
  ASSERT_TRUE(reply
                  .SetCookie({.name = "csrf",
                              .value = "",
                              .path = "/oauth",
                              .max_age = absl::ZeroDuration(),
                              .secure = false,
                              .http_only = false,
                              .same_site = Cookie::SameSite::kStrict})
                  .ok());
  EXPECT_EQ(reply.headers.at(0),
            Field("Set-Cookie", "sid=abc==; Path=/; Secure; HttpOnly; SameSite=Lax"));
  EXPECT_EQ(reply.headers.at(1),
            Field("Set-Cookie", "csrf=; Path=/oauth; Max-Age=0; SameSite=Strict"));
}

TEST(Reply, SetsNoCookieThatIsMoreThanOne) {
  Reply reply;
  for (const Cookie& cookie :
       {Cookie{.name = "a;b", .value = "x"}, Cookie{.name = "", .value = "x"},
        Cookie{.name = "a", .value = "x; Domain=evil.example"},
        Cookie{.name = "a", .value = "x\r\n"}, Cookie{.name = "a", .value = "x y"},
        Cookie{.name = "a", .value = "x", .path = "/;x"},
        Cookie{.name = "a", .value = "x", .path = "x"}}) {
    EXPECT_EQ(ReasonOf(reply.SetCookie(cookie)), ErrorReason::kInternal);
  }
  EXPECT_TRUE(reply.headers.empty());
}

}  // namespace
}  // namespace gatehouse::gateway
