#pragma once

#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/db/database.h"

namespace gatehouse::db {

// Runs `body` in a transaction that waits for each lock two seconds at most; when one is not to be
// had, rolls back, lets the others pass that queued up behind, and tries again until `deadline`:
// somebody's long transaction must not make the whole of a running core wait with us. The error
// says so then, in words. `body` may run several times.
absl::Status WithQuickLocks(Database& database, absl::Time deadline,
                            absl::FunctionRef<absl::Status(Transaction&)> body);

// Sets the limit for the locks that come next in `transaction`.
absl::Status LimitLockWaits(Transaction& transaction);

}  // namespace gatehouse::db
