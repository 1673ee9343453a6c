#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

namespace gatehouse::gateway {

// How often an app may ask whether all is well before it gets an answer without a check: bursts of
// five, and five a second. Thread-safe; a bounded number of apps.
class HelloRateLimit {
 public:
  // False: beyond the limit.
  bool Admit(std::string_view connection_uri_domain, std::string_view app_id, int64_t now_ms);

 private:
  static constexpr int64_t kTokens = 5;
  static constexpr int64_t kTokenMs = 200;
  static constexpr size_t kMaxApps = 20000;

  struct Bucket {
    int64_t tokens = kTokens;
    int64_t last_ms = 0;
  };
  std::mutex mutex_;
  std::unordered_map<std::string, Bucket> buckets_;
};

}  // namespace gatehouse::gateway
