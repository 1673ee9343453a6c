#include "services/jwks/key_timeline.h"

#include <gtest/gtest.h>

#include <vector>

#include "libs/config/core_config.h"

namespace gatehouse::jwks {
namespace {

constexpr int64_t kHour = 3'600'000;
constexpr KeyTimeline kWeekly = {168 * kHour, kHour, 60'000};

TEST(KeyTimelineTest, ReadsTheConfiguration) {
  const auto config = config::CoreConfig::Resolve({});
  ASSERT_TRUE(config.ok());
  const KeyTimeline timeline = KeyTimeline::Of(**config);
  EXPECT_EQ(timeline.interval_ms, 168 * kHour);
  EXPECT_EQ(timeline.token_validity_ms, kHour);
  EXPECT_EQ(timeline.overlap_ms, 60'000);
}

TEST(KeyTimelineTest, ShortIntervalsHaveShortOverlaps) {
  config::BaseConfig base;
  base.test_mode = true;
  base.Set(config::Setting::kAccessTokenDynamicSigningKeyUpdateInterval, 0.0004);
  const auto config = config::CoreConfig::Resolve(base);
  ASSERT_TRUE(config.ok()) << config.status();
  const KeyTimeline timeline = KeyTimeline::Of(**config);
  EXPECT_EQ(timeline.interval_ms, 1440);
  EXPECT_EQ(timeline.overlap_ms, 360);
}

TEST(KeyTimelineTest, NewKeyIsDueOneOverlapBeforeTheOldOneStopsSigning) {
  const int64_t created = 1'000'000'000'000;
  const int64_t due = created + kWeekly.interval_ms - kWeekly.overlap_ms;
  EXPECT_FALSE(kWeekly.NeedsNewKey(created, due));
  EXPECT_TRUE(kWeekly.NeedsNewKey(created, due + 1));
  EXPECT_EQ(kWeekly.NextChangeMs(std::vector<int64_t>{created}, created), due + 1);
}

TEST(KeyTimelineTest, YoungKeySignsNothingWhileTheOldOneMay) {
  const int64_t old_key = 1'000'000'000'000;
  const int64_t new_key = old_key + kWeekly.interval_ms - kWeekly.overlap_ms + 1;
  const std::vector<int64_t> keys = {new_key, old_key};
  const int64_t old_stops = old_key + kWeekly.interval_ms;
  EXPECT_EQ(kWeekly.SigningIndex(keys, new_key), 1u);
  EXPECT_EQ(kWeekly.NextChangeMs(keys, new_key), old_stops);
  EXPECT_EQ(kWeekly.SigningIndex(keys, old_stops - 1), 1u);
  EXPECT_EQ(kWeekly.SigningIndex(keys, old_stops), 0u);
  // No requests for a day: the old key is past its time when the new one is made.
  const std::vector<int64_t> late = {old_stops + 24 * kHour, old_key};
  EXPECT_EQ(kWeekly.SigningIndex(late, late[0]), 0u);
}

TEST(KeyTimelineTest, KeyVerifiesUntilItsLastTokenIsLongGone) {
  const int64_t created = 1'000'000'000'000;
  EXPECT_EQ(kWeekly.ExpiresAtMs(created), created + 170 * kHour);
  EXPECT_EQ(kWeekly.VerifiableFromMs(created + 170 * kHour), created);
}

TEST(KeyTimelineTest, MaxAgeIsTheTimeToTheNextKey) {
  const int64_t created = 1'000'000'000'000;
  EXPECT_EQ(kWeekly.MaxAgeSeconds(created, created), 604740);
  EXPECT_EQ(kWeekly.MaxAgeSeconds(created, created + 1), 604739);
  EXPECT_EQ(kWeekly.MaxAgeSeconds(created, created + 168 * kHour), 1);
}

}  // namespace
}  // namespace gatehouse::jwks
