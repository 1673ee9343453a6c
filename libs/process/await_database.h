#pragma once

#include <stop_token>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "libs/db/database.h"

namespace gatehouse::process {

// Waits, for as long as it takes, until the database accepts us, and logs that now and then.
// FAILED_PRECONDITION at once when it never will: a wrong password, role or database. CANCELLED
// when a stop is requested.
absl::Status AwaitDatabase(const db::DatabaseOptions& options, const std::stop_token& stop);

// The same, then runs `step`; starts over as long as the database goes down in between.
absl::Status WithDatabase(const db::DatabaseOptions& options, const std::stop_token& stop,
                          absl::FunctionRef<absl::Status()> step);

}  // namespace gatehouse::process
