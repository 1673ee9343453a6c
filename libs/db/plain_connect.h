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
// for the log, when the settings can't work: no password where one is asked for, or one that is
// asked for in clear text (PasswordGuard), no encryption where it is required.
absl::StatusOr<PgConnPtr> PlainConnect(const std::string& conninfo, bool allow_clear_text_password,
                                       int wake_fd);

}  // namespace gatehouse::db
