#pragma once

#include "absl/status/statusor.h"
#include "libs/porting/bulk_api.h"
#include "libs/porting/entries.h"

namespace gatehouse::porting {

// Prints a line for each thing that would keep a user from being imported: what the file lacks,
// what the server's own checks say, users that exist already, and users that are twice in the
// file. Texts have no values of users. Returns the exit status.
absl::StatusOr<int> DryRun(Entries& entries, BulkApi& api);

}  // namespace gatehouse::porting
