#include "libs/base/worker_pool.h"

#include <pthread.h>

#include <algorithm>
#include <iterator>
#include <utility>

namespace gatehouse {

WorkerPool::WorkerPool(std::string name, size_t threads, size_t max_queued)
    : name_(std::move(name)), max_queued_(max_queued) {
  threads_.reserve(threads);
  for (size_t i = 0; i < threads; ++i) {
    threads_.emplace_back([this] { Run(); });
    pthread_setname_np(threads_.back().native_handle(), name_.substr(0, 15).c_str());
  }
}

WorkerPool::~WorkerPool() { Stop(); }

bool WorkerPool::TrySubmit(Task task, Wanted wanted) {
  std::deque<Queued> dropped;  // destroyed outside the lock: what tasks hold may be anything
  {
    std::lock_guard lock(mutex_);
    if (stopping_) return false;
    if (queue_.size() >= max_queued_) {
      if (refusals_until_look_ > 0) {
        --refusals_until_look_;
        return false;
      }
      const auto unwanted = std::stable_partition(queue_.begin(), queue_.end(),
                                                  [](Queued& queued) { return queued.IsWanted(); });
      std::move(unwanted, queue_.end(), std::back_inserter(dropped));
      queue_.erase(unwanted, queue_.end());
      // A look that finds little costs as much as one that finds a lot, and callers are I/O threads.
      const size_t few = max_queued_ / 16;
      if (dropped.size() < few) refusals_until_look_ = few;
      if (dropped.empty()) return false;
    }
    queue_.push_back({std::move(task), std::move(wanted)});
  }
  wake_.notify_one();
  return true;
}

void WorkerPool::DropQueued() {
  std::deque<Queued> dropped;  // destroyed outside the lock
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
    dropped.swap(queue_);
  }
  wake_.notify_all();
}

void WorkerPool::Stop() {
  DropQueued();
  threads_.clear();
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
    {
      Queued next = std::move(queue_.front());
      queue_.pop_front();
      lock.unlock();
      if (next.IsWanted()) next.task();
      // What the task owns goes before the next one is waited for.
    }
    lock.lock();
  }
}

}  // namespace gatehouse
