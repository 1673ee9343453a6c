#include "services/oauth/client_limits.h"

#include <algorithm>
#include <cmath>

#include "libs/base/elapsed.h"
#include "libs/base/problem.h"
#include "libs/base/strings.h"

namespace gatehouse::oauth {
namespace {

// A burst of this long is let through at once.
constexpr int64_t kBurstMs = 10000;
constexpr double kMinuteMs = 60000;

double Capacity(int64_t per_minute) {
  return std::max(1.0, static_cast<double>(per_minute) * kBurstMs / kMinuteMs);
}

std::string KeyOf(const tenancy::Where& app, const std::string& client_id) {
  return StrCat(app.tenant->connection_uri_domain, "\n", app.app_id(), "\n", client_id);
}

absl::Status TooMany(std::string_view what, int64_t wait_ms) {
  const int64_t wait_s = (wait_ms + 999) / 1000;
  return WithProblem(
      MakeError(ErrorReason::kOverloaded, StrCat("Too many ", what, " of this client")),
      Problem::kTooOften, {{"retry_after_s", std::to_string(wait_s)}});
}

}  // namespace

int64_t RateLimits::WaitOf(const Bucket& bucket, int64_t per_minute) {
  if (bucket.tokens >= 1) return 0;
  return static_cast<int64_t>(
      std::ceil((1 - bucket.tokens) * kMinuteMs / static_cast<double>(per_minute)));
}

RateLimits::Bucket& RateLimits::Earn(const std::string& key, int64_t per_minute, int64_t now_ms) {
  const double capacity = Capacity(per_minute);
  auto it = buckets_.find(key);
  if (it == buckets_.end()) {
    if (buckets_.size() >= kMaxKeys) {
      // After a minute every bucket is full, whatever its rate.
      std::erase_if(buckets_, [&](const auto& one) {
        return Elapsed(one.second.last_ms, now_ms, static_cast<int64_t>(kMinuteMs));
      });
      if (buckets_.size() >= kMaxKeys) buckets_.clear();
    }
    it = buckets_.emplace(key, Bucket{.tokens = capacity, .last_ms = now_ms}).first;
  }
  Bucket& bucket = it->second;
  const bool full = Elapsed(bucket.last_ms, now_ms, static_cast<int64_t>(kMinuteMs));
  const double earned =
      full ? capacity
           : static_cast<double>(now_ms - bucket.last_ms) * static_cast<double>(per_minute) /
                 kMinuteMs;
  bucket.tokens = std::min(bucket.tokens + earned, capacity);
  bucket.last_ms = now_ms;
  return bucket;
}

int64_t RateLimits::WaitMs(const std::string& key, int64_t per_minute, int64_t now_ms) {
  std::lock_guard<std::mutex> lock(mutex_);
  return WaitOf(Earn(key, per_minute, now_ms), per_minute);
}

int64_t RateLimits::Take(const std::string& key, int64_t per_minute, int64_t now_ms) {
  std::lock_guard<std::mutex> lock(mutex_);
  Bucket& bucket = Earn(key, per_minute, now_ms);
  const int64_t wait_ms = WaitOf(bucket, per_minute);
  if (wait_ms == 0) --bucket.tokens;
  return wait_ms;
}

size_t RateLimits::size() const {
  std::lock_guard<std::mutex> lock(mutex_);
  return buckets_.size();
}

absl::Status ClientLimits::TakeRequest(const tenancy::Where& app, const std::string& client_id) {
  const int64_t per_minute = app.tenant->config->oauth_token_requests_per_minute();
  if (per_minute == 0) return absl::OkStatus();
  const int64_t wait_ms = requests_.Take(KeyOf(app, client_id), per_minute, clock_.NowMs());
  return wait_ms == 0 ? absl::OkStatus() : TooMany("token requests", wait_ms);
}

absl::Status ClientLimits::CheckFailures(const tenancy::Where& app, const std::string& client_id) {
  const int64_t per_minute = app.tenant->config->oauth_failed_authentications_per_minute();
  if (per_minute == 0) return absl::OkStatus();
  const int64_t wait_ms = failures_.WaitMs(KeyOf(app, client_id), per_minute, clock_.NowMs());
  return wait_ms == 0 ? absl::OkStatus() : TooMany("failed authentications", wait_ms);
}

void ClientLimits::NoteFailure(const tenancy::Where& app, const std::string& client_id) {
  const int64_t per_minute = app.tenant->config->oauth_failed_authentications_per_minute();
  if (per_minute == 0) return;
  failures_.Take(KeyOf(app, client_id), per_minute, clock_.NowMs());
}

}  // namespace gatehouse::oauth
