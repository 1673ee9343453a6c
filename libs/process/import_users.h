#pragma once

#include "absl/status/statusor.h"
#include "libs/process/command_line.h"

namespace gatehouse::process {

// Runs `import`, a client of a running Gatehouse: porting::RunImport with the options of the
// command line, and the API key from where it says. Returns the exit status.
absl::StatusOr<int> ImportUsers(const CommandLine& line);

}  // namespace gatehouse::process
