#include "services/totp/attempts.h"

namespace gatehouse::totp {

FailedAttempts CountFailures(const std::vector<UsedCode>& newest_first, int max_attempts,
                             int64_t cooldown_ms, int64_t now_ms) {
  FailedAttempts failed;
  if (newest_first.empty()) return failed;
  const int64_t newest_ms = newest_first.front().created_ms;
  for (const UsedCode& code : newest_first) {
    if (code.accepted || code.created_ms <= newest_ms - cooldown_ms) break;
    if (++failed.count == max_attempts) break;
  }
  if (failed.count < max_attempts) return failed;
  const int64_t since_newest_ms = now_ms - newest_ms;
  if (since_newest_ms < cooldown_ms) {
    failed.retry_after_ms = cooldown_ms - since_newest_ms;
  } else {
    failed.count = 0;
  }
  return failed;
}

}  // namespace gatehouse::totp
