#include "libs/base/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <latch>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "absl/time/time.h"

namespace gatehouse {
namespace {

// Owned by a task: counts dropped tasks.
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

TEST(WorkerPool, StoppedWithoutWaitingLeavesWhatRuns) {
  std::atomic<int> dropped = 0;
  std::latch begun(1), may_end(1), ended(1);
  auto idle = std::make_unique<WorkerPool>("idle", 1, 10);
  WorkerPool::StopWithoutWaiting(std::move(idle));
  EXPECT_FALSE(WorkerPool::AnyLeftRunning());
  auto pool = std::make_unique<WorkerPool>("test", 1, 10);
  ASSERT_TRUE(pool->TrySubmit([&] {
    begun.count_down();
    may_end.wait();
    ended.count_down();
  }));
  begun.wait();
  ASSERT_TRUE(pool->TrySubmit([held = std::make_shared<Held>(dropped)] {}));
  WorkerPool::StopWithoutWaiting(std::move(pool));
  EXPECT_TRUE(WorkerPool::AnyLeftRunning());
  EXPECT_EQ(dropped, 1);
  may_end.count_down();
  ended.wait();
}

TEST(WorkerPool, WhatNobodyWaitsForTakesNoPlaceAndIsNotBegun) {
  std::atomic<int> ran = 0, dropped = 0;
  std::atomic<bool> wanted = true;
  std::latch begun(1), may_end(1);
  WorkerPool pool("test", 1, 3);
  ASSERT_TRUE(pool.TrySubmit([&] {
    begun.count_down();
    may_end.wait();
  }));
  begun.wait();
  const auto submit = [&](int adds, WorkerPool::Wanted is_wanted) {
    return pool.TrySubmit([&ran, adds, held = std::make_shared<Held>(dropped)] { ran += adds; },
                          std::move(is_wanted));
  };
  ASSERT_TRUE(submit(1, [&] { return wanted.load(); }));
  ASSERT_TRUE(submit(10, nullptr));
  ASSERT_TRUE(submit(100, [&] { return wanted.load(); }));
  EXPECT_FALSE(submit(1000, nullptr));
  EXPECT_EQ(dropped, 1);
  wanted = false;
  EXPECT_TRUE(submit(10000, nullptr));
  EXPECT_EQ(dropped, 3);
  EXPECT_EQ(pool.queued(), 2u);
  ASSERT_TRUE(submit(100000, [&] { return wanted.load(); }));
  std::latch ended(1);
  may_end.count_down();
  while (pool.queued() > 0) std::this_thread::yield();
  ASSERT_TRUE(pool.TrySubmit([&] { ended.count_down(); }));
  ended.wait();
  EXPECT_EQ(ran, 10010);
}

// A pool of one thread whose tasks take as long as the test says.
class SlowPool : public testing::Test {
 protected:
  static constexpr absl::Duration kMaxWait = absl::Seconds(10);

  ~SlowPool() override { Stop(); }
  void Stop() {
    pool_.DropQueued();
    while (running()) End();
  }
  static absl::Time Now() { return absl::UnixEpoch() + absl::Seconds(now_s_.load()); }
  bool Submit() {
    return pool_.TrySubmit(
        [this] {
          std::unique_lock lock(mutex_);
          ++begun_;
          changed_.notify_all();
          changed_.wait(lock, [this] { return may_end_ >= begun_; });
          ++ended_;
        },
        nullptr, [this] { ++refused_; });
  }
  void AwaitBegun(int count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return begun_ >= count; });
  }
  void End() {
    std::lock_guard lock(mutex_);
    may_end_ = begun_;
    changed_.notify_all();
  }
  bool running() {
    std::lock_guard lock(mutex_);
    return ended_ < begun_;
  }
  // One task from its beginning to its end.
  void RunFor(int seconds) {
    ASSERT_TRUE(Submit());
    AwaitBegun(++expected_);
    now_s_ += seconds;
    End();
  }

  inline static std::atomic<int> now_s_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  int begun_ = 0, ended_ = 0, may_end_ = 0, expected_ = 0;
  std::atomic<int> refused_ = 0;
  WorkerPool pool_{"test", 1, 100, kMaxWait, &SlowPool::Now};
};

TEST_F(SlowPool, RefusesWhatWouldWaitTooLong) {
  for (int i = 0; i < 100; ++i) RunFor(4);  // the average is 4 s
  ASSERT_TRUE(Submit());
  AwaitBegun(++expected_);
  EXPECT_TRUE(Submit()) << "the first waits, however slow tasks are";
  EXPECT_TRUE(Submit()) << "8 s";
  EXPECT_FALSE(Submit()) << "12 s";
  EXPECT_EQ(pool_.queued(), 2u);
}

TEST_F(SlowPool, RefusesWhatHasWaitedTooLong) {
  ASSERT_TRUE(Submit());
  AwaitBegun(++expected_);
  // Nothing has ended yet: how long tasks take is not known.
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(Submit());
  now_s_ += 9;
  End();
  AwaitBegun(++expected_);  // the second one, which has waited 9 s
  EXPECT_EQ(refused_, 0);
  now_s_ += 9;
  End();
  while (pool_.queued() > 0) std::this_thread::yield();
  RunFor(1);
  EXPECT_EQ(refused_, 49);
}

TEST_F(SlowPool, WhatTakesLongMayWaitLess) {
  for (int i = 0; i < 100; ++i) RunFor(15);
  ASSERT_TRUE(Submit());
  AwaitBegun(++expected_);
  now_s_ += 9;
  ASSERT_TRUE(Submit());
  now_s_ += 6;  // and 15 more would be above the 20 that a caller waits in all
  End();
  while (pool_.queued() > 0) std::this_thread::yield();
  RunFor(1);
  EXPECT_EQ(refused_, 1);
}

TEST_F(SlowPool, TakesTasksAgainOnceTheyAreQuick) {
  for (int i = 0; i < 20; ++i) RunFor(30);
  ASSERT_TRUE(Submit());
  AwaitBegun(++expected_);
  ASSERT_TRUE(Submit());
  EXPECT_FALSE(Submit());
  for (int i = 0; i < 2; ++i) {
    End();
    if (i == 0) AwaitBegun(++expected_);
  }
  for (int i = 0; i < 100; ++i) RunFor(1);
  ASSERT_TRUE(Submit());
  AwaitBegun(++expected_);
  for (int i = 0; i < 9; ++i) EXPECT_TRUE(Submit()) << i;
}

// A pool of one thread that is busy, and whose queue is full.
class FullPool : public testing::Test {
 protected:
  static constexpr size_t kQueued = 2048;

  FullPool() {
    EXPECT_TRUE(pool_.TrySubmit([this] {
      begun_.count_down();
      may_end_.wait();
    }));
    begun_.wait();
    for (size_t i = 0; i < kQueued; ++i) EXPECT_TRUE(Submit(i));
  }
  ~FullPool() override { may_end_.count_down(); }

  bool Submit(size_t number) {
    return pool_.TrySubmit([] {},
                           [this, number] {
                             ++looks_;
                             return number < wanted_below_.load();
                           });
  }

  std::latch begun_{1}, may_end_{1};
  std::atomic<size_t> looks_ = 0;
  std::atomic<size_t> wanted_below_ = kQueued;
  WorkerPool pool_{"test", 1, kQueued};
};

// Callers are I/O threads: a flood that keeps the queue full must not cost them a scan of all of it
// each time.
TEST_F(FullPool, RefusesWithoutLookingThroughAllOfIt) {
  for (size_t i = 0; i < kQueued; ++i) ASSERT_FALSE(Submit(0));
  EXPECT_LE(looks_, 16 * kQueued);
}

TEST_F(FullPool, TakesTheNextOnceClientsHaveGoneThoughItHasJustRefused) {
  ASSERT_FALSE(Submit(0));
  wanted_below_ = 0;
  EXPECT_TRUE(Submit(0));
}

TEST_F(FullPool, FindsTheOnlyOneThatHasGone) {
  wanted_below_ = kQueued - 1;
  size_t refused = 0;
  while (!Submit(0)) ASSERT_LE(++refused, kQueued / 16);
  EXPECT_FALSE(Submit(0));
}

}  // namespace
}  // namespace gatehouse
