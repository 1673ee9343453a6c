#include "gateway/json_input.h"

#include "gtest/gtest.h"
#include "libs/base/status.h"

namespace gatehouse::gateway {
namespace {

using json::Value;

Value Doc(std::string_view text) { return *json::Parse(text); }

constexpr char kInvalid[] = "Field name 'f' is invalid in JSON input";

TEST(JsonInput, Strings) {
  EXPECT_EQ(*RequireString(Doc("{f:'x'}"), "f"), "x");
  EXPECT_EQ(*RequireString(Doc("{f:''}"), "f"), "");
  EXPECT_EQ(*RequireString(Doc("{f:['x']}"), "f"), "x");
  EXPECT_EQ(*RequireString(Doc("{f:[['x']]}"), "f"), "x");
  for (std::string_view body : {"{}", "{f:null}", "{f:1}", "{f:true}", "{f:{a:'b'}}", "{f:[]}",
                                "{f:['x','y']}", "{f:[1]}", "{f:[{a:'b'}]}"}) {
    EXPECT_EQ(RequireString(Doc(body), "f").status().message(), kInvalid) << body;
    if (body == "{}") continue;
    EXPECT_EQ(OptionalString(Doc(body), "f").status().message(), kInvalid);
  }
  EXPECT_EQ(*OptionalString(Doc("{}"), "f"), std::nullopt);
  EXPECT_EQ(*OptionalString(Doc("{f:x}"), "f"), "x");
  EXPECT_EQ(*OptionalStringOrNull(Doc("{f:null}"), "f"), std::nullopt);
  EXPECT_EQ(*RequireStringOrNull(Doc("{f:null}"), "f"), std::nullopt);
  EXPECT_EQ(*RequireStringOrNull(Doc("{f:x}"), "f"), "x");
  EXPECT_EQ(RequireStringOrNull(Doc("{}"), "f").status().message(), kInvalid);
  EXPECT_EQ(OptionalStringOrNull(Doc("{f:1}"), "f").status().message(), kInvalid);
}

TEST(JsonInput, StringArrays) {
  EXPECT_EQ(*RequireStringArray(Doc("{f:[a,['b']]}"), "f"), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(*OptionalStringArray(Doc("{}"), "f"), std::nullopt);
  for (std::string_view body : {"{f:null}", "{f:a}", "{f:[1]}", "{f:[null]}", "{f:{}}"}) {
    EXPECT_EQ(RequireStringArray(Doc(body), "f").status().message(), kInvalid) << body;
  }
}

TEST(JsonInput, Booleans) {
  EXPECT_EQ(*RequireBool(Doc("{f:true}"), "f"), true);
  EXPECT_EQ(*RequireBool(Doc("{f:false}"), "f"), false);
  EXPECT_EQ(*RequireBool(Doc("{f:1}"), "f"), false);
  EXPECT_EQ(*RequireBool(Doc("{f:[false]}"), "f"), false);
  EXPECT_EQ(*OptionalBool(Doc("{}"), "f"), std::nullopt);
  for (std::string_view body :
       {"{}", "{f:null}", "{f:'true'}", "{f:{}}", "{f:[]}", "{f:[true,true]}", "{f:['true']}"}) {
    EXPECT_EQ(RequireBool(Doc(body), "f").status().message(), kInvalid) << body;
  }
}

TEST(JsonInput, Integers) {
  const auto read = [](std::string_view number) {
    return RequireInt64(Doc("{f:" + std::string(number) + "}"), "f").value_or(-777);
  };
  EXPECT_EQ(read("10"), 10);
  EXPECT_EQ(read("-0"), 0);
  EXPECT_EQ(read("1.5"), 1);
  EXPECT_EQ(read("-1.9"), -1);
  EXPECT_EQ(read("1e3"), 1000);
  EXPECT_EQ(read("12345e-2"), 123);
  EXPECT_EQ(read("1.25E1"), 12);
  EXPECT_EQ(read("0.001"), 0);
  EXPECT_EQ(read("9223372036854775807"), INT64_MAX);
  EXPECT_EQ(read("-9223372036854775808"), INT64_MIN);
  EXPECT_EQ(read("99999999999999999999"), 7766279631452241919);
  EXPECT_EQ(read("1e100"), 0);
  EXPECT_EQ(read("'10'"), 10);
  EXPECT_EQ(read("'+10'"), 10);
  EXPECT_EQ(read("['10']"), 10);
  EXPECT_EQ(read("[7]"), 7);
  for (std::string_view bad :
       {"null", "true", "'x'", "''", "'1.5'", "' 1'", "'+-1'", "'99999999999999999999'", "{}", "[]",
        "[1,2]", "1e10000", "1e99999999999", "1e-10000"}) {
    EXPECT_EQ(read(bad), -777) << bad;
  }
  EXPECT_EQ(*OptionalInt64(Doc("{}"), "f"), std::nullopt);
  EXPECT_EQ(*RequireInt32(Doc("{f:4294967297}"), "f"), 1);
  EXPECT_EQ(RequireInt32(Doc("{f:'4294967297'}"), "f").status().message(), kInvalid);
}

TEST(JsonInput, ObjectsAndArrays) {
  const Value doc = Doc("{o:{a:1},a:[1],n:null}");
  EXPECT_EQ((*RequireObject(doc, "o"))->size(), 1u);
  EXPECT_EQ((*RequireArray(doc, "a"))->size(), 1u);
  EXPECT_EQ(*OptionalObject(doc, "x"), nullptr);
  EXPECT_EQ(*OptionalArray(doc, "x"), nullptr);
  EXPECT_FALSE(RequireObject(doc, "x").ok());
  EXPECT_FALSE(RequireObject(doc, "a").ok());
  EXPECT_FALSE(OptionalObject(doc, "n").ok());
  EXPECT_FALSE(OptionalArray(doc, "o").ok());
}

TEST(QueryInput, Reads) {
  const QueryParams query = {{"a", "1"}, {"a", "2"}, {"list", " x, ,y ,"}, {"e", ""}, {"p", " 5 "}};
  EXPECT_EQ(*OptionalQueryInt32(query, "a"), 1);
  EXPECT_EQ(*OptionalQueryInt32(query, "z"), std::nullopt);
  EXPECT_EQ(*RequireQueryInt64(query, "a"), 1);
  EXPECT_EQ(OptionalQueryInt32(query, "e").status().message(),
            "Field name 'e' must be an int in the GET request");
  EXPECT_EQ(RequireQueryInt64(query, "p").status().message(),
            "Field name 'p' must be a long in the GET request");
  EXPECT_EQ(RequireQueryInt64(query, "z").status().message(),
            "Field name 'z' is missing in GET request");
  EXPECT_EQ(OptionalQueryList(query, "list"), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(OptionalQueryList(query, "e"), std::vector<std::string>{});
  EXPECT_EQ(OptionalQueryList(query, "z"), std::nullopt);
}

}  // namespace
}  // namespace gatehouse::gateway
