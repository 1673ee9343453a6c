#include "services/tenants/watcher_progress.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "libs/base/steady_time.h"

namespace gatehouse::tenants {
namespace {

constexpr absl::Time kNow = absl::InfinitePast();  // no waiting at all

TEST(WatcherProgressTest, AChangeIsAwaitedUntilAllHaveConfirmedIt) {
  WatcherProgress progress;
  EXPECT_TRUE(progress.Await(kNow)) << "nobody watches";
  const int64_t a = progress.Add();
  const int64_t b = progress.Add();
  EXPECT_NE(a, b);
  EXPECT_TRUE(progress.Await(kNow)) << "nothing was sent";
  const int64_t to_a = progress.NextVersion(a);
  const int64_t to_b = progress.NextVersion(b);
  std::atomic<bool> both = false;
  std::jthread confirmer([&] {
    progress.Confirm(a, to_a);
    both = true;
    progress.Confirm(b, to_b);
  });
  EXPECT_TRUE(progress.Await(SteadyNow() + absl::Minutes(1)));
  EXPECT_TRUE(both);
}

TEST(WatcherProgressTest, WhoIsLateIsWaitedForAgainOnceItHasCaughtUp) {
  WatcherProgress progress;
  const int64_t slow = progress.Add();
  progress.NextVersion(slow);
  EXPECT_FALSE(progress.Await(kNow));
  const int64_t latest = progress.NextVersion(slow);
  EXPECT_TRUE(progress.Await(kNow)) << "it holds up one change only";
  progress.Confirm(slow, latest - 1);
  EXPECT_TRUE(progress.Await(kNow)) << "still behind";
  progress.Confirm(slow, latest);
  progress.NextVersion(slow);
  EXPECT_FALSE(progress.Await(kNow));
}

TEST(WatcherProgressTest, WhoHasGoneIsNotWaitedFor) {
  WatcherProgress progress;
  const int64_t gone = progress.Add();
  progress.NextVersion(gone);
  std::jthread remover([&] { progress.Remove(gone); });
  EXPECT_TRUE(progress.Await(SteadyNow() + absl::Minutes(1)));
  progress.Confirm(gone, 1);
  EXPECT_TRUE(progress.Await(kNow));
}

TEST(WatcherProgressTest, NobodyConfirmsMoreThanItWasSent) {
  WatcherProgress progress;
  const int64_t watcher = progress.Add();
  progress.NextVersion(watcher);
  progress.Confirm(watcher, 1000);
  progress.Confirm(watcher + 1, 1000);
  EXPECT_TRUE(progress.Await(kNow));
  progress.NextVersion(watcher);
  EXPECT_FALSE(progress.Await(kNow));
}

}  // namespace
}  // namespace gatehouse::tenants
