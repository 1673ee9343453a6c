#pragma once

#include <condition_variable>
#include <mutex>
#include <stop_token>

#include "absl/time/time.h"

namespace gatehouse {

// Waits for `time`, or until a stop is requested. True when one was.
inline bool WaitForStop(const std::stop_token& stop, absl::Duration time) {
  std::mutex mutex;
  std::condition_variable_any wake;
  std::unique_lock lock(mutex);
  wake.wait_for(lock, stop, absl::ToChronoNanoseconds(time), [] { return false; });
  return stop.stop_requested();
}

}  // namespace gatehouse
