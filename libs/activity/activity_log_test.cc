#include "libs/activity/activity_log.h"

#include <gtest/gtest.h>

#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/testing/fake_activity_log.h"
#include "libs/testing/fake_clock.h"

namespace gatehouse::activity {
namespace {

class ActivityLogTest : public ::testing::Test {
 protected:
  void Add(int count) {
    for (int i = 0; i < count; ++i) {
      log.Add(tenant, {"session_created", "recipe", "primary", "", "handle"});
    }
  }
  absl::Status Flush() { return log.Flush(SteadyNow() + absl::Seconds(5)); }

  tenancy::Tenant tenant = {.connection_uri_domain = "d", .app_id = "a", .tenant_id = "t"};
  testing::FakeActivityLog service;
  testing::FakeClock clock;
  ActivityLog log{service, clock};
};

TEST_F(ActivityLogTest, WritesWhatHappenedWithItsTime) {
  const int64_t then = clock.NowMs();
  log.Add(tenant, {"emailpassword_sign_in", "recipe", "primary", "email", "a@example.com"});
  clock.AdvanceMs(5000);
  EXPECT_TRUE(service.activities().empty()) << "a request would wait for it";
  ASSERT_TRUE(Flush().ok());
  ASSERT_EQ(service.activities().size(), 1u);
  const tenants::v1::Activity written = service.activities().front();
  EXPECT_EQ(written.scope().connection_uri_domain(), "d");
  EXPECT_EQ(written.scope().app_id(), "a");
  EXPECT_EQ(written.scope().tenant_id(), "t");
  EXPECT_EQ(written.event_type(), "emailpassword_sign_in");
  EXPECT_EQ(written.recipe_user_id(), "recipe");
  EXPECT_EQ(written.primary_or_recipe_user_id(), "primary");
  EXPECT_EQ(written.auth_principal(), "email");
  EXPECT_EQ(written.identifier(), "a@example.com");
  EXPECT_EQ(written.created_at_ms(), then);
  ASSERT_TRUE(Flush().ok());
  EXPECT_EQ(service.batches(), std::vector<int>{1}) << "nothing is written twice, nor nothing";
}

TEST_F(ActivityLogTest, WritesInBatches) {
  Add(2500);
  ASSERT_TRUE(Flush().ok());
  EXPECT_EQ(service.batches(), (std::vector<int>{1000, 1000, 500}));
}

TEST_F(ActivityLogTest, WhatCannotBeWrittenIsDropped) {
  service.status = MakeError(ErrorReason::kDependencyDown, "away");
  Add(1500);
  EXPECT_EQ(ReasonOf(Flush()), ErrorReason::kDependencyDown);
  EXPECT_EQ(service.batches(), (std::vector<int>{1000, 500}));
  service.status = absl::OkStatus();
  Add(1);
  ASSERT_TRUE(Flush().ok());
  EXPECT_EQ(service.activities().size(), 1u);
}

TEST_F(ActivityLogTest, IsBounded) {
  Add(60'000);
  ASSERT_TRUE(Flush().ok());
  EXPECT_EQ(service.activities().size(), 50'000u);
  Add(1);
  ASSERT_TRUE(Flush().ok());
  EXPECT_EQ(service.activities().size(), 50'001u);
}

}  // namespace
}  // namespace gatehouse::activity
