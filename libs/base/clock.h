#pragma once

#include <chrono>
#include <cstdint>

namespace gatehouse {

// The wall clock in epoch milliseconds, like every stored time. Injected wherever a rule depends on
// time, so that tests move it instead of sleeping. Implementations are thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual int64_t NowMs() const = 0;
};

class SystemClock final : public Clock {
 public:
  int64_t NowMs() const override {
    return std::chrono::duration_cast<std::chrono::milliseconds>(
               std::chrono::system_clock::now().time_since_epoch())
        .count();
  }
};

}  // namespace gatehouse
