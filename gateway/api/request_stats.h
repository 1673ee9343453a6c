#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "gatehouse/common/v1/scope.pb.h"

namespace gatehouse::gateway {

// How many requests each app had, by the minute, over the last day, and how many were refused since
// the process started. Thread-safe. Keeps only minutes in which an app had requests, and a bounded
// number of apps.
class RequestStats {
 public:
  static constexpr int kMinutes = 24 * 60;

  // For each whole minute of the last day, the oldest first; -1: before counting began.
  struct Day {
    int64_t at_minute = 0;  // since the epoch; the first minute after the last one listed
    std::vector<double> average_per_second;
    std::vector<int> peak_per_second;
  };

  // `now_ms` is the epoch time of the call, here and below.
  explicit RequestStats(int64_t now_ms) : began_minute_(now_ms / 60000) {}

  // For an app that exists.
  void Count(const common::v1::Scope& scope, int64_t now_ms);
  Day Read(const common::v1::Scope& scope, int64_t now_ms) const;
  // Of an app that exists: a request beyond its domain's share (concurrency_cap.h).
  void CountRefused(const common::v1::Scope& scope);
  int64_t Refused(const common::v1::Scope& scope) const;

 private:
  struct Minute {
    int64_t minute;
    int64_t second;  // the one being counted
    int in_second = 0;
    int peak = 0;
    int64_t total = 0;
  };
  // Tenants of a removed app leave their counts behind until the map is full.
  static constexpr size_t kMaxApps = 20000;

  static std::string KeyOf(const common::v1::Scope& scope);

  const int64_t began_minute_;
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::deque<Minute>> apps_;
  std::unordered_map<std::string, int64_t> refused_;
};

}  // namespace gatehouse::gateway
