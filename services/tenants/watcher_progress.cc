#include "services/tenants/watcher_progress.h"

#include <algorithm>
#include <chrono>

#include "libs/base/steady_time.h"

namespace gatehouse::tenants {

int64_t WatcherProgress::Add() {
  std::lock_guard<std::mutex> lock(mutex_);
  const int64_t id = ++last_id_;
  watchers_[id] = {};
  return id;
}

void WatcherProgress::Remove(int64_t id) {
  std::lock_guard<std::mutex> lock(mutex_);
  watchers_.erase(id);
  changed_.notify_all();
}

int64_t WatcherProgress::NextVersion(int64_t id) {
  std::lock_guard<std::mutex> lock(mutex_);
  return ++watchers_[id].sent;
}

void WatcherProgress::Confirm(int64_t id, int64_t version) {
  std::lock_guard<std::mutex> lock(mutex_);
  auto found = watchers_.find(id);
  if (found == watchers_.end()) return;
  Progress& progress = found->second;
  // Not more than was sent: a caller's mistake must not make later changes look applied.
  progress.confirmed = std::max(progress.confirmed, std::min(version, progress.sent));
  if (progress.confirmed == progress.sent) progress.late = false;
  changed_.notify_all();
}

bool WatcherProgress::Await(absl::Time deadline) {
  std::unique_lock<std::mutex> lock(mutex_);
  std::map<int64_t, int64_t> awaited;
  for (const auto& [id, progress] : watchers_) {
    if (!progress.late && progress.confirmed < progress.sent) awaited.emplace(id, progress.sent);
  }
  const auto all_confirmed = [&] {
    std::erase_if(awaited, [&](const auto& entry) {
      auto found = watchers_.find(entry.first);
      return found == watchers_.end() || found->second.confirmed >= entry.second;
    });
    return awaited.empty();
  };
  const auto wait = absl::ToChronoNanoseconds(deadline - SteadyNow());
  if (changed_.wait_for(lock, wait, all_confirmed)) return true;
  for (const auto& [id, version] : awaited) watchers_[id].late = true;
  return false;
}

}  // namespace gatehouse::tenants
