#include "gateway/api/api_request.h"

#include <gtest/gtest.h>

#include <string>

#include "libs/base/status.h"

namespace gatehouse::gateway {
namespace {

TEST(ApiRequest, TakesAJsonObjectAndNothingElse) {
  ApiRequest request;
  request.body = R"({"a":1})";
  ASSERT_TRUE(request.JsonBody().ok());
  EXPECT_EQ(*request.JsonBody(), *request.JsonBody()) << "read once";
  for (const char* body : {"", "   ", "[]", "\"abc\"", "null", "12", "{nope", "{} xyz"}) {
    ApiRequest other;
    other.body = body;
    EXPECT_EQ(other.JsonBody().status(), BadInput("Invalid Json Input")) << body;
  }
}

TEST(ApiRequest, ReadsAForm) {
  ApiRequest request;
  request.body = "grant_type=code&scope=a+b&scope=c%26d&empty&x=%C3%A9";
  const auto form = request.FormBody();
  ASSERT_TRUE(form.ok());
  EXPECT_EQ((*form)->size(), 5u);
  EXPECT_EQ(http::FindParameter(**form, "scope"), "a b");
  EXPECT_EQ((*form)->at(2).second, "c&d");
  EXPECT_EQ(http::FindParameter(**form, "empty"), "");
  EXPECT_EQ(http::FindParameter(**form, "x"), "\xc3\xa9");
  EXPECT_EQ(http::FindParameter(**form, "none"), std::nullopt);
  EXPECT_EQ(*request.FormBody(), *form) << "read once";
}

TEST(ApiRequest, RefusesAFormThatCannotBeRead) {
  std::string many;
  for (int i = 0; i < 1001; ++i) many += "a=1&";
  for (const std::string& body :
       {std::string("a=%"), std::string("a=%zz"), std::string("a=%FF"), many}) {
    ApiRequest request;
    request.body = body;
    EXPECT_EQ(request.FormBody().status(), BadInput("Invalid form input"));
  }
}

TEST(ApiRequest, HasEveryHeader) {
  ApiRequest request;
  request.headers.Add("User-Agent", "a browser");
  EXPECT_EQ(request.Header("user-agent"), "a browser");
  EXPECT_EQ(request.Header("Cookie"), "");
}

}  // namespace
}  // namespace gatehouse::gateway
