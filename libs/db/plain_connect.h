#pragma once

// Private to libs/db: a connection of the C library, made in a way that can be given up. For what
// must end at once when it is asked to; statements of requests go through Connection.

#include <libpq-fe.h>

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace gatehouse::db {

struct PgConnDeleter {
  void operator()(PGconn* connection) const { PQfinish(connection); }
};
using PgConnPtr = std::unique_ptr<PGconn, PgConnDeleter>;

// Connects to the first of `conninfo`'s hosts that takes it, waiting for each as long as its
// connect_timeout says. CANCELLED as soon as `wake_fd` is readable. Else what the server said, with
// its SQLSTATE (SqlStateOf); kDependencyDown when it said nothing; or kBadInput, with the reason
// for the log, when the settings can't work: no password where one is asked for, no encryption
// where it is required.
absl::StatusOr<PgConnPtr> PlainConnect(const std::string& conninfo, int wake_fd);

}  // namespace gatehouse::db
