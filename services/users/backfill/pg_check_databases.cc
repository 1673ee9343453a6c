#include "services/users/backfill/pg_check_databases.h"

#include <algorithm>
#include <string>
#include <unordered_set>

#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/base/strings.h"
#include "libs/db/older_core/upgrade.h"
#include "libs/telemetry/log.h"
#include "services/users/backfill/pg_registry_backfill.h"

namespace gatehouse::users {
namespace {

// Longer than a connection may take, short enough for a start.
constexpr absl::Duration kTimeEach = absl::Seconds(6);

}  // namespace

absl::Status CheckDatabases(const tenancy::TenantDirectory& directory,
                            tenancy::TenantDatabases& databases, absl::Time deadline) {
  std::unordered_set<std::string> seen;
  for (const tenancy::TenantPtr& tenant : directory.All()) {
    if (!seen.insert(tenant->database_id).second) continue;
    const std::string whose =
        tenant->database_id.empty() ? "" : StrCat(" of tenant ", tenant->name());
    absl::StatusOr<bool> complete = absl::DeadlineExceededError("no time was left for it");
    if (SteadyNow() < deadline) {
      absl::StatusOr<db::Database*> database = databases.Of(*tenant);
      if (!database.ok()) {
        complete = database.status();
      } else {
        // The base database was checked before any service started.
        const absl::Status recent =
            tenant->database_id.empty()
                ? absl::OkStatus()
                : db::CheckTablesAreRecent(**database, SteadyNow() + kTimeEach);
        if (absl::IsFailedPrecondition(recent)) {
          return absl::FailedPreconditionError(
              StrCat("the database", whose, ": ", std::string(recent.message())));
        }
        complete = RegistryIsComplete(**database, SteadyNow() + kTimeEach);
      }
    }
    if (!complete.ok()) {
      telemetry::Log(
          telemetry::LogLevel::kWarn, "database_not_checked",
          {{"tenant", tenant->name()}, {"reason", ErrorReasonName(ReasonOf(complete.status()))}});
      continue;
    }
    if (*complete) continue;
    return absl::FailedPreconditionError(
        StrCat("the database", whose,
               " has users that only the tables of an older core know. Stop every other core, run "
               "`gatehouse migrate`, then start again"));
  }
  return absl::OkStatus();
}

}  // namespace gatehouse::users
