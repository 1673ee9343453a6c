#pragma once

#include <cstdint>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace gatehouse::db {
class Database;
}

namespace gatehouse::users {

// Copies who was active from the activity log of a core of 12.3 or newer to user_last_active; see
// migrations/users/0003_fold_activity.sql. That runs it once; this is for a database that went back
// to the other core in between. Returns how many rows changed. As the tables' owner.
absl::StatusOr<int64_t> FoldActivity(db::Database& database, absl::Time deadline);

}  // namespace gatehouse::users
