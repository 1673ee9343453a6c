#include "services/dashboard/pg_session_cleanup.h"

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "libs/host/each_database.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::dashboard {
namespace {

// By dashboard_user_sessions_expiry_index. A row that is being deleted anyway is left to whoever
// does.
constexpr db::Statement kDeleteExpired = {
    "dashboard_delete_expired_sessions",
    "DELETE FROM {dashboard_user_sessions} WHERE ctid = ANY(ARRAY("
    "SELECT ctid FROM {dashboard_user_sessions}"
    " WHERE expiry <= $1 ORDER BY expiry LIMIT $2 FOR UPDATE SKIP LOCKED))"};

constexpr int64_t kBatch = 1000;  // a few milliseconds of work

}  // namespace

absl::Status DeleteExpiredSessions(tenancy::TenantDirectory& directory,
                                   tenancy::TenantDatabases& databases, const Clock& clock,
                                   absl::Time deadline) {
  return host::CleanUpDatabases(directory, databases, kDeleteExpired.name, deadline,
                                [&clock](db::Transaction& transaction) -> absl::StatusOr<bool> {
                                  ASSIGN_OR_RETURN(
                                      const db::Result result,
                                      transaction.Execute(kDeleteExpired, {clock.NowMs(), kBatch}));
                                  return result.affected() == kBatch;
                                });
}

}  // namespace gatehouse::dashboard
