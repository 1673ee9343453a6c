#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "services/users/backfill/pg_fold_activity.h"
#include "services/users/backfill/pg_registry_backfill.h"
#include "services/users/component.h"

namespace gatehouse::users {

absl::Status CheckUsers(db::Database& database, absl::Time deadline) {
  return CheckRecipes(database, deadline);
}

absl::StatusOr<int64_t> MigrateUsers(db::Database& database, absl::Time deadline,
                                     const std::function<void(std::string_view)>& progress) {
  ASSIGN_OR_RETURN(const int64_t times, FoldActivity(database, deadline));
  if (times > 0) {
    progress(
        StrCat("last active times brought over from the activity log: ", std::to_string(times)));
  }
  ASSIGN_OR_RETURN(const BackfillCounts counts, BackfillRegistry(database, deadline, progress));
  if (counts.users == 0) return 0;
  progress(StrCat("users brought over: ", std::to_string(counts.users),
                  "; in no tenant: ", std::to_string(counts.without_tenant),
                  "; ids without a login method: ", std::to_string(counts.without_login),
                  "; conflicts: ", std::to_string(counts.conflicts)));
  return counts.conflicts;
}

}  // namespace gatehouse::users
