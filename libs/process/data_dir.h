#pragma once

#include <string>

#include "absl/status/statusor.h"

namespace gatehouse::process {

// The directory of the embedded PostgreSQL's data when none is configured: /var/lib/gatehouse for
// root, whose own directories the server's user may not enter, and otherwise `gatehouse` in the
// user's data directory ($XDG_DATA_HOME, or ~/.local/share), after the XDG Base Directory
// Specification. FAILED_PRECONDITION for a user without a home directory.
absl::StatusOr<std::string> DefaultDataDir();

// Whether we are in a container, and what is written to `directory`, which need not be there yet,
// is gone with it: no volume is mounted there.
bool GoesWithContainer(const std::string& directory);

// Whether `directory`, which need not be there yet, is on a file system that is mounted read-only.
bool IsReadOnly(const std::string& directory);

}  // namespace gatehouse::process
