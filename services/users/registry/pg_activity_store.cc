#include "services/users/registry/pg_activity_store.h"

#include <map>

#include "libs/base/status.h"
#include "libs/db/database.h"

namespace gatehouse::users {
namespace {

// Sorted, so that two instances never wait for each other's rows crosswise.
constexpr db::Statement kSave = {
    "activity_save",
    "INSERT INTO {user_last_active} AS kept (app_id, user_id, last_active_time)"
    " SELECT given.app_id, given.user_id, given.time_ms"
    " FROM unnest($1::varchar[], $2::varchar[], $3::bigint[]) AS given(app_id, user_id, time_ms)"
    " ORDER BY 1, 2"
    " ON CONFLICT (app_id, user_id) DO UPDATE"
    " SET last_active_time = GREATEST(kept.last_active_time, EXCLUDED.last_active_time)"};

// user_last_active(app_id, last_active_time).
constexpr db::Statement kCountSince = {
    "activity_count_since",
    "SELECT count(*) FROM {user_last_active} WHERE app_id = $1 AND last_active_time >= $2"};

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

absl::Status PgActivityStore::Save(const RequestScope& scope, const std::vector<Entry>& entries) {
  ASSIGN_OR_RETURN(db::Database* db, databases_.Of(*scope.tenant));
  absl::Status saved = SaveBatch(*db, scope.deadline, entries);
  if (!db::ViolatesConstraint(saved, "_app_id_fkey")) return saved;
  // An app was removed meanwhile: its entries go, and the others' must not go with them.
  std::map<std::string_view, std::vector<Entry>> by_app;
  for (const Entry& entry : entries) by_app[entry.app_id].push_back(entry);
  for (const auto& [app, batch] : by_app) {
    saved = SaveBatch(*db, scope.deadline, batch);
    if (!saved.ok() && !db::ViolatesConstraint(saved, "_app_id_fkey")) return saved;
  }
  return absl::OkStatus();
}

absl::StatusOr<int64_t> PgActivityStore::CountSince(const RequestScope& scope, int64_t since_ms) {
  ASSIGN_OR_RETURN(db::Database* db, databases_.Of(*scope.tenant));
  ASSIGN_OR_RETURN(db::Result result,
                   db->Execute(scope.deadline, kCountSince, {scope.app_id(), since_ms}));
  return result.front().Int64(0);
}

}  // namespace gatehouse::users
