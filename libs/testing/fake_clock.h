#pragma once

#include <atomic>
#include <cstdint>

#include "libs/base/clock.h"

namespace gatehouse::testing {

// A clock that stands still until a test moves it. Thread-safe.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(int64_t now_ms = 1'700'000'000'000) : now_ms_(now_ms) {}
  int64_t NowMs() const override { return now_ms_; }
  void SetMs(int64_t now_ms) { now_ms_ = now_ms; }
  void AdvanceMs(int64_t by_ms) { now_ms_ += by_ms; }

 private:
  std::atomic<int64_t> now_ms_;
};

}  // namespace gatehouse::testing
