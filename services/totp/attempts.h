#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace gatehouse::totp {

// A code that a user has sent in a tenant.
struct UsedCode {
  bool accepted;
  int64_t created_ms;
};

// How many attempts have failed in a row, as far as they matter for the next one.
struct FailedAttempts {
  int count = 0;
  // Set: too many, and the next one is refused unseen for this long.
  std::optional<int64_t> retry_after_ms;
};

// `newest_first`: at least the newest `max_attempts`, expired ones included. Failures count while
// they are less than a cool-down older than the newest; once `max_attempts` do, everything is
// refused until the cool-down has passed since the newest, and then counting starts over.
FailedAttempts CountFailures(const std::vector<UsedCode>& newest_first, int max_attempts,
                             int64_t cooldown_ms, int64_t now_ms);

}  // namespace gatehouse::totp
