#include "gateway/api/request_stats.h"

#include <algorithm>

#include "libs/base/strings.h"

namespace gatehouse::gateway {

std::string RequestStats::KeyOf(const common::v1::Scope& scope) {
  return StrCat(scope.connection_uri_domain(), "\n", scope.app_id(), "\n",
                std::to_string(scope.admission().app_incarnation()));
}

void RequestStats::Count(const common::v1::Scope& scope, int64_t now_ms) {
  const std::string key = KeyOf(scope);
  const int64_t second = now_ms / 1000;
  const int64_t minute = second / 60;
  std::lock_guard<std::mutex> lock(mutex_);
  if (apps_.size() >= kMaxApps && !apps_.contains(key)) apps_.clear();
  std::deque<Minute>& minutes = apps_[key];
  while (!minutes.empty() && minutes.front().minute < minute - kMinutes) minutes.pop_front();
  if (minutes.empty() || minutes.back().minute < minute) {
    minutes.push_back({.minute = minute, .second = second});
  }
  Minute& current = minutes.back();
  if (second > current.second) {
    current.second = second;
    current.in_second = 0;
  }
  ++current.in_second;
  ++current.total;
  current.peak = std::max(current.peak, current.in_second);
}

void RequestStats::CountRefused(const common::v1::Scope& scope) {
  const std::string key = KeyOf(scope);
  std::lock_guard<std::mutex> lock(mutex_);
  if (refused_.size() >= kMaxApps && !refused_.contains(key)) refused_.clear();
  ++refused_[key];
}

int64_t RequestStats::Refused(const common::v1::Scope& scope) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = refused_.find(KeyOf(scope));
  return found == refused_.end() ? 0 : found->second;
}

RequestStats::Day RequestStats::Read(const common::v1::Scope& scope, int64_t now_ms) const {
  Day day;
  day.at_minute = now_ms / 60000;
  const int64_t first = day.at_minute - kMinutes;
  const int64_t blank = std::clamp<int64_t>(began_minute_ - first, 0, kMinutes);
  day.average_per_second.assign(kMinutes, 0);
  day.peak_per_second.assign(kMinutes, 0);
  std::fill_n(day.average_per_second.begin(), blank, -1);
  std::fill_n(day.peak_per_second.begin(), blank, -1);
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = apps_.find(KeyOf(scope));
  if (found == apps_.end()) return day;
  for (const Minute& minute : found->second) {
    const int64_t place = minute.minute - first;
    if (place < 0 || place >= kMinutes) continue;
    day.average_per_second[place] = static_cast<double>(minute.total) / 60;
    day.peak_per_second[place] = minute.peak;
  }
  return day;
}

}  // namespace gatehouse::gateway
