#pragma once

#include "absl/status/statusor.h"
#include "libs/config/process_config.h"
#include "libs/db/database.h"
#include "libs/process/command_line.h"
#include "libs/process/program.h"

namespace gatehouse::process {

// Runs `export`: writes all users of an app, from every database that its tenants lead to, into a
// file that only its user may read, as JSON lines that `import` reads. A database is read at one
// moment, as by pg_dump. Reports on standard error. FailedPrecondition, and no file, when a
// database is not readable. Returns the exit status.
absl::StatusOr<int> RunExport(const Program& program, const CommandLine& line,
                              const config::ProcessConfig& config, db::Database& base,
                              const db::DatabaseOptions& options);

}  // namespace gatehouse::process
