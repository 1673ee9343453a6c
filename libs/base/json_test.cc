#include "libs/base/json.h"

#include <limits>
#include <random>

#include "gtest/gtest.h"
#include "libs/base/json_object_writer.h"

namespace gatehouse::json {
namespace {

// The document written out again, or "error".
std::string Echo(std::string_view text, const ParseLimits& limits = {}) {
  absl::StatusOr<Value> v = Parse(text, limits);
  return v.ok() ? Serialize(*v) : "error";
}

TEST(JsonParse, KeepsNumbersOrderAndNulls) {
  EXPECT_EQ(Echo(R"( { "b" : 1.0, "a":1e3,"E":1E+3, "big":123456789012345678901234567890,
                       "neg":-0,"small":0.1000,"n":null } )"),
            R"({"b":1.0,"a":1e3,"E":1E+3,"big":123456789012345678901234567890,)"
            R"("neg":-0,"small":0.1000,"n":null})");
}

TEST(JsonParse, DuplicateKeyTakesTheLastValueAndTheFirstPlace) {
  EXPECT_EQ(Echo(R"({"a":1,"b":2,"a":3})"), R"({"a":3,"b":2})");
}

TEST(JsonParse, IsAsLenientAsGson) {
  EXPECT_EQ(Echo("{'a':'b', c:d, y:NaN, 'q':\"'\"}"), R"({"a":"b","c":"d","y":"NaN","q":"'"})");
  EXPECT_EQ(Echo("// comment\n{\"a\" /* c */:TRUE,\"b\"=1;\"c\"=>2 # end\n}"),
            R"({"a":true,"b":1,"c":2})");
  EXPECT_EQ(Echo("\xEF\xBB\xBF{\"a\":nUll}"), R"({"a":null})");
  EXPECT_EQ(Echo(")]}'\n[1]"), "[1]");
  EXPECT_EQ(Echo("[1,]"), "[1,null]");
  EXPECT_EQ(Echo("[,]"), "[null,null]");
  EXPECT_EQ(Echo("[;1]"), "[null,1]");
  EXPECT_EQ(Echo("[]"), "[]");
  EXPECT_EQ(Echo("{}"), "{}");
  EXPECT_EQ(Echo("[01,.5,1.,+1,-,Infinity,1e,--1,0x1]"),
            R"(["01",".5","1.","+1","-","Infinity","1e","--1","0x1"])");
  EXPECT_EQ(Echo("truex"), R"("truex")");
  EXPECT_EQ(Echo("\"a\nb\\\nc\""), R"("a\nb\nc")");
  EXPECT_EQ(Echo("[" + std::string(1024, '1') + "]"), "[\"" + std::string(1024, '1') + "\"]");
}

TEST(JsonParse, RefusesWhatGsonRefuses) {
  for (std::string_view text :
       {"",       "   ",     "{\"a\":1,}",  "{nope",     "{\"a\":1} xyz", "{}{}",      "[1",
        "{\"a\"", "{\"a\":", "[1 2]",       "{\"a\" 1}", "{,}",           "{\"a\":,}", "\"abc",
        "'abc",   "\"\\x\"", "\"\\u12g4\"", "\"\\u12",   "\"\\",          "/* open",   "[1/* open",
        "/",      "]",       "}",           ",",         "{[]:1}",        "a\\b",      "[1]//x\n2",
        "\f1"}) {
    EXPECT_EQ(Echo(text), "error") << text;
  }
}

TEST(JsonParse, Surrogates) {
  EXPECT_EQ(Echo(R"("\ud83d\ude00 \u00e9 \/ \u2028")"), "\"😀 é / \\u2028\"");
  EXPECT_EQ(Echo(R"("\ud83d")"), "\"?\"");
  EXPECT_EQ(Echo(R"("\ud83dx\ude00")"), "\"?x?\"");
  EXPECT_EQ(Echo(R"("\ud83d\n")"), "\"?\\n\"");
  EXPECT_EQ(Echo(R"("\ud83d\ud83d\ude00\u0041")"), "\"?😀A\"");
  EXPECT_EQ(Echo(R"("\u0000")"), "\"\\u0000\"");
}

TEST(JsonParse, RefusesBadUtf8) {
  for (std::string_view bad : {"\xE9", "\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xE2\x82",
                               "\x80", "\xFF", "\xF0\x9F\x98"}) {
    EXPECT_FALSE(IsValidUtf8(bad));
    EXPECT_EQ(Echo("\"" + std::string(bad) + "\""), "error");
  }
  EXPECT_TRUE(IsValidUtf8("é😀\xEF\xBF\xBF and a longer ASCII tail"));
}

TEST(JsonParse, Limits) {
  const auto nested = [](size_t n) { return std::string(n, '[') + std::string(n, ']'); };
  EXPECT_EQ(Echo(nested(255)), nested(255));
  EXPECT_EQ(Echo(nested(256)), "error");
  EXPECT_EQ(Echo(std::string(5'000'000, '[')), "error");
  EXPECT_EQ(Echo("[1,2]", {.max_values = 3}), "[1,2]");
  EXPECT_EQ(Echo("[1,2,3]", {.max_values = 3}), "error");
  EXPECT_EQ(Echo("[,,,]", {.max_values = 3}), "error");
}

TEST(JsonParse, ManyKeysAreReadInLinearTime) {
  std::string text = "{";
  for (int i = 0; i < 200'000; ++i) text += "\"k" + std::to_string(i) + "\":1,";
  text += "\"k7\":2}";
  absl::StatusOr<Value> v = Parse(text);
  ASSERT_TRUE(v.ok());
  EXPECT_EQ(v->size(), 200'000u);
  EXPECT_EQ(v->Find("k7")->AsInt64(), 2);
  EXPECT_EQ(v->members().begin()[7].key, "k7");
}

TEST(JsonParse, ErrorsDoNotRepeatTheText) {
  EXPECT_EQ(Parse("{\"password\" \"secret\"}").status().message(), "JSON: ':' expected at byte 12");
}

TEST(JsonParse, RandomTextNeverCrashesAndWhatIsReadIsWrittenReadable) {
  std::mt19937 random(7);
  const std::string_view alphabet = "{}[]:,;='\"\\/*#\n u0d8abtruefalsn1-+.eE\xC3\xA9\xF0";
  for (int round = 0; round < 50'000; ++round) {
    std::string text;
    for (int i = random() % 24; i >= 0; --i) text += alphabet[random() % alphabet.size()];
    absl::StatusOr<Value> v = Parse(text);
    if (!v.ok()) continue;
    const std::string once = Serialize(*v);
    absl::StatusOr<Value> again = Parse(once);
    ASSERT_TRUE(again.ok()) << text;
    EXPECT_EQ(Serialize(*again), once);
    EXPECT_TRUE(*again == *v);
  }
}

TEST(JsonWrite, Escapes) {
  const Value v("\"\\\b\f\n\r\t\x01\x1f\x7f/<>&='\xE2\x80\xA8\xE2\x80\xA9\xE2\x82\xAC");
  EXPECT_EQ(Serialize(v),
            "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0001\\u001f\x7f/<>&='\\u2028\\u2029\xE2\x82\xAC\"");
  EXPECT_EQ(Serialize(Value("<a>&='"), Style::kGsonHtmlSafe),
            R"("\u003ca\u003e\u0026\u003d\u0027")");
}

TEST(JsonWrite, HtmlSafeStyleLeavesNullMembersOut) {
  const Value v = Value::Object({{"a", nullptr}, {"b", Value::Array({nullptr})}});
  EXPECT_EQ(Serialize(v), R"({"a":null,"b":[null]})");
  EXPECT_EQ(Serialize(v, Style::kGsonHtmlSafe), R"({"b":[null]})");
}

TEST(JsonWrite, EscapesAnyByteAtAnyPlace) {
  // Eight bytes at a time are looked at: every byte at every place of three groups.
  for (int c = 1; c < 0x80; ++c) {
    const char byte = static_cast<char>(c);
    std::string escape(1, byte);
    if (c < 0x20) {
      constexpr std::string_view kShort("btn\0fr", 6);
      escape = c >= '\b' && c <= '\r' && kShort[c - '\b'] != '\0'
                   ? std::string("\\") + kShort[c - '\b']
                   : std::string("\\u00") + "0123456789abcdef"[c >> 4] + "0123456789abcdef"[c & 15];
    } else if (byte == '"' || byte == '\\') {
      escape = std::string("\\") + byte;
    }
    for (size_t place = 0; place < 24; ++place) {
      std::string text(24, 'a'), expected(24, 'a');
      text[place] = byte;
      expected.replace(place, 1, escape);
      EXPECT_EQ(Serialize(Value(text)), '"' + expected + '"') << c << " at " << place;
    }
  }
  EXPECT_EQ(Serialize(Value("1234567\xE2\x80\xA8 12345 \xC3\xBC \xE2\x82\xAC 12345678")),
            "\"1234567\\u2028 12345 \xC3\xBC \xE2\x82\xAC 12345678\"");
}

TEST(JsonWrite, ObjectWriterWritesWhatSerializeWould) {
  const Value inner = Value::Object({{"x", 1}, {"y", Value::Array({Value("\"")})}});
  const Value whole = Value::Object({{"text", "a\"b"},
                                     {"yes", true},
                                     {"no", false},
                                     {"least", std::numeric_limits<int64_t>::min()},
                                     {"inner", inner},
                                     {"nested", Value::Object({{"k n", "v"}, {"e", Value::Object()},
                                                               {"list", Value::Array({"1", "2\""})},
                                                               {"none", Value::Array()},
                                                               {"value", Value::NumberText("1.50")}})},
                                     {"last", "z"}});
  std::string out = "before ";
  ObjectWriter writer(out);
  writer.Add("text", "a\"b");
  writer.Add("yes", true);
  writer.Add("no", false);
  writer.Add("least", std::numeric_limits<int64_t>::min());
  writer.AddJson("inner", Serialize(inner));
  ObjectWriter nested = writer.AddObject("nested");
  nested.Add("k n", std::string("v"));
  nested.AddObject("e").End();
  nested.AddArray("list", std::vector<std::string>{"1", "2\""},
                  [](const std::string& text, std::string& to) { AppendQuoted(text, to); });
  nested.AddArray("none", std::vector<int>(), [](int, std::string&) {});
  nested.AddValue("value") += "1.50";
  nested.End();
  writer.Add("last", std::string_view("z"));
  writer.End();
  EXPECT_EQ(out, "before " + Serialize(whole));
}

TEST(JsonValue, GivesItsPartsAway) {
  Value value = *Parse(R"({"a":"text","b":[1],"a2":"long enough to need memory of its own"})");
  std::vector<Member> members = value.TakeMembers();
  ASSERT_EQ(members.size(), 3);
  EXPECT_EQ(members[0].key, "a");
  EXPECT_EQ(members[0].value.TakeString(), "text");
  EXPECT_EQ(members[0].value.AsString(), "");
  EXPECT_EQ(members[1].value.TakeString(), "");
  EXPECT_EQ(members[1].value, *Parse("[1]"));
  EXPECT_EQ(members[2].value.TakeString(), "long enough to need memory of its own");
  EXPECT_EQ(value, Value::Object());
  EXPECT_TRUE(value.TakeMembers().empty());
  EXPECT_TRUE(Value("text").TakeMembers().empty());
}

TEST(JsonValue, BuildsReadsAndChanges) {
  Value v = Value::Object({{"status", "OK"},
                           {"n", 3},
                           {"t", int64_t{1} << 53},
                           {"yes", true},
                           {"inner", Value::Object({{"x", Value::NumberText("1.50")}})}});
  EXPECT_EQ(v.FindString("status"), "OK");
  EXPECT_EQ(v.FindString("n"), std::nullopt);
  EXPECT_EQ(v.Find("n")->AsInt64(), 3);
  EXPECT_EQ(v.Find("yes")->AsBool(), true);
  EXPECT_EQ(v.Find("inner")->Find("x")->AsDouble(), 1.5);
  EXPECT_EQ(v.Find("inner")->Find("x")->AsInt64(), std::nullopt);
  EXPECT_EQ(v.Find("none"), nullptr);
  EXPECT_EQ(Value(1).Find("none"), nullptr);
  v.Set("list", Value::Array()).Append("e");
  v.Set("n", nullptr);
  EXPECT_TRUE(v.Remove("t"));
  EXPECT_FALSE(v.Remove("t"));
  const Value copy = v;
  v.Remove("inner");
  EXPECT_EQ(Serialize(copy),
            R"({"status":"OK","n":null,"yes":true,"inner":{"x":1.50},"list":["e"]})");
  EXPECT_EQ(Serialize(v), R"({"status":"OK","n":null,"yes":true,"list":["e"]})");
}

TEST(JsonValue, LargeObjectsStayRightUnderRemoval) {
  Value v = Value::Object();
  for (int i = 0; i < 100; ++i) v.Set("k" + std::to_string(i), i);
  for (int i = 0; i < 100; i += 2) EXPECT_TRUE(v.Remove("k" + std::to_string(i)));
  EXPECT_EQ(v.size(), 50u);
  for (int i = 0; i < 100; ++i) {
    const Value* found = v.Find("k" + std::to_string(i));
    ASSERT_EQ(found != nullptr, i % 2 == 1);
    if (found != nullptr) {
      EXPECT_EQ(found->AsInt64(), i);
    }
  }
}

TEST(JsonValue, EqualityIgnoresTheOrderOfMembers) {
  EXPECT_TRUE(*Parse("{a:1,b:[x]}") == *Parse("{b:[x],a:1}"));
  EXPECT_FALSE(*Parse("{a:1}") == *Parse("{a:1.0}"));
  EXPECT_FALSE(*Parse("[1,2]") == *Parse("[2,1]"));
}

TEST(JsonValue, DoublesAreWrittenAsJavaDoes) {
  EXPECT_EQ(Serialize(Value::Double(1)), "1.0");
  EXPECT_EQ(Serialize(Value::Double(-0.5)), "-0.5");
  EXPECT_EQ(Serialize(Value::Double(1e10)), "1.0E10");
  EXPECT_EQ(Serialize(Value::Double(1.5e-5)), "1.5E-5");
  EXPECT_EQ(Serialize(Value::Double(123456.75)), "123456.75");
  EXPECT_EQ(Serialize(Value::Double(0)), "0.0");
  EXPECT_EQ(Serialize(Value::Double(std::numeric_limits<double>::infinity())), "null");
}

}  // namespace
}  // namespace gatehouse::json
