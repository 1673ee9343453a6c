#include "services/jwks/pg_key_cleanup.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "libs/host/job_scheduler.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/tenant_directory.h"
#include "services/jwks/key_timeline.h"

namespace gatehouse::jwks {
namespace {

// By the primary key (app_id, created_at_time).
constexpr db::Statement kDeleteOld = {
    "jwks_delete_old",
    "DELETE FROM {session_access_token_signing_keys} WHERE app_id = $1 AND created_at_time < $2"};

// So that no transaction is long.
constexpr size_t kAppsPerBatch = 50;

using Apps = std::vector<tenancy::TenantPtr>;

absl::Status DeleteIn(db::Database& database, const Apps& apps, const Clock& clock,
                      absl::Time deadline) {
  size_t begin = 0;
  size_t end = 0;
  return host::RunExclusively(
      database, deadline, "jwks_delete_expired_keys",
      [&](db::Transaction& tx) -> absl::StatusOr<bool> {
        if (tx.attempt() == 1) begin = end;  // else the same apps again
        end = std::min(apps.size(), begin + kAppsPerBatch);
        for (size_t i = begin; i < end; ++i) {
          const int64_t from = KeyTimeline::Of(*apps[i]->config).VerifiableFromMs(clock.NowMs());
          RETURN_IF_ERROR(tx.Execute(kDeleteOld, {apps[i]->app_id, from}).status());
        }
        return end < apps.size();
      });
}

}  // namespace

absl::Status DeleteExpiredKeys(tenancy::TenantDirectory& directory,
                               tenancy::TenantDatabases& databases, const Clock& clock,
                               absl::Time deadline) {
  std::map<std::string, Apps> apps_by_database;
  for (tenancy::TenantPtr& tenant : directory.All()) {
    if (tenant->is_public()) apps_by_database[tenant->database_id].push_back(std::move(tenant));
  }
  absl::Status result;
  for (const auto& [database_id, apps] : apps_by_database) {
    const auto database = databases.Of(*apps.front());
    result.Update(database.ok() ? DeleteIn(**database, apps, clock, deadline) : database.status());
  }
  return result;
}

}  // namespace gatehouse::jwks
