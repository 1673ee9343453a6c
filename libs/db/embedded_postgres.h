#pragma once

// A private PostgreSQL server of our own.

#include <sys/types.h>

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/db/database.h"

namespace gatehouse::db {

struct EmbeddedPostgresOptions {
  // The server's files are <data_dir>/pg, its log <data_dir>/postgres.log. Created if missing.
  std::string data_dir;
  // Use a temporary directory instead, skip every write barrier, and remove everything at the end.
  bool ephemeral = false;
  // Where initdb and postgres are; empty: the newest in /usr/lib/postgresql, or those in PATH.
  // An existing data directory is served by the version that made it.
  std::string bin_dir;
  std::string database = "supertokens";  // created when missing
  int max_connections = 100;
  absl::Duration start_timeout = absl::Seconds(60);  // recovery after a crash takes a while
};

// Owns a server process that listens on a Unix socket only, in a directory that only its user may
// enter. Creates its data directory first if there is none. The server ends with us, even if we are
// killed; if the server dies, it is restarted. Thread-safe.
class EmbeddedPostgres {
 public:
  // Blocks until the server accepts statements. FAILED_PRECONDITION, with a text for the operator,
  // when PostgreSQL is not installed, the directory can't be used, or another process uses it.
  static absl::StatusOr<std::unique_ptr<EmbeddedPostgres>> Start(EmbeddedPostgresOptions options);
  ~EmbeddedPostgres();
  EmbeddedPostgres(const EmbeddedPostgres&) = delete;
  EmbeddedPostgres& operator=(const EmbeddedPostgres&) = delete;

  // Disconnects all clients and shuts down; forcibly after `timeout`. Idempotent.
  void Stop(absl::Duration timeout = absl::Seconds(10));

  // How to connect, as the server's superuser.
  DatabaseOptions database_options() const;
  // The directory of the Unix socket, for libpq's `host`.
  const std::string& socket_dir() const;
  // The server process; -1 while there is none.
  pid_t pid() const;

 private:
  class Server;
  explicit EmbeddedPostgres(std::unique_ptr<Server> server);

  std::unique_ptr<Server> server_;
};

}  // namespace gatehouse::db
