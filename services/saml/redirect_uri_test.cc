#include "services/saml/redirect_uri.h"

#include <gtest/gtest.h>

namespace gatehouse::saml {
namespace {

std::string To(std::string_view uri, std::optional<std::string> state = std::nullopt) {
  return RedirectWithCode(uri, "C", state).value_or("none");
}

// As a core of the original answered.
TEST(RedirectUriTest, CodesAndStatesAsTheOriginalWritesThem) {
  EXPECT_EQ(To("http://localhost:3000"), "http://localhost:3000?code=C");
  EXPECT_EQ(To("https://a.io/?"), "https://a.io/?code=C");
  EXPECT_EQ(To("https://a.io/?a"), "https://a.io/?a&code=C");
  EXPECT_EQ(To("https://a.io/?code=x&state=y"), "https://a.io/?code=x&state=y&code=C");
  EXPECT_EQ(To("https://a.io/a%20b"), "https://a.io/a%20b?code=C");
  EXPECT_EQ(To("https://a.io/a%2Fb?c=%26d"), "https://a.io/a/b?c=&d&code=C");
  EXPECT_EQ(To("https://a.io/?x=%25"), "https://a.io/?x=%25&code=C");
  EXPECT_EQ(To("https://a.io/?x=1#f%20g"), "https://a.io/?x=1&code=C#f%20g");
  EXPECT_EQ(To("https://u:p@a.io:8443/"), "https://u:p@a.io:8443/?code=C");
  EXPECT_EQ(To("https://\xD0\xB6.io/\xD0\xB6"), "https://\xD0\xB6.io/\xD0\xB6?code=C");
  EXPECT_EQ(To("myapp://cb"), "myapp://cb?code=C");
  EXPECT_EQ(To("myapp:cb"), "myapp:?code=C");
  EXPECT_EQ(To("myapp:/cb"), "myapp:/cb?code=C");
  EXPECT_EQ(To("relative"), "relative?code=C");
  EXPECT_EQ(To("?q"), "?q&code=C");
  EXPECT_EQ(To("#f"), "?code=C#f");
  EXPECT_EQ(To("//host/x"), "//host/x?code=C");
  EXPECT_EQ(To("http://[::1]:3000/x"), "http://[::1]:3000/x?code=C");
  EXPECT_EQ(To(""), "?code=C");
  EXPECT_EQ(To("https://a.io/?x=[1]"), "https://a.io/?x=[1]&code=C");
  EXPECT_EQ(To("a", ""), "a?code=C&state=");
  EXPECT_EQ(To("a", "a b"), "a?code=C&state=a+b");
  EXPECT_EQ(To("a", "a+b"), "a?code=C&state=a%252Bb");
  EXPECT_EQ(To("a", "a&b=c"), "a?code=C&state=a%2526b%253Dc");
}

TEST(RedirectUriTest, WhatIsNoUri) {
  for (const char* uri :
       {"https://a.io/a b", "https://a.io/<x>", "https://a.io/%zz", "http://", "https://a.io/%",
        "https://a.io/%ff", "a\nb", "1:x", "x:", "a\"b", "https://a.io/[", "https://a b/"}) {
    EXPECT_EQ(To(uri), "none") << uri;
  }
}

TEST(RedirectUriTest, QueriesOfProviders) {
  EXPECT_EQ(WithQuery("https://a.io", "q"), "https://a.io?q");
  EXPECT_EQ(WithQuery("https://a.io?", "q"), "https://a.io?q");
  EXPECT_EQ(WithQuery("https://a.io?a=1", "q"), "https://a.io?a=1&q");
  EXPECT_EQ(WithQuery("https://a.io?a=1#f", "q"), "https://a.io?a=1&q#f");
  EXPECT_EQ(WithQuery("https://a.io#f?x", "q"), "https://a.io?q#f?x");
  EXPECT_EQ(FormEncode("a b+/=\xC3\xA9*-._"), "a+b%2B%2F%3D%C3%A9*-._");
}

}  // namespace
}  // namespace gatehouse::saml
