#pragma once

#include "absl/status/statusor.h"
#include "libs/config/process_config.h"
#include "libs/db/database.h"
#include "libs/process/program.h"

namespace gatehouse::process {

// Exit status of `check-users` when it found what it was not to mend.
inline constexpr int kExitFaults = 3;

// What `check-users` does, in the base database, whose `options` are given, and then in every
// database that a tenant's settings lead to: lists the login methods at fault on standard output,
// by ids alone, and mends them if `mend` is set. Returns the exit status: 1 when a tenant's
// database was left out, which standard error names.
absl::StatusOr<int> RunCheckUsers(const Program& program, const config::ProcessConfig& config,
                                  db::Database& base, const db::DatabaseOptions& options,
                                  bool mend);

}  // namespace gatehouse::process
