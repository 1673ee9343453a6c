#pragma once

// Private to libs/db.

#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/db/database.h"

namespace gatehouse::db {

// An idle connection over TCP is probed this often, so that a host that vanished silently is
// noticed before the connection is needed.
inline constexpr absl::Duration kProbeInterval = absl::Seconds(1);

// Options as a libpq connection string of key='value' pairs. Understands the URIs that the
// original takes: parameters that only its driver knows are dropped. Bad input when libpq can't
// read them; the message has no part of the input, which may hold a password.
absl::StatusOr<std::string> MakeConninfo(const DatabaseOptions& options);

}  // namespace gatehouse::db
