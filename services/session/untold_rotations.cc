#include "services/session/untold_rotations.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/session/session_store.h"

namespace gatehouse::session {
namespace {

// The server runs no statement longer than this after it has begun.
constexpr absl::Duration kStragglersFor = absl::Seconds(60);
// An UPDATE by primary key: a database that takes longer has not recovered yet.
constexpr absl::Duration kStatementLimit = absl::Seconds(2);

}  // namespace

void UntoldRotations::Note(const common::v1::Scope& tenant, std::string_view handle,
                           std::string_view new_hash2) {
  const absl::Time now = SteadyNow();
  const std::lock_guard lock(mutex_);
  const auto [it, is_new] = entries_.try_emplace(std::string(new_hash2));
  it->second = {tenant, std::string(handle), now, now};
  if (is_new) order_.emplace_back(new_hash2);
  while (entries_.size() > kMaxEntries || order_.size() > 2 * kMaxEntries) {
    entries_.erase(order_.front());
    order_.pop_front();
  }
}

bool UntoldRotations::Has(std::string_view new_hash2) const {
  const std::lock_guard lock(mutex_);
  return entries_.contains(std::string(new_hash2));
}

absl::Status UntoldRotations::Settle(tenancy::TenantDirectory& tenants, SessionStore& store,
                                     absl::Time deadline) {
  std::vector<std::pair<std::string, Entry>> due;
  {
    const std::lock_guard lock(mutex_);
    const absl::Time now = SteadyNow();
    for (const auto& [hash2, entry] : entries_) {
      if (entry.due <= now) due.emplace_back(hash2, entry);
    }
  }
  absl::Status first_failure;
  std::set<std::string> away;  // databases that failed: theirs wait for the next time
  for (const auto& [hash2, entry] : due) {
    const auto tenant = tenants.Find(entry.tenant);
    if (tenant.ok()) {
      if (away.contains((*tenant)->storage_id)) continue;
      const absl::Status undone = store.UndoRotation(
          **tenant, entry.handle, hash2, std::min(deadline, SteadyNow() + kStatementLimit));
      if (!undone.ok()) {
        away.insert((*tenant)->storage_id);
        if (first_failure.ok()) first_failure = undone;
        continue;
      }
    }
    const std::lock_guard lock(mutex_);
    const auto it = entries_.find(hash2);
    if (it == entries_.end()) continue;
    // A tenant that is gone has no sessions.
    if (!tenant.ok() || SteadyNow() >= it->second.noted + kStragglersFor) {
      entries_.erase(it);
    } else {
      it->second.due = it->second.noted + kStragglersFor;
    }
  }
  return first_failure;
}

}  // namespace gatehouse::session
