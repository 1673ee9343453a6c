#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace gatehouse::process {

// The directory of the embedded PostgreSQL's data when none is configured: /var/lib/gatehouse for
// root, whose own directories the server's user may not enter, and otherwise `gatehouse` in the
// user's data directory ($XDG_DATA_HOME, or ~/.local/share), after the XDG Base Directory
// Specification. FAILED_PRECONDITION for a user without a home directory.
absl::StatusOr<std::string> DefaultDataDir();

}  // namespace gatehouse::process
