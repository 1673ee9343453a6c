#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace gatehouse::db {
class Database;
}

namespace gatehouse::users {

// Looks again at the groups that were being changed while a tenant of theirs was removed, so that
// each is listed where it is (docs/adr, decision 8). One transaction a user; several instances
// may do it at once. Errors as in libs/db/errors.h.
absl::Status SettleListedUsers(db::Database& database, absl::Time deadline);

}  // namespace gatehouse::users
