#pragma once

#include <cstdint>
#include <span>

namespace gatehouse::config {
class CoreConfig;
}

namespace gatehouse::jwks {

// When dynamic signing keys are made, sign, verify and expire (formats: 4.2, 4.3). All times are
// epoch milliseconds; lists of creation times are newest first. A plain value.
struct KeyTimeline {
  int64_t interval_ms = 0;  // how long a key signs
  int64_t token_validity_ms = 0;
  // A new key is published this long before the last one stops signing, and signs nothing until
  // then, so that verifiers have time to fetch it.
  int64_t overlap_ms = 0;

  static KeyTimeline Of(const config::CoreConfig& config);

  // A key outlives its last token by one more validity.
  int64_t ExpiresAtMs(int64_t created_ms) const {
    return created_ms + interval_ms + 2 * token_validity_ms;
  }
  // Keys created before this no longer verify anything.
  int64_t VerifiableFromMs(int64_t now_ms) const {
    return now_ms - interval_ms - 2 * token_validity_ms;
  }
  // A key created at or after this must exist; otherwise one must be made now.
  int64_t NewestFromMs(int64_t now_ms) const { return now_ms + overlap_ms - interval_ms; }
  bool NeedsNewKey(int64_t newest_created_ms, int64_t now_ms) const {
    return newest_created_ms < NewestFromMs(now_ms);
  }
  // Which key signs now: 0, or 1 while the newest is too young. `created_ms` is not empty.
  size_t SigningIndex(std::span<const int64_t> created_ms, int64_t now_ms) const;
  // When SigningIndex or NeedsNewKey next changes its answer.
  int64_t NextChangeMs(std::span<const int64_t> created_ms, int64_t now_ms) const;
  // How long a reader may keep the published set: seconds, at least 1.
  int64_t MaxAgeSeconds(int64_t newest_created_ms, int64_t now_ms) const;
};

}  // namespace gatehouse::jwks
