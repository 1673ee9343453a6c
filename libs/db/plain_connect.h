#pragma once

// Private to libs/db: a connection of the C library whose creation can be aborted. For code that
// must end at once when asked to; statements of requests go through Connection.

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

// Connects to the first of `conninfo`'s hosts that accepts, waiting for each as long as its
// connect_timeout allows. CANCELLED as soon as `wake_fd` is readable. Otherwise the server's error,
// with its SQLSTATE (SqlStateOf); kDependencyDown when it sent nothing; or kBadInput, with the
// reason for the log, when the settings can't work: no password although one is required, a
// password requested in clear text (PasswordGuard), no encryption although it is required.
absl::StatusOr<PgConnPtr> PlainConnect(const std::string& conninfo, bool allow_clear_text_password,
                                       int wake_fd);

}  // namespace gatehouse::db
