#include "libs/base/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <memory>

namespace gatehouse {
namespace {

// What a task holds: counts those that were dropped.
class Held {
 public:
  explicit Held(std::atomic<int>& dropped) : dropped_(dropped) {}
  ~Held() { ++dropped_; }

 private:
  std::atomic<int>& dropped_;
};

TEST(WorkerPool, StopDropsWhatIsQueuedAndWaitsForWhatRuns) {
  std::atomic<int> ended = 0, dropped = 0;
  std::latch begun(1), may_end(1);
  WorkerPool pool("test", 1, 10);
  ASSERT_TRUE(pool.TrySubmit([&] {
    begun.count_down();
    may_end.wait();
    ++ended;
  }));
  begun.wait();
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(pool.TrySubmit([&ended, held = std::make_shared<Held>(dropped)] { ended += 100; }));
  }
  pool.DropQueued();
  EXPECT_EQ(dropped, 3);
  EXPECT_EQ(pool.queued(), 0u);
  EXPECT_FALSE(pool.TrySubmit([] {}));
  may_end.count_down();
  pool.Stop();
  EXPECT_EQ(ended, 1);
}

}  // namespace
}  // namespace gatehouse
