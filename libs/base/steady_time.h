#pragma once

#include <chrono>

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace gatehouse {

// A time of the monotonic clock as SteadyNow() gives it. Thread-safe.
inline absl::Time SteadyTime(std::chrono::steady_clock::time_point time) {
  struct Origin {
    absl::Time wall;
    std::chrono::steady_clock::time_point steady;
  };
  static const Origin origin{absl::Now(), std::chrono::steady_clock::now()};
  return origin.wall + absl::FromChrono(time - origin.steady);
}

// The time now, for deadlines and durations: it never jumps when the wall clock is set. It
// starts as the wall clock's time at the first call in this process and then runs with the
// monotonic clock, so it is meaningless to another process and is never stored or logged.
// Thread-safe.
inline absl::Time SteadyNow() { return SteadyTime(std::chrono::steady_clock::now()); }

// A time of SteadyNow() for the standard library's waits. Infinite times become times of the far
// past or future that condition variables can still handle.
inline std::chrono::steady_clock::time_point ToSteadyClock(absl::Time time) {
  constexpr absl::Duration kFar = absl::Hours(24 * 365);
  absl::Duration left = time - SteadyNow();
  if (left > kFar) left = kFar;
  if (left < -kFar) left = -kFar;
  return std::chrono::steady_clock::now() + absl::ToChronoNanoseconds(left);
}

}  // namespace gatehouse
