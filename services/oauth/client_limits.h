#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "absl/status/status.h"
#include "libs/base/clock.h"
#include "libs/tenancy/where.h"

namespace gatehouse::oauth {

// Token buckets by key: each earns `per_minute` tokens a minute and holds those of ten seconds.
// Memory is bounded: buckets that are full again go, and if all are in use they start anew.
// Thread-safe.
class RateLimits {
 public:
  // Milliseconds until `key` has a token; 0: it has one.
  int64_t WaitMs(const std::string& key, int64_t per_minute, int64_t now_ms);
  // Takes a token if there is one. The result is that of WaitMs before.
  int64_t Take(const std::string& key, int64_t per_minute, int64_t now_ms);

  size_t size() const;

 private:
  static constexpr size_t kMaxKeys = 20000;

  struct Bucket {
    double tokens = 0;
    int64_t last_ms = 0;
  };
  static int64_t WaitOf(const Bucket& bucket, int64_t per_minute);
  Bucket& Earn(const std::string& key, int64_t per_minute, int64_t now_ms);

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;
};

// How often a client may ask for tokens, and how many wrong secrets of it are looked at: the limits
// of its app's configuration, in this process (docs/adr/0018). Thread-safe.
class ClientLimits {
 public:
  // `clock` outlives the limits.
  explicit ClientLimits(const Clock& clock) : clock_(clock) {}

  // Counts a token request. kOverloaded with the time to wait: too many.
  absl::Status TakeRequest(const tenancy::Where& app, const std::string& client_id);
  // kOverloaded with the time to wait: too many wrong secrets, so that none is looked at, since the
  // answer would tell whether it is the right one.
  absl::Status CheckFailures(const tenancy::Where& app, const std::string& client_id);
  void NoteFailure(const tenancy::Where& app, const std::string& client_id);

 private:
  const Clock& clock_;
  RateLimits requests_;
  RateLimits failures_;
};

}  // namespace gatehouse::oauth
