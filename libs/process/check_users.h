#pragma once

#include "absl/status/statusor.h"
#include "libs/config/process_config.h"
#include "libs/db/database.h"
#include "libs/process/program.h"

namespace gatehouse::process {

// Exit status of `check-users` when it found faults that it was not asked to repair.
inline constexpr int kExitFaults = 3;

// Runs `check-users` in the base database, whose `options` are given, and then in every database
// that a tenant's settings lead to: lists faulty login methods on standard output, only by ids, and
// repairs them if `mend` is set. Returns the exit status: 1 when a tenant's database, named on
// standard error, was left out.
absl::StatusOr<int> RunCheckUsers(const Program& program, const config::ProcessConfig& config,
                                  db::Database& base, const db::DatabaseOptions& options,
                                  bool mend);

}  // namespace gatehouse::process
