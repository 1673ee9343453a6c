#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <utility>

namespace gatehouse {

// std::timed_mutex, as far as std::unique_lock needs it. That one waits by pthread_mutex_clocklock,
// which the thread sanitizer of GCC 12 does not know, so it took whatever the mutex guards for a
// race. Thread-safe.
class TimedMutex {
 public:
  void lock() {
    std::unique_lock guard(mutex_);
    released_.wait(guard, [this] { return !locked_; });
    locked_ = true;
  }
  bool try_lock() {
    const std::lock_guard guard(mutex_);
    return !std::exchange(locked_, true);
  }
  template <typename Rep, typename Period>
  bool try_lock_for(std::chrono::duration<Rep, Period> time) {
    std::unique_lock guard(mutex_);
    if (!released_.wait_for(guard, time, [this] { return !locked_; })) return false;
    locked_ = true;
    return true;
  }
  void unlock() {
    {
      const std::lock_guard guard(mutex_);
      locked_ = false;
    }
    released_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable released_;
  bool locked_ = false;
};

}  // namespace gatehouse
