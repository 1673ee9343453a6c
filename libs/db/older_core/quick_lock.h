#pragma once

#include <string_view>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/db/database.h"

namespace gatehouse::db {

// Runs `body` in a transaction that waits for each lock two seconds at most; if it does not get
// one, rolls back, lets the transactions queued behind it pass, and tries again until `deadline`:
// somebody's long transaction must not make a whole running core wait with us. The error explains
// that. `body` may run several times.
absl::Status WithQuickLocks(Database& database, absl::Time deadline,
                            absl::FunctionRef<absl::Status(Transaction&)> body);

// Sets the limit for the following locks of `transaction`.
absl::Status LimitLockWaits(Transaction& transaction);

}  // namespace gatehouse::db
