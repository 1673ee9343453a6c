#include "libs/host/job_scheduler.h"

#include <gtest/gtest.h>

#include <latch>
#include <thread>

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "libs/testing/pg_test_server.h"

namespace gatehouse::host {
namespace {

using ::gatehouse::testing::OpenDatabase;
using ::gatehouse::testing::Soon;
using ::gatehouse::testing::TestPostgres;

// Two instances of Gatehouse: two pools to one database.
TEST(RunExclusively, OneInstanceWorksAndTheOthersDoNotWait) {
  const auto options = TestPostgres::Shared().CreateDatabaseOptions();
  auto first = OpenDatabase(options), second = OpenDatabase(options);
  std::latch works(1), may_end(1);
  int batches = 0;
  std::jthread worker([&] {
    EXPECT_TRUE(RunExclusively(*first, Soon(), "clean", [&](db::Transaction&) {
                  works.count_down();
                  may_end.wait();
                  ++batches;
                  return absl::StatusOr<bool>(false);
                }).ok());
  });
  works.wait();
  int others = 0;
  const auto count = [&](db::Transaction&) { return absl::StatusOr<bool>(++others < 3); };
  EXPECT_TRUE(RunExclusively(*second, Soon(), "clean", count).ok());
  EXPECT_EQ(others, 0);
  // Another job is not held up by it.
  EXPECT_TRUE(RunExclusively(*second, Soon(), "another", count).ok());
  EXPECT_EQ(others, 3);
  may_end.count_down();
  worker.join();
  EXPECT_EQ(batches, 1);
  // The lock went with the batch; a failure ends the job.
  EXPECT_FALSE(RunExclusively(*second, Soon(), "clean", [](db::Transaction&) {
                 return absl::StatusOr<bool>(MakeError(ErrorReason::kDependencyDown, "away"));
               }).ok());
  others = 0;
  EXPECT_TRUE(RunExclusively(*first, Soon(), "clean", count).ok());
  EXPECT_EQ(others, 3);
}

}  // namespace
}  // namespace gatehouse::host
