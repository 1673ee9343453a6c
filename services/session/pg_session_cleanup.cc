#include "services/session/pg_session_cleanup.h"

#include "libs/base/status.h"
#include "libs/db/database.h"
#include "libs/host/each_database.h"
#include "libs/tenancy/tenant_databases.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::session {
namespace {

// By session_expiry_index. A row locked by a refresh is left for the next run, and so is one that a
// refresh has prolonged since it was found.
constexpr db::Statement kDeleteExpired = {
    "session_delete_expired",
    "DELETE FROM {session_info} WHERE ctid = ANY(ARRAY(SELECT ctid FROM {session_info}"
    " WHERE expires_at <= $1 ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED))"};

// A few milliseconds of work, so that no row stays locked for long.
constexpr int64_t kBatch = 1000;

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

}  // namespace gatehouse::session
