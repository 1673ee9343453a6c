#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"

namespace gatehouse::db {
class Database;
}

namespace gatehouse::users {

// Checks again the groups that were being changed while one of their tenants was removed, so that
// each is listed where it is (docs/adr, decision 8). One transaction per user; several instances
// may do so at once. Errors as in libs/db/errors.h.
absl::Status SettleListedUsers(db::Database& database, absl::Time deadline);

}  // namespace gatehouse::users
