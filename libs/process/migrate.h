#pragma once

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/config/process_config.h"
#include "libs/db/database.h"
#include "libs/process/command_line.h"
#include "libs/process/program.h"

namespace gatehouse::process {

// Exit status of `migrate` when everything is brought over except what it has named: conflicts
// between users, and what Hydra had that can't be taken.
inline constexpr int kExitConflicts = 3;

// Brings one database's tables up to date for a start. FailedPrecondition, without any change, when
// an older core's have to be brought over first.
absl::Status MigrateTables(db::Database& database);

// Runs `migrate`. Checks all databases first, and refuses before anything is changed. Then: tables,
// service roles and rows of the base database, whose `options` are given, then of every database
// that a tenant's settings lead to. Reports on standard output what it does and which users
// conflict, only by ids. With a Hydra's database in `line` it brings that over too. A dry run only
// checks, and says what it would bring over. Returns the exit status: 1 when a tenant's database,
// named on standard error, was left out; the others are done.
absl::StatusOr<int> RunMigrate(const Program& program, const CommandLine& line,
                               const config::ProcessConfig& config, db::Database& base,
                               const db::DatabaseOptions& options);

// FailedPrecondition when tables are missing or old: for a process that may not change them. An
// unreachable database is no error here.
absl::Status CheckTables(const config::ProcessConfig& config, std::string_view service,
                         db::DatabaseOptions options);

}  // namespace gatehouse::process
