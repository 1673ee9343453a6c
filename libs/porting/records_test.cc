#include "libs/porting/records.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace gatehouse::porting {
namespace {

using Layout = Records::Layout;

class RecordsTest : public testing::Test {
 protected:
  ~RecordsTest() override { std::filesystem::remove(path_); }

  absl::StatusOr<Records> Open(const std::string& text, Layout layout, const char* member = "") {
    std::ofstream(path_, std::ios::binary) << text;
    return Records::Open(path_, layout, member);
  }

  // "line text" of each; the last is an error's text, if there is one.
  std::vector<std::string> All(const std::string& text, Layout layout, const char* member = "") {
    std::vector<std::string> all;
    absl::StatusOr<Records> records = Open(text, layout, member);
    if (!records.ok()) return {std::string(records.status().message())};
    Record record;
    while (true) {
      const absl::StatusOr<bool> more = records->Next(record);
      if (!more.ok()) all.push_back(std::string(more.status().message()));
      if (!more.ok() || !*more) return all;
      all.push_back(std::to_string(record.line) + " " + record.text);
    }
  }

  const std::string path_ = testing::TempDir() + "records-" +
                            testing::UnitTest::GetInstance()->current_test_info()->name();
};

using Texts = std::vector<std::string>;

TEST_F(RecordsTest, Lines) {
  EXPECT_EQ(All("{\"a\":1}\n\n \t\r\n{\"b\":2}\r\n{\"c\":3}", Layout::kLines),
            (Texts{"1 {\"a\":1}", "4 {\"b\":2}\r", "5 {\"c\":3}"}));
  EXPECT_EQ(All("", Layout::kLines), Texts{});
}

TEST_F(RecordsTest, ArraysInADocument) {
  // Only the member of the outermost object counts, and brackets in strings are text.
  const std::string text =
      "{\"realm\":\"x\",\"roles\":{\"users\":[{\"no\":1}]},\"list\":[\"users\",[1]],\n"
      "\"users\" : [\n {\"a\":\"]}\\\"[\",\"n\":{\"k\":[1,2]}},\n{\"b\":2} "
      "],\"after\":[{\"no\":2}]}";
  EXPECT_EQ(All(text, Layout::kArray, "users"),
            (Texts{"3 {\"a\":\"]}\\\"[\",\"n\":{\"k\":[1,2]}}", "4 {\"b\":2}"}));
  // Pages put together, and an array without an object round it.
  EXPECT_EQ(All("{\"Users\":[{\"a\":1}]}\n{\"Users\":[]}\n{\"Users\":[{\"b\":2}]}", Layout::kArray,
                "Users"),
            (Texts{"1 {\"a\":1}", "3 {\"b\":2}"}));
  EXPECT_EQ(All("[{\"a\":1}]", Layout::kArray, "users"), (Texts{"1 {\"a\":1}"}));
}

TEST_F(RecordsTest, DamagedDocuments) {
  EXPECT_EQ(All("{\"people\":[{}]}", Layout::kArray, "users"),
            (Texts{"the file has no array \"users\""}));
  EXPECT_EQ(All("{\"users\":[{\"a\":1},{\"b\":", Layout::kArray, "users"),
            (Texts{"1 {\"a\":1}", "line 1: the file ends in the middle of a user"}));
  EXPECT_EQ(All("{\"users\":[7]}", Layout::kArray, "users"),
            (Texts{"line 1: a user must be an object"}));
  EXPECT_EQ(All(std::string(17 * 1024 * 1024, 'x'), Layout::kLines),
            (Texts{"line 1: more than 16 MiB for one user"}));
  EXPECT_FALSE(Records::Open("/no/such/file", Layout::kLines).ok());
}

TEST_F(RecordsTest, Csv) {
  EXPECT_EQ(All("\xef\xbb\xbfname,email,note\r\n"
                "\"Lovelace, Ada\",ada@example.com,\"said \"\"hello\"\"\nand left\"\r\n"
                "\r\nBob,bob@example.com,\r\n",
                Layout::kCsv),
            (Texts{"2 {\"name\":\"Lovelace, Ada\",\"email\":\"ada@example.com\","
                   "\"note\":\"said \\\"hello\\\"\\nand left\"}",
                   "4 {\"name\":\"Bob\",\"email\":\"bob@example.com\"}"}));
  EXPECT_EQ(All("a\n\"open", Layout::kCsv),
            (Texts{"line 2: the file ends in the middle of a user"}));
  EXPECT_EQ(All("", Layout::kCsv), (Texts{"the file has no header"}));
}

TEST_F(RecordsTest, KnowsHowFarItIs) {
  absl::StatusOr<Records> records = Open("{}\n{}\n", Layout::kLines);
  ASSERT_TRUE(records.ok());
  EXPECT_EQ(records->size(), 6);
  Record record;
  ASSERT_TRUE(*records->Next(record));
  EXPECT_EQ(records->position(), 3);
}

}  // namespace
}  // namespace gatehouse::porting
