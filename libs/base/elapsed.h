#pragma once

#include <cstdint>

namespace gatehouse {

// Whether `limit_ms` have passed from `since_ms` to `now_ms`, two times of a Clock. For things that
// are kept for a while: if the wall clock has been set back since, the time counts as passed, so
// that nothing is kept for as long as the clock was wrong.
constexpr bool Elapsed(int64_t since_ms, int64_t now_ms, int64_t limit_ms) {
  return now_ms < since_ms || now_ms - since_ms >= limit_ms;
}

}  // namespace gatehouse
