#include "libs/http/message.h"

#include "gtest/gtest.h"
#include "libs/base/status.h"

namespace gatehouse::http {
namespace {

std::string Path(std::string_view target) {
  absl::StatusOr<Target> t = ParseTarget(target);
  return t.ok() ? t->path : "error";
}

TEST(Target, PathsAreNormalised) {
  EXPECT_EQ(Path("/hello"), "/hello");
  EXPECT_EQ(Path("/"), "/");
  EXPECT_EQ(Path("//hello"), "/hello");
  EXPECT_EQ(Path("/hello//"), "/hello/");
  EXPECT_EQ(Path("/recipe//user"), "/recipe/user");
  EXPECT_EQ(Path("/recipe/user;x=y?email=a"), "/recipe/user");
  EXPECT_EQ(Path("/a;x/b;y;z/c"), "/a/b/c");
  EXPECT_EQ(Path("/a/./b/../c"), "/a/c");
  EXPECT_EQ(Path("/a/.."), "/");
  EXPECT_EQ(Path("/a/../"), "/");
  EXPECT_EQ(Path("/.well-known/jwks.json/"), "/.well-known/jwks.json/");
  EXPECT_EQ(Path("/a%20b/%C3%BC"), "/a b/ü");
  EXPECT_EQ(Path("http://host:1/a?b"), "/a");
  EXPECT_EQ(Path("http://host"), "/");
  EXPECT_EQ(Path("http://host?x=y"), "/");
  EXPECT_EQ(Path("*"), "*");
}

TEST(Target, BadPathsAreRefused) {
  for (std::string_view target :
       {"/%2e%2e/hello", "/../x", "/a/../../x", "/a%2Fb", "/a%5cb", "/a\\b", "/%", "/%2", "/%zz",
        "/%00", "/%FF", "/\xFF", "host:80", "", "?x"}) {
    EXPECT_EQ(Path(target), "error") << target;
  }
}

TEST(Target, Queries) {
  using Query = std::vector<std::pair<std::string, std::string>>;
  EXPECT_EQ(ParseTarget("/a?x=1&y=a%20b+c&x=2&flag&=none&&e=&z=a=b")->query,
            (Query{{"x", "1"}, {"y", "a b c"}, {"x", "2"}, {"flag", ""}, {"e", ""}, {"z", "a=b"}}));
  EXPECT_TRUE(ParseTarget("/a?")->query.empty());
  EXPECT_FALSE(ParseTarget("/a?x=%zz").ok());
  EXPECT_FALSE(ParseTarget("/a?x=%FC").ok());
  std::string many = "/a?";
  for (int i = 0; i < 1001; ++i) many += "x=1&";
  EXPECT_FALSE(ParseTarget(many).ok());
}

TEST(HeadersTest, FindIgnoresCase) {
  Headers h;
  h.Add("Content-Type", "text/plain");
  h.Add("cdi-version", "5.4");
  h.Add("CDI-VERSION", "3.0");
  EXPECT_EQ(h.Find("CDI-version"), "5.4");
  EXPECT_EQ(h.Find("content-type"), "text/plain");
  EXPECT_EQ(h.Find("rid"), std::nullopt);
  EXPECT_EQ(h.at(2).second, "3.0");
}

TEST(Body, Charsets) {
  const std::string utf16_le("\xFF\xFE\xE9\x00\x3D\xD8\x00\xDE", 8);
  EXPECT_EQ(*DecodeBody("application/json", "ü"), "ü");
  EXPECT_EQ(*DecodeBody("", "ü"), "ü");
  EXPECT_EQ(*DecodeBody("application/json; charset=\"UTF-8\"", "ü"), "ü");
  EXPECT_EQ(*DecodeBody("a/b;x=y; Charset=ISO-8859-1", "\xF6"), "ö");
  EXPECT_EQ(*DecodeBody("a/b;charset=utf-16", utf16_le), "é😀");
  EXPECT_EQ(*DecodeBody("a/b;charset=utf-16", std::string("\x00\xE9", 2)), "é");
  EXPECT_EQ(*DecodeBody("a/b;charset=utf-16le", std::string("\x3D\xD8\x41\x00", 4)), "?A");
  for (const absl::Status& status :
       {DecodeBody("a/b;charset=utf-8", "\xE9").status(), DecodeBody("", "\xE9").status(),
        DecodeBody("a/b;charset=utf-16", "abc").status(),
        DecodeBody("a/b;charset=klingon", "abc").status()}) {
    EXPECT_EQ(ReasonOf(status), ErrorReason::kBadInput);
  }
}

}  // namespace
}  // namespace gatehouse::http
