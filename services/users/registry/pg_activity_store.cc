#include "services/users/registry/pg_activity_store.h"

#include <algorithm>
#include <map>

#include "libs/base/status.h"
#include "libs/db/database.h"

namespace gatehouse::users {
namespace {

// Sorted, so that two instances never deadlock on each other's rows.
constexpr db::Statement kSave = {
    "activity_save",
    "INSERT INTO {user_last_active} AS kept (app_id, user_id, last_active_time)"
    " SELECT given.app_id, given.user_id, given.time_ms"
    " FROM unnest($1::varchar[], $2::varchar[], $3::bigint[]) AS given(app_id, user_id, time_ms)"
    " ORDER BY 1, 2"
    " ON CONFLICT (app_id, user_id) DO UPDATE"
    " SET last_active_time = GREATEST(kept.last_active_time, EXCLUDED.last_active_time)"};

constexpr db::Statement kRemove = {
    "activity_remove",
    "WITH held AS MATERIALIZED (SELECT app_id, user_id FROM {user_last_active}"
    "  WHERE app_id = $1::varchar AND user_id = ANY($2::varchar[]) ORDER BY user_id FOR UPDATE)"
    " DELETE FROM {user_last_active} a USING held"
    "  WHERE a.app_id = held.app_id AND a.user_id = held.user_id"};

constexpr int64_t kMinuteMs = 60'000;
constexpr int64_t kDayMs = 24 * 60 * kMinuteMs;
constexpr int64_t kMaxTimeMs = int64_t{1} << 53;  // far beyond every time that is stored

// $2 to $3: what is left of the first minute; $3 to $4: whole minutes of the first day.
// user_last_active_app_id_last_active_time_index; the primary key of gatehouse_active_counts.
constexpr db::Statement kCountSince = {
    "activity_count_since",
    "SELECT (SELECT count(*) FROM {user_last_active} WHERE app_id = $1::varchar"
    "  AND last_active_time >= $2::bigint AND last_active_time < $3::bigint)"
    " + (SELECT COALESCE(sum(users), 0)::bigint FROM {gatehouse_active_counts}"
    "  WHERE app_id = $1::varchar AND width = 60000"
    "  AND starts >= $3::bigint AND starts < $4::bigint)"
    " + (SELECT COALESCE(sum(users), 0)::bigint FROM {gatehouse_active_counts}"
    "  WHERE app_id = $1::varchar AND width = 86400000 AND starts >= $4::bigint)"};

// The multiple of `unit` at or after a time that is not negative.
int64_t RoundUp(int64_t time_ms, int64_t unit) { return (time_ms + unit - 1) / unit * unit; }

absl::Status SaveBatch(db::Database& db, absl::Time deadline,
                       const std::vector<ActivityStore::Entry>& entries) {
  db::TextArray apps, users, times;
  for (const ActivityStore::Entry& entry : entries) {
    apps.values.push_back(entry.app_id);
    users.values.push_back(entry.user_id);
    times.values.push_back(std::to_string(entry.time_ms));
  }
  return db.Execute(deadline, kSave, {apps, users, times}).status();
}

}  // namespace

absl::Status PgActivityStore::Save(const Where& scope, const std::vector<Entry>& entries) {
  ASSIGN_OR_RETURN(db::Database* db, databases_.Of(*scope.tenant));
  absl::Status saved = SaveBatch(*db, scope.deadline, entries);
  if (!db::ViolatesConstraint(saved, "_app_id_fkey")) return saved;
  // An app was removed meanwhile: its entries are dropped, but others' must not be.
  std::map<std::string_view, std::vector<Entry>> by_app;
  for (const Entry& entry : entries) by_app[entry.app_id].push_back(entry);
  for (const auto& [app, batch] : by_app) {
    saved = SaveBatch(*db, scope.deadline, batch);
    if (!saved.ok() && !db::ViolatesConstraint(saved, "_app_id_fkey")) return saved;
  }
  return absl::OkStatus();
}

absl::Status PgActivityStore::Remove(const Where& scope, const std::vector<std::string>& user_ids) {
  ASSIGN_OR_RETURN(db::Database* db, databases_.Of(*scope.tenant));
  return db->Execute(scope.deadline, kRemove, {scope.app_id(), db::TextArray{user_ids}}).status();
}

absl::StatusOr<int64_t> PgActivityStore::CountSince(const Where& scope, int64_t since_ms) {
  ASSIGN_OR_RETURN(db::Database* db, databases_.Of(*scope.tenant));
  const int64_t since = std::clamp<int64_t>(since_ms, 0, kMaxTimeMs);
  const int64_t first_minute = RoundUp(since, kMinuteMs);
  ASSIGN_OR_RETURN(db::Result result,
                   db->Execute(scope.deadline, kCountSince,
                               {scope.app_id(), since, first_minute,
                                RoundUp(first_minute, kDayMs)}));
  return result.front().Int64(0);
}

}  // namespace gatehouse::users
