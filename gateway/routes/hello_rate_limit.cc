#include "gateway/routes/hello_rate_limit.h"

#include <algorithm>

#include "libs/base/elapsed.h"
#include "libs/base/strings.h"

namespace gatehouse::gateway {

bool HelloRateLimit::Admit(std::string_view connection_uri_domain, std::string_view app_id,
                           int64_t now_ms) {
  std::lock_guard<std::mutex> lock(mutex_);
  if (buckets_.size() >= kMaxApps) buckets_.clear();
  Bucket& bucket = buckets_[StrCat(connection_uri_domain, "\n", app_id)];
  const int64_t earned = Elapsed(bucket.last_ms, now_ms, kTokens * kTokenMs)
                             ? kTokens
                             : (now_ms - bucket.last_ms) / kTokenMs;
  bucket.tokens = std::min(bucket.tokens + earned, kTokens);
  if (bucket.tokens == 0) return false;
  --bucket.tokens;
  bucket.last_ms = now_ms;
  return true;
}

}  // namespace gatehouse::gateway
