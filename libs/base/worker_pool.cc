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
                       Now now)
    : name_(std::move(name)), max_queued_(max_queued), max_wait_(max_wait), now_(now) {
  threads_.reserve(threads);
  for (size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { Run(); });
    pthread_setname_np(threads_.back().native_handle(), name_.substr(0, 15).c_str());
  }
}

WorkerPool::~WorkerPool() { Stop(); }

bool WorkerPool::IsFull() const {
  if (queue_.size() >= max_queued_) return true;
  if (queue_.empty() || running_ < threads_.size()) return false;
  return usual_run_ * static_cast<double>(queue_.size() + 1) / threads_.size() > MayWait();
}

absl::Duration WorkerPool::MayWait() const {
  if (max_wait_ == absl::InfiniteDuration()) return max_wait_;
  return std::clamp(2 * max_wait_ - usual_run_, max_wait_ / 10, max_wait_);
}

bool WorkerPool::TrySubmit(Task task, Wanted wanted, Task refused) {
  std::list<Queued> dropped;  // destroyed outside the lock: tasks may own anything
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return false;
    if (IsFull()) DropUnwanted(dropped);
    if (IsFull()) return false;
    queue_.push_back({std::move(task), std::move(wanted), std::move(refused), now_()});
  }
  wake_.notify_one();
  return true;
}

void WorkerPool::DropUnwanted(std::list<Queued>& dropped) {
  // Few, since callers are I/O threads, and a flood makes them call for each request. Each call
  // continues where the last one ended.
  constexpr int kLooks = 16;
  for (int i = 0; i < kLooks; ++i) {
    if (next_look_ == queue_.end()) next_look_ = queue_.begin();
    if (next_look_ == queue_.end()) return;
    const auto looked_at = next_look_++;
    if (!looked_at->IsWanted()) dropped.splice(dropped.end(), queue_, looked_at);
  }
}

void WorkerPool::DropQueued() {
  std::list<Queued> dropped;  // destroyed outside the lock
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(queue_);
    next_look_ = queue_.end();
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
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (queue_.empty()) return;
    absl::Duration took;
    {
      const absl::Duration may_wait = MayWait();
      Queued next = std::move(queue_.front());
      if (next_look_ == queue_.begin()) ++next_look_;
      queue_.pop_front();
      ++running_;
      lock.unlock();
      if (next.IsWanted()) {
        const absl::Time begun = now_();
        if (next.refused && begun - next.since > may_wait) {
          next.refused();
        } else {
          next.task();
          took = now_() - begun;
        }
      }
      // What the task owns is destroyed before the next one is waited for.
    }
    lock.lock();
    --running_;
    if (took == absl::ZeroDuration()) continue;
    const bool first = usual_run_ == absl::ZeroDuration();
    usual_run_ += (took - usual_run_) / (first ? 1 : kAveraged);
  }
}

}  // namespace gatehouse
