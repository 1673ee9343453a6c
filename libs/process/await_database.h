#pragma once

#include <stop_token>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "libs/db/database.h"

namespace gatehouse::process {

// Waits, for as long as it takes, until the database lets us in, and says so in the log once in a
// while. FAILED_PRECONDITION at once when it never will: a wrong password, role or database.
// CANCELLED when a stop is requested.
absl::Status AwaitDatabase(const db::DatabaseOptions& options, const std::stop_token& stop);

// The same, then runs `step`; all over again while the database goes away in between.
absl::Status WithDatabase(const db::DatabaseOptions& options, const std::stop_token& stop,
                          absl::FunctionRef<absl::Status()> step);

}  // namespace gatehouse::process
