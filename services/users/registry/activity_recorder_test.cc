#include "services/users/registry/activity_recorder.h"

#include <gtest/gtest.h>

#include "libs/base/status.h"
#include "libs/testing/fake_activity_log.h"
#include "libs/testing/fake_clock.h"

namespace gatehouse::users {
namespace {

// Records what was saved; fails on demand.
class FakeStore final : public ActivityStore {
 public:
  absl::Status Save(const Where&, const std::vector<Entry>& entries) override {
    if (during_save) during_save();
    if (!status.ok()) return status;
    for (const Entry& entry : entries) saved[entry.user_id] = entry.time_ms;
    return absl::OkStatus();
  }
  absl::Status Remove(const Where&, const std::vector<std::string>&) override {
    return absl::OkStatus();
  }
  absl::StatusOr<int64_t> CountSince(const Where&, int64_t) override { return 0; }

  absl::Status status;
  std::function<void()> during_save;
  std::map<std::string, int64_t> saved;
};

class ActivityRecorderTest : public ::testing::Test {
 protected:
  ActivityRecorderTest() {
    tenants::v1::Tenant base;
    *base.mutable_scope() = tenancy::MakeScope("", "", "");
    base.set_core_config_json("{}");
    directory_.Apply(/*full=*/true, "{}", {base}, {});
    scope_ = {*directory_.Find(base.scope()), absl::InfiniteFuture()};
  }

  testing::FakeClock clock_;
  // Not in test mode, in which every activity is recorded.
  tenancy::TenantDirectory directory_{/*test_mode=*/false};
  Where scope_;
  FakeStore store_;
  testing::FakeActivityLog audit_;
  activity::ActivityLog log_{audit_, clock_};
  ActivityRecorder recorder_{store_, log_, clock_};
};

TEST_F(ActivityRecorderTest, WhatCouldNotBeSavedIsSavedNextTime) {
  recorder_.Note(scope_, "a");
  const int64_t noted_ms = clock_.NowMs();
  store_.status = MakeError(ErrorReason::kDependencyDown, "away");
  EXPECT_FALSE(recorder_.Flush(absl::InfiniteFuture()).ok());
  // Within the five minutes in which a user is not recorded again.
  clock_.AdvanceMs(1000);
  recorder_.Note(scope_, "a");
  store_.status = absl::OkStatus();
  EXPECT_TRUE(recorder_.Flush(absl::InfiniteFuture()).ok());
  EXPECT_EQ(store_.saved, (std::map<std::string, int64_t>{{"a", noted_ms}}));
}

TEST_F(ActivityRecorderTest, AUserWhoGoesWhileASaveFailsDoesNotComeBack) {
  recorder_.Note(scope_, "a");
  recorder_.Note(scope_, "gone");
  store_.status = MakeError(ErrorReason::kDependencyDown, "away");
  store_.during_save = [&] { EXPECT_TRUE(recorder_.Forget(scope_, scope_, {"gone"}).ok()); };
  EXPECT_FALSE(recorder_.Flush(absl::InfiniteFuture()).ok());
  store_.during_save = nullptr;
  store_.status = absl::OkStatus();
  EXPECT_TRUE(recorder_.Flush(absl::InfiniteFuture()).ok());
  EXPECT_EQ(store_.saved.size(), 1u);
  EXPECT_TRUE(store_.saved.contains("a"));
}

TEST_F(ActivityRecorderTest, FrequentActivitiesAreThrottledUnlessTheDomainWantsThemAll) {
  tenants::v1::Tenant domain;
  *domain.mutable_scope() = tenancy::MakeScope("all.example", "", "");
  domain.set_core_config_json(R"({"activity_log_throttle_enabled":false})");
  directory_.Apply(/*full=*/false, "", {domain}, {});
  const Where all = {*directory_.Find(domain.scope()), absl::InfiniteFuture()};
  for (int i = 0; i < 3; ++i) {
    recorder_.Note(scope_, "a");
    recorder_.Note(all, "b");
    clock_.AdvanceMs(1000);
  }
  EXPECT_TRUE(log_.Flush(absl::InfiniteFuture()).ok());
  std::map<std::string, int> events;
  for (const auto& event : audit_.activities()) ++events[event.recipe_user_id()];
  EXPECT_EQ(events, (std::map<std::string, int>{{"a", 1}, {"b", 3}}));
}

TEST_F(ActivityRecorderTest, ACountWaitsForNoOtherDatabase) {
  tenants::v1::Tenant app;
  *app.mutable_scope() = tenancy::MakeScope("", "elsewhere", "");
  app.set_core_config_json(R"({"postgresql_database_name":"elsewhere"})");
  directory_.Apply(/*full=*/false, "", {app}, {});
  const Where elsewhere = {*directory_.Find(app.scope()), absl::InfiniteFuture()};
  recorder_.Note(elsewhere, "a");
  store_.status = MakeError(ErrorReason::kDependencyDown, "away");
  EXPECT_TRUE(recorder_.CountSince(scope_, 0).ok());
  EXPECT_FALSE(recorder_.CountSince(elsewhere, 0).ok());
  store_.status = absl::OkStatus();
  EXPECT_TRUE(recorder_.CountSince(elsewhere, 0).ok());
  EXPECT_TRUE(store_.saved.contains("a")) << "what could not be saved was kept";
}

}  // namespace
}  // namespace gatehouse::users
