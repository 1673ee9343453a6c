#include "services/jwks/key_timeline.h"

#include <algorithm>

#include "libs/config/core_config.h"

namespace gatehouse::jwks {
namespace {
// The original's overlap. Intervals too short for it occur only in test mode: there the original
// takes a fifth, and its first key is some 100 ms older than its app's first request. Because of
// that, clients that poll every 2 s see a key of 5 s change after the second poll; ours is only as
// old as the request.
constexpr int64_t kOverlapMs = 60'000;
constexpr int64_t kShortIntervalParts = 4;
}  // namespace

KeyTimeline KeyTimeline::Of(const config::CoreConfig& config) {
  KeyTimeline timeline;
  timeline.interval_ms = config.access_token_dynamic_signing_key_update_interval_ms();
  timeline.token_validity_ms = config.access_token_validity_ms();
  timeline.overlap_ms = std::min(kOverlapMs, timeline.interval_ms / kShortIntervalParts);
  return timeline;
}

size_t KeyTimeline::SigningIndex(std::span<const int64_t> created_ms, int64_t now_ms) const {
  const bool newest_too_young = created_ms[0] + overlap_ms > now_ms;
  return created_ms.size() > 1 && newest_too_young && now_ms < created_ms[1] + interval_ms ? 1 : 0;
}

int64_t KeyTimeline::NextChangeMs(std::span<const int64_t> created_ms, int64_t now_ms) const {
  const int64_t rotation = created_ms[0] + interval_ms - overlap_ms + 1;
  if (SigningIndex(created_ms, now_ms) == 0) return rotation;
  return std::min({rotation, created_ms[0] + overlap_ms, created_ms[1] + interval_ms});
}

int64_t KeyTimeline::MaxAgeSeconds(int64_t newest_created_ms, int64_t now_ms) const {
  return std::max<int64_t>(1, (newest_created_ms + interval_ms - overlap_ms - now_ms) / 1000);
}

}  // namespace gatehouse::jwks
