#include "services/users/registry/activity_recorder.h"

#include <variant>

#include "libs/base/elapsed.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"

namespace gatehouse::users {
namespace {

constexpr int64_t kThrottleMs = 5 * 60 * 1000;  // the original's
// About 20 MiB; beyond it the throttle forgets, which costs a few more upserts.
constexpr size_t kMaxThrottled = 200'000;
// While the database is down newer entries are dropped beyond this.
constexpr size_t kMaxPending = 100'000;
constexpr size_t kMaxBatch = 1000;

}  // namespace

void ActivityRecorder::Note(const Where& scope, std::string_view user_id) {
  const int64_t now = clock_.NowMs();
  std::lock_guard lock(mutex_);
  // Before the throttle, which must not treat as recorded what is dropped here.
  if (pending_count_ >= kMaxPending) return;
  const config::CoreConfig& config = *scope.tenant->config;
  if (!config.test_mode() &&
      std::get<bool>(config.value(config::Setting::kActivityLogThrottleEnabled))) {
    if (last_noted_.size() >= kMaxThrottled) last_noted_.clear();
    const std::string key =
        StrCat(scope.tenant->connection_uri_domain, "|", scope.app_id(), "|", user_id);
    auto [noted, is_new] = last_noted_.try_emplace(key, now);
    if (!is_new && !Elapsed(noted->second, now, kThrottleMs)) return;
    noted->second = now;
  }
  Pending& pending = pending_[scope.tenant->storage_id];
  pending.tenant = scope.tenant;
  auto [entry, is_new] = pending.times.try_emplace({scope.app_id(), std::string(user_id)}, now);
  entry->second = now;
  if (is_new) ++pending_count_;
  log_.Add(*scope.tenant, {.event_type = "user_last_active",
                           .recipe_user_id = user_id,
                           .primary_or_recipe_user_id = user_id});
}

void ActivityRecorder::NoteSignIn(const Where& scope, const tenancy::Tenant& tenant,
                                  const activity::Activity& activity) {
  log_.Add(tenant, activity);
  Note(scope, activity.primary_or_recipe_user_id);
}

absl::Status ActivityRecorder::Forget(const Where& scope, const Where& user,
                                      const std::vector<std::string>& user_ids) {
  {
    std::lock_guard lock(mutex_);
    auto pending = pending_.find(scope.tenant->storage_id);
    if (pending != pending_.end()) {
      for (const std::string& id : user_ids) {
        pending_count_ -= pending->second.times.erase({scope.app_id(), id});
      }
    }
    // Entries being saved come back if that fails: without those.
    if (flushes_ > 0) {
      for (const std::string& id : user_ids) forgotten_.emplace(scope.app_id(), id);
    }
  }
  if (user_ids.empty() || scope.tenant->database_id == user.tenant->database_id) {
    return absl::OkStatus();
  }
  return store_.Remove(scope, user_ids);
}

absl::Status ActivityRecorder::Flush(absl::Time deadline) {
  std::unordered_map<std::string, Pending> taken;
  {
    std::lock_guard lock(mutex_);
    taken.swap(pending_);
    pending_count_ = 0;
    ++flushes_;
  }
  return Save(std::move(taken), deadline);
}

absl::Status ActivityRecorder::FlushOnly(const std::string& storage_id, absl::Time deadline) {
  std::unordered_map<std::string, Pending> taken;
  {
    std::lock_guard lock(mutex_);
    if (auto pending = pending_.extract(storage_id)) {
      pending_count_ -= pending.mapped().times.size();
      taken.insert(std::move(pending));
    }
    ++flushes_;
  }
  return Save(std::move(taken), deadline);
}

absl::Status ActivityRecorder::Save(std::unordered_map<std::string, Pending> taken,
                                    absl::Time deadline) {
  absl::Status first_error;
  for (auto& [storage_id, pending] : taken) {
    std::vector<ActivityStore::Entry> batch;
    // Named captures: clang 14 captures no structured bindings otherwise.
    auto save = [&, &storage_id = storage_id, &pending = pending] {
      absl::Status saved = store_.Save({pending.tenant, deadline}, batch);
      if (!saved.ok()) {
        TakeBack(storage_id, pending.tenant, batch);
        first_error.Update(std::move(saved));
      }
      batch.clear();
    };
    for (const auto& [who, time_ms] : pending.times) {
      batch.push_back({who.first, who.second, time_ms});
      if (batch.size() == kMaxBatch) save();
    }
    if (!batch.empty()) save();
  }
  std::lock_guard lock(mutex_);
  if (--flushes_ == 0) forgotten_.clear();
  return first_error;
}

void ActivityRecorder::TakeBack(const std::string& storage_id, const tenancy::TenantPtr& tenant,
                                const std::vector<ActivityStore::Entry>& entries) {
  std::lock_guard lock(mutex_);
  Pending& pending = pending_[storage_id];
  if (pending.tenant == nullptr) pending.tenant = tenant;
  for (const ActivityStore::Entry& entry : entries) {
    const std::pair who(entry.app_id, entry.user_id);
    if (pending_count_ >= kMaxPending) return;
    if (forgotten_.contains(who)) continue;
    // If there is an entry, a later time has been recorded meanwhile.
    if (pending.times.try_emplace(who, entry.time_ms).second) ++pending_count_;
  }
}

absl::StatusOr<int64_t> ActivityRecorder::CountSince(const Where& scope, int64_t since_ms) {
  RETURN_IF_ERROR(FlushOnly(scope.tenant->storage_id, scope.deadline));
  return store_.CountSince(scope, since_ms);
}

}  // namespace gatehouse::users
