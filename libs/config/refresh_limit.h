#pragma once

#include <algorithm>

#include "absl/time/time.h"
#include "libs/config/core_config.h"

namespace gatehouse::config {

// How long a refresh that rotates at once (CDI 5.6) may take. When the answer is lost, or says that
// the outcome is unknown, the client tries again with the same token, and must find most of the
// grace period, which begins with the rotation, still left: two thirds of it. Without a grace
// period there is nothing to preserve.
inline absl::Duration RefreshLimit(const CoreConfig& config) {
  const absl::Duration grace = absl::Milliseconds(config.refresh_token_rotation_grace_period_ms());
  if (grace <= absl::ZeroDuration()) return absl::InfiniteDuration();
  return std::max(grace / 3, absl::Seconds(1));
}

// How much longer the gateway waits than the session service works, so that its final answer
// arrives.
inline constexpr absl::Duration kRefreshReplyMargin = absl::Seconds(1);

}  // namespace gatehouse::config
