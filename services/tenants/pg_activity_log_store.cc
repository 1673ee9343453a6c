#include "services/tenants/pg_activity_log_store.h"

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
                                 "SELECT {schema}.{~gatehouse_maintain_activity_log}()"};
// By activity_log_created_at_brin of the default partition.
constexpr Statement kDeleteOld = {
    "activity_log_delete_old",
    "DELETE FROM {activity_log_default} WHERE ctid = ANY(ARRAY("
    "SELECT ctid FROM {activity_log_default} WHERE created_at < $1::bigint LIMIT $2::bigint))"};

constexpr absl::Duration kRetention = absl::Hours(31 * 24);  // the original's
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
  RETURN_IF_ERROR(database.Execute(deadline, kMaintain, {}).status());
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
  const int64_t oldest_ms = clock_.NowMs() - absl::ToInt64Milliseconds(kRetention);
  return host::InEachDatabase(directory, databases_, [&](db::Database& database) -> absl::Status {
    RETURN_IF_ERROR(host::RunExclusively(
        database, deadline, kJob, [](db::Transaction& transaction) -> absl::StatusOr<bool> {
          RETURN_IF_ERROR(transaction.Execute(kMaintain).status());
          return false;
        }));
    return host::RunExclusively(
        database, deadline, kJob, [&](db::Transaction& transaction) -> absl::StatusOr<bool> {
          ASSIGN_OR_RETURN(const db::Result deleted,
                           transaction.Execute(kDeleteOld, {oldest_ms, kBatch}));
          return deleted.affected() == kBatch;
        });
  });
}

}  // namespace gatehouse::tenants
