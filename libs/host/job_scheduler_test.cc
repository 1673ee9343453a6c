#include "libs/host/job_scheduler.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <stdexcept>
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
  // The lock was released with the batch; a failure ends the job.
  EXPECT_FALSE(RunExclusively(*second, Soon(), "clean", [](db::Transaction&) {
                 return absl::StatusOr<bool>(MakeError(ErrorReason::kDependencyDown, "away"));
               }).ok());
  others = 0;
  EXPECT_TRUE(RunExclusively(*first, Soon(), "clean", count).ok());
  EXPECT_EQ(others, 3);
}

// Runs again and again, at once.
JobScheduler::Options Soonest(const char* name) {
  return {.name = name,
          .interval = absl::Milliseconds(1),
          .first_after = absl::ZeroDuration(),
          .time_limit = absl::Seconds(30)};
}

TEST(JobScheduler, ASlowJobDelaysNoOther) {
  std::latch slow_runs(1), others(3), may_end(1);
  JobScheduler jobs;
  jobs.Add(Soonest("slow"), [&](absl::Time) {
    slow_runs.count_down();
    may_end.wait();
    return absl::OkStatus();
  });
  jobs.Start();
  slow_runs.wait();
  jobs.Add(Soonest("other"), [&, left = 3](absl::Time) mutable {
    if (left-- > 0) others.count_down();
    return absl::OkStatus();
  });
  others.wait();  // would hang if one waited for the other
  jobs.RequestStop();
  may_end.count_down();
  jobs.Stop();
}

TEST(JobScheduler, AnExceptionEndsOneRunAndNothingElse) {
  std::latch runs(3);
  JobScheduler jobs;
  jobs.Add(Soonest("throws"), [&, left = 3](absl::Time) mutable -> absl::Status {
    if (left-- > 0) runs.count_down();
    throw std::runtime_error("a job's mistake");
  });
  jobs.Start();
  runs.wait();
  jobs.Stop();
}

TEST(JobScheduler, NothingRunsBeforeStartOrAfterStop) {
  std::atomic<int> runs = 0;
  const auto count = [&](absl::Time) {
    ++runs;
    return absl::OkStatus();
  };
  JobScheduler jobs;
  jobs.Add(Soonest("early"), count);
  jobs.Stop();
  jobs.Start();
  jobs.Add(Soonest("late"), count);
  jobs.Stop();
  EXPECT_EQ(runs, 0);
}

}  // namespace
}  // namespace gatehouse::host
