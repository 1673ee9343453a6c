#include "services/tenants/pg_activity_log_store.h"

#include <algorithm>
#include <string>

#include "absl/time/civil_time.h"
#include "libs/base/status.h"
#include "libs/db/database.h"
#include "libs/host/each_database.h"
#include "libs/host/job_scheduler.h"

namespace gatehouse::tenants {
namespace {

using db::Statement;

constexpr Statement kAppend = {
    "activity_log_append",
    "INSERT INTO {activity_log} (app_id, tenant_id, recipe_user_id, primary_or_recipe_user_id,"
    " event_type, status, auth_principal, identifier, created_at)"
    " SELECT app_id, tenant_id, NULLIF(recipe_user_id, ''), NULLIF(primary_user_id, ''),"
    " event_type, 'success', NULLIF(auth_principal, ''), NULLIF(identifier, ''), created_at"
    " FROM unnest($1::varchar[], $2::varchar[], $3::varchar[], $4::varchar[], $5::varchar[],"
    " $6::varchar[], $7::varchar[], $8::bigint[]) AS given(app_id, tenant_id, recipe_user_id,"
    " primary_user_id, event_type, auth_principal, identifier, created_at)"};
constexpr Statement kMaintain = {"activity_log_maintain",
                                 "SELECT {schema}.{~gatehouse_maintain_activity_log}($1::integer)"};
// By activity_log_created_at_brin of the default partition.
constexpr Statement kDeleteOld = {
    "activity_log_delete_old",
    "DELETE FROM {activity_log_default} WHERE ctid = ANY(ARRAY("
    "SELECT ctid FROM {activity_log_default} WHERE created_at < $1::bigint LIMIT $2::bigint))"};

int64_t RetentionDays(const tenancy::Tenant& tenant) {
  constexpr int64_t kForever = 36500;  // as the function has it
  return std::min(
      std::get<int64_t>(tenant.config->value(config::Setting::kActivityLogRetentionDays)), kForever);
}

constexpr int64_t kDayMs = int64_t{24} * 3600 * 1000;
constexpr int64_t kBatch = 1000;
constexpr char kJob[] = "tenants_maintain_activity_log";

}  // namespace

absl::Status PgActivityLogStore::PrepareMonth(absl::Time deadline, const tenancy::Tenant& anywhere,
                                              db::Database& database) {
  const absl::CivilMonth now(
      absl::ToCivilMonth(absl::FromUnixMillis(clock_.NowMs()), absl::UTCTimeZone()));
  const int64_t month = now - absl::CivilMonth(1970, 1);
  {
    std::lock_guard lock(mutex_);
    if (const auto it = prepared_.find(anywhere.database_id);
        it != prepared_.end() && it->second == month) {
      return absl::OkStatus();
    }
  }
  RETURN_IF_ERROR(database.Execute(deadline, kMaintain, {RetentionDays(anywhere)}).status());
  std::lock_guard lock(mutex_);
  prepared_[anywhere.database_id] = month;
  return absl::OkStatus();
}

absl::Status PgActivityLogStore::Append(absl::Time deadline, const tenancy::Tenant& anywhere,
                                        const std::vector<ActivityRow>& rows) {
  ASSIGN_OR_RETURN(db::Database* const database, databases_.Of(anywhere));
  RETURN_IF_ERROR(PrepareMonth(deadline, anywhere, *database));
  db::TextArray apps, tenants, recipe_users, primary_users, types, principals, identifiers, times;
  for (const ActivityRow& row : rows) {
    apps.values.push_back(row.app_id);
    tenants.values.push_back(row.tenant_id);
    recipe_users.values.push_back(row.recipe_user_id);
    primary_users.values.push_back(row.primary_or_recipe_user_id);
    types.values.push_back(row.event_type);
    principals.values.push_back(row.auth_principal);
    identifiers.values.push_back(row.identifier);
    times.values.push_back(std::to_string(row.created_at_ms));
  }
  return database
      ->Execute(deadline, kAppend,
                {apps, tenants, recipe_users, primary_users, types, principals, identifiers, times})
      .status();
}

absl::Status PgActivityLogStore::CleanUp(absl::Time deadline,
                                         const tenancy::TenantDirectory& directory) {
  const auto clean_up = [&](db::Database& database, const tenancy::Tenant& first) -> absl::Status {
    const int64_t days = RetentionDays(first);
    const int64_t oldest_ms = clock_.NowMs() - days * kDayMs;
    RETURN_IF_ERROR(host::RunExclusively(
        database, deadline, kJob, [&](db::Transaction& transaction) -> absl::StatusOr<bool> {
          RETURN_IF_ERROR(transaction.Execute(kMaintain, {days}).status());
          return false;
        }));
    return host::RunExclusively(
        database, deadline, kJob, [&](db::Transaction& transaction) -> absl::StatusOr<bool> {
          ASSIGN_OR_RETURN(const db::Result deleted,
                           transaction.Execute(kDeleteOld, {oldest_ms, kBatch}));
          return deleted.affected() == kBatch;
        });
  };
  return host::InEachDatabase(directory, databases_, clean_up);
}

}  // namespace gatehouse::tenants
