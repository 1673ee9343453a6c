#include "libs/telemetry/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

namespace gatehouse::telemetry {
namespace {

// What is logged while it lives, up to the capacity of a pipe.
class Captured {
 public:
  explicit Captured(bool json) {
    EXPECT_EQ(::pipe(ends_), 0);
    LogOptions options;
    options.json = json;
    options.process = "test";
    options.file_descriptor = ends_[1];
    ConfigureLog(options);
  }
  ~Captured() {
    ConfigureLog({});
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  // A line without its time.
  std::string Line() {
    std::string line;
    for (char c = 0; ::read(ends_[0], &c, 1) == 1 && c != '\n';) line.push_back(c);
    return line.substr(line.find(' ') + 1);
  }

 private:
  int ends_[2];
};

TEST(Log, InTextAValueIsOneWordOrInQuotes) {
  Captured log(/*json=*/false);
  Log(LogLevel::kInfo, "event",
      {{"word", "a-b=c"}, {"number", 3}, {"none", ""}, {"two", "a b"}, {"quote", "a\"b"}});
  EXPECT_EQ(log.Line(), R"(info event word=a-b=c number=3 none="" two="a b" quote="a\"b")");
  Log(LogLevel::kWarn, "event", {{"lines", "a\nb"}, {"terminal", "\x1b[2J"}});
  const std::string line = log.Line();
  EXPECT_EQ(line.find('\x1b'), std::string::npos);
  EXPECT_EQ(line.rfind("warn event lines=\"a\\nb\" terminal=\"", 0), 0u) << line;
}

TEST(Log, TheLevelChangesAtAnyTime) {
  Captured log(/*json=*/false);
  SetLogLevel(LogLevel::kError);
  Log(LogLevel::kInfo, "left_out");
  SetLogLevel(LogLevel::kDebug);
  Log(LogLevel::kDebug, "there");
  EXPECT_EQ(log.Line(), "debug there");
}

}  // namespace
}  // namespace gatehouse::telemetry
