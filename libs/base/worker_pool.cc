#include "libs/base/worker_pool.h"

#include <pthread.h>

#include <algorithm>
#include <utility>

namespace gatehouse {
namespace {

constexpr int kAveraged = 8;

// Never destroyed: their threads may run until the process ends.
struct LeftRunning {
  std::mutex mutex;
  std::vector<std::unique_ptr<WorkerPool>> pools;

  static LeftRunning& Get() {
    static auto* const left = new LeftRunning;
    return *left;
  }
};

}  // namespace

WorkerPool::WorkerPool(std::string name, size_t threads, size_t max_queued, absl::Duration max_wait,
                       Now now, Threads an_owners)
    : name_(std::move(name)),
      max_queued_(max_queued),
      max_wait_(max_wait),
      now_(now),
      timed_(max_wait != absl::InfiniteDuration()),
      queue_(an_owners == Threads::kAll || threads < 2 ? Queue::kNoLimit : threads - 1) {
  threads_.reserve(threads);
  try {
    for (size_t i = 0; i < threads; ++i) {
      threads_.emplace_back([this] { Run(); });
      pthread_setname_np(threads_.back().native_handle(), name_.substr(0, 15).c_str());
    }
  } catch (...) {  // no thread left: those that there are would be waited for, and wait for tasks
    Stop();
    throw;
  }
}

WorkerPool::~WorkerPool() { Stop(); }

bool WorkerPool::WouldWaitTooLong(Owner owner) const {
  if (!timed_ || queue_.size() == 0) return false;
  if (running_ < threads_.size() && queue_.MayRun(owner)) return false;
  const size_t own = queue_.WaitingOf(owner);
  const size_t others = queue_.owners() - (own > 0 ? 1 : 0);
  // Each of the others has a turn before each of the owner's.
  const size_t before = std::min(queue_.size(), own + others * (own + 1));
  return usual_run_ * static_cast<double>(before + 1) / threads_.size() > MayWait();
}

absl::Duration WorkerPool::MayWait() const {
  if (max_wait_ == absl::InfiniteDuration()) return max_wait_;
  return std::clamp(2 * max_wait_ - usual_run_, max_wait_ / 10, max_wait_);
}

bool WorkerPool::TrySubmit(Task task, Wanted wanted, Task refused, Owner owner) {
  Queue::Entries one, dropped, displaced;  // destroyed outside the lock: tasks may own anything
  one.emplace_back(owner, Queued{std::move(task), std::move(wanted), std::move(refused),
                                 timed_ ? now_() : absl::Time()});
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return false;
    if (IsFull() || WouldWaitTooLong(owner)) {
      DropUnwanted(dropped);
      if (WouldWaitTooLong(owner)) return false;
      if (IsFull() && !queue_.Displace(owner, displaced)) return false;
    }
    queue_.Push(one);
  }
  wake_.notify_one();
  for (Queue::Entry& entry : displaced) {
    if (entry.item.refused) entry.item.refused();
  }
  return true;
}

void WorkerPool::DropUnwanted(Queue::Entries& dropped) {
  // Few, since callers are I/O threads, and a flood makes them call for each request.
  constexpr int kLooks = 16;
  queue_.Drop(
      kLooks, [](Queued& queued) { return !queued.IsWanted(); }, dropped);
}

void WorkerPool::DropQueued() {
  Queue::Entries dropped;  // destroyed outside the lock
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    queue_.DropAll(dropped);
  }
  wake_.notify_all();
}

void WorkerPool::Stop() {
  DropQueued();
  threads_.clear();
}

void WorkerPool::StopWithoutWaiting(std::unique_ptr<WorkerPool> pool) {
  pool->DropQueued();
  {
    const std::lock_guard lock(pool->mutex_);
    if (pool->running_ == 0) return;  // destroyed by the caller, outside the lock
  }
  const std::lock_guard lock(LeftRunning::Get().mutex);
  LeftRunning::Get().pools.push_back(std::move(pool));
}

bool WorkerPool::AnyLeftRunning() {
  const std::lock_guard lock(LeftRunning::Get().mutex);
  return !LeftRunning::Get().pools.empty();
}

size_t WorkerPool::queued() const {
  std::lock_guard lock(mutex_);
  return queue_.size();
}

void WorkerPool::Run() {
  Queue::Entries taken;
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || queue_.AnyMayRun(); });
    if (!queue_.AnyMayRun()) return;
    const absl::Duration may_wait = MayWait();
    queue_.TakeNext(taken);
    ++running_;
    lock.unlock();
    const absl::Duration took = Run(taken.front(), may_wait);
    // What the task owns is destroyed before the next one is waited for.
    taken.front().item = Queued();
    lock.lock();
    --running_;
    queue_.End(taken.front());
    taken.clear();
    if (took == absl::ZeroDuration()) continue;
    const bool first = usual_run_ == absl::ZeroDuration();
    usual_run_ += (took - usual_run_) / (first ? 1 : kAveraged);
  }
}

absl::Duration WorkerPool::Run(Queue::Entry& entry, absl::Duration may_wait) {
  Queued& queued = entry.item;
  if (!queued.IsWanted()) return absl::ZeroDuration();
  const absl::Time begun = timed_ ? now_() : absl::Time();
  if (queued.refused && begun - queued.since > may_wait) {
    queued.refused();
    return absl::ZeroDuration();
  }
  const OwnerScope scope(entry.owner());
  queued.task();
  return timed_ ? now_() - begun : absl::ZeroDuration();
}

}  // namespace gatehouse
