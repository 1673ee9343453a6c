#include "services/users/backfill/pg_fold_activity.h"

#include "libs/base/status.h"
#include "libs/db/database.h"

namespace gatehouse::users {
namespace {

constexpr db::Statement kFoldActivity = {"users_fold_activity",
                                         "SELECT {schema}.{~gatehouse_fold_activity}()"};

}  // namespace

absl::StatusOr<int64_t> FoldActivity(db::Database& database, absl::Time deadline) {
  ASSIGN_OR_RETURN(const db::Result result, database.Execute(deadline, kFoldActivity));
  return result.front().Int64(0);
}

}  // namespace gatehouse::users
