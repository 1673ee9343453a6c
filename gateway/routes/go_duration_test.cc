#include "gateway/routes/go_duration.h"

#include <gtest/gtest.h>

namespace gatehouse::gateway {
namespace {

std::string Canonical(std::string_view text) {
  const auto nanoseconds = ParseGoDuration(text);
  return nanoseconds.has_value() ? FormatGoDuration(*nanoseconds) : "none";
}

TEST(GoDurationTest, ComesOutCanonically) {
  EXPECT_EQ(Canonical("90m"), "1h30m0s");
  EXPECT_EQ(Canonical("1.5h"), "1h30m0s");
  EXPECT_EQ(Canonical("1h1h"), "2h0m0s");
  EXPECT_EQ(Canonical("0"), "0s");
  EXPECT_EQ(Canonical("+1h"), "1h0m0s");
  EXPECT_EQ(Canonical("-1h"), "-1h0m0s");
  EXPECT_EQ(Canonical("100ms"), "100ms");
  EXPECT_EQ(Canonical("1us"), "1\u00B5s");
  EXPECT_EQ(Canonical("1.5s"), "1.5s");
  EXPECT_EQ(Canonical("61.25s"), "1m1.25s");
  EXPECT_EQ(Canonical("2540400h"), "2540400h0m0s");
}

TEST(GoDurationTest, NoDurations) {
  for (const char* text :
       {"", " ", "-", "60", "1d", "1H", "1h 5m", ".s", "h", "99999999h", "99999999999999999999s"}) {
    EXPECT_EQ(Canonical(text), "none") << text;
  }
}

}  // namespace
}  // namespace gatehouse::gateway
