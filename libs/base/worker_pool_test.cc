#include "libs/base/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <latch>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/time/time.h"

namespace gatehouse {
namespace {

constexpr Owner kA = 1, kB = 2, kC = 3;

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
  bool Submit(Owner owner = kNobody) {
    return pool_.TrySubmit(
        [this] {
          std::unique_lock lock(mutex_);
          ++begun_;
          changed_.notify_all();
          changed_.wait(lock, [this] { return may_end_ >= begun_; });
          ++ended_;
        },
        nullptr, [this] { ++refused_; }, owner);
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

TEST_F(SlowPool, WhatAnOwnerWaitsForIsItsOwnAndATurnOfEachOther) {
  for (int i = 0; i < 100; ++i) RunFor(4);
  ASSERT_TRUE(Submit(kA));
  AwaitBegun(++expected_);
  EXPECT_TRUE(Submit(kA));
  EXPECT_TRUE(Submit(kA)) << "8 s";
  EXPECT_FALSE(Submit(kA)) << "12 s";
  EXPECT_TRUE(Submit(kB)) << "8 s: one of A's, and itself";
  EXPECT_FALSE(Submit(kB)) << "16 s";
  EXPECT_FALSE(Submit(kC)) << "12 s: one of A's, one of B's, and itself";
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

// A pool whose tasks begin when they may, and end when they are let.
class SharedPool : public testing::Test {
 protected:
  ~SharedPool() override {
    for (auto& pool : {&one_, &two_}) pool->DropQueued();
    End();
  }

  bool Submit(WorkerPool& pool, Owner owner, const std::string& name) {
    return pool.TrySubmit(
        [this, name] {
          std::unique_lock lock(mutex_);
          begun_.push_back(name);
          changed_.notify_all();
          changed_.wait(lock, [&] { return all_may_end_ || may_end_.contains(name); });
        },
        nullptr,
        [this, name] {
          std::lock_guard lock(mutex_);
          refused_.push_back(name);
        },
        owner);
  }
  std::vector<std::string> AwaitBegun(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return begun_.size() >= count; });
    return begun_;
  }
  void End(const std::string& name) {
    std::lock_guard lock(mutex_);
    may_end_.insert(name);
    changed_.notify_all();
  }
  void End() {
    std::lock_guard lock(mutex_);
    all_may_end_ = true;
    changed_.notify_all();
  }
  std::vector<std::string> refused() {
    std::lock_guard lock(mutex_);
    return refused_;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> begun_, refused_;
  std::set<std::string> may_end_;
  bool all_may_end_ = false;
  WorkerPool one_{"one", 1, 6};
  WorkerPool two_{"two", 2, 6};
};

using Names = std::vector<std::string>;

TEST_F(SharedPool, OneOwnersStormIsNotBeforeTheOthers) {
  ASSERT_TRUE(Submit(one_, kA, "a1"));
  AwaitBegun(1);
  for (const char* name : {"a2", "a3", "a4"}) ASSERT_TRUE(Submit(one_, kA, name));
  ASSERT_TRUE(Submit(one_, kB, "b1"));
  ASSERT_TRUE(Submit(one_, kC, "c1"));
  End();
  EXPECT_EQ(AwaitBegun(6), (Names{"a1", "a2", "b1", "c1", "a3", "a4"}));
}

TEST_F(SharedPool, AFullQueueShedsTheStormsOwn) {
  ASSERT_TRUE(Submit(one_, kA, "a1"));
  AwaitBegun(1);
  for (const char* name : {"a2", "a3", "a4", "a5", "a6", "a7"}) {
    ASSERT_TRUE(Submit(one_, kA, name));
  }
  EXPECT_FALSE(Submit(one_, kA, "a8"));
  EXPECT_TRUE(Submit(one_, kB, "b1"));
  EXPECT_EQ(refused(), (Names{"a7"}));
  EXPECT_FALSE(Submit(one_, kA, "a9"));
  EXPECT_TRUE(Submit(one_, kB, "b2"));
  EXPECT_TRUE(Submit(one_, kB, "b3"));
  EXPECT_FALSE(Submit(one_, kB, "b4")) << "a storm too, by now";
  EXPECT_EQ(refused(), (Names{"a7", "a6", "a5"}));
  EXPECT_EQ(one_.queued(), 6u);
  End();
  EXPECT_EQ(AwaitBegun(7), (Names{"a1", "a2", "b1", "a3", "b2", "a4", "b3"}));
  EXPECT_EQ(refused().size(), 3u);
}

// It can't be told, but it is not run either.
TEST_F(SharedPool, WhatHasNobodyToRefuseIsDestroyed) {
  std::atomic<int> dropped = 0;
  ASSERT_TRUE(Submit(one_, kA, "a1"));
  AwaitBegun(1);
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(one_.TrySubmit([held = std::make_shared<Held>(dropped)] {}, nullptr, nullptr, kA));
  }
  EXPECT_TRUE(Submit(one_, kB, "b1"));
  EXPECT_EQ(dropped, 1);
  one_.DropQueued();  // before the counter is gone
  EXPECT_EQ(dropped, 6);
}

TEST_F(SharedPool, TheOnlyOwnerHasAllThreads) {
  ASSERT_TRUE(Submit(two_, kA, "a1"));
  ASSERT_TRUE(Submit(two_, kA, "a2"));
  AwaitBegun(2);
}

TEST_F(SharedPool, OneOfSeveralOwnersLeavesAThread) {
  ASSERT_TRUE(Submit(two_, kB, "b1"));
  AwaitBegun(1);
  End("b1");
  ASSERT_TRUE(Submit(two_, kA, "a1"));
  AwaitBegun(2);
  ASSERT_TRUE(Submit(two_, kA, "a2"));
  ASSERT_TRUE(Submit(two_, kB, "b2"));
  EXPECT_EQ(AwaitBegun(3).back(), "b2");
  End("b2");
  ASSERT_TRUE(Submit(two_, kB, "b3"));
  EXPECT_EQ(AwaitBegun(4).back(), "b3");
  EXPECT_EQ(two_.queued(), 1u);
  End("a1");
  EXPECT_EQ(AwaitBegun(5).back(), "a2");
}

TEST_F(SharedPool, WhereTasksEndSoonAnOwnerHasAllThreads) {
  WorkerPool all("all", 2, 6, absl::InfiniteDuration(), SteadyNow, WorkerPool::Threads::kAll);
  ASSERT_TRUE(Submit(all, kB, "b1"));
  AwaitBegun(1);
  End("b1");
  ASSERT_TRUE(Submit(all, kA, "a1"));
  ASSERT_TRUE(Submit(all, kA, "a2"));
  AwaitBegun(3);
  End();
}

TEST(WorkerPool, ATasksOwnerIsKnownWhileItRuns) {
  Owner seen = kNobody, then = kA;
  WorkerPool pool("test", 1, 2);
  std::latch ended(2);
  const auto note = [&ended](Owner& owner) {
    return [&] {
      owner = OwnerScope::Current();
      ended.count_down();
    };
  };
  ASSERT_TRUE(pool.TrySubmit(note(seen), nullptr, nullptr, kB));
  ASSERT_TRUE(pool.TrySubmit(note(then)));
  ended.wait();
  EXPECT_EQ(seen, kB);
  EXPECT_EQ(then, kNobody);
  EXPECT_EQ(OwnerScope::Current(), kNobody);
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
