#pragma once

// Access to one PostgreSQL database: a pool of connections, statements with deadlines,
// transactions with bounded retries, and notifications.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/db/errors.h"
#include "libs/db/result.h"
#include "libs/db/statement.h"
#include "libs/db/table_names.h"

namespace gatehouse::db {

// Where a database is and how it is used.
struct DatabaseOptions {
  // postgresql://user:password@host:port/dbname?param=value, or key=value pairs. Its parts override
  // the fields below, as in the original.
  std::string conninfo;
  std::string host;  // a name, an address, or the directory of a Unix socket
  int port = 0;      // 0: the driver's default
  std::string user;
  std::string password;
  // An empty password means none: the operator's PGPASSWORD is not for this server.
  bool ignore_environment_password = false;
  // Whether a server on the network may ask for the password in clear text without encryption.
  bool allow_clear_text_password = false;
  std::string dbname;

  TableNames tables;
  std::string application_name = "gatehouse";  // as pg_stat_activity shows it
  int pool_size = 10;  // all connections, the original's default
  int min_idle = 0;                            // kept open although idle
  int max_waiting = 1000;  // callers beyond this are refused with kOverloaded at once
  absl::Duration connect_timeout = absl::Seconds(5);  // the original's
  // A server that is silent for this long while a connection is made counts as down. Longer than a
  // retransmission takes (1 s), and short enough for a recovery within 2 s.
  absl::Duration connect_silence = absl::Milliseconds(1500);
  absl::Duration idle_timeout = absl::Seconds(60);    // the original's
  // Whether a connection has a session of the server to itself. A pooler such as PgBouncer in
  // transaction mode gives each transaction any session; then statements are not prepared by name,
  // nothing is set for a session, and Listen does not listen. Detected when connecting.
  enum class Sessions { kDetect, kOwn, kShared };
  Sessions sessions = Sessions::kDetect;
  // The server's own limit for a statement, should a cancel request get lost.
  absl::Duration default_statement_timeout = absl::Seconds(60);
};

enum class Isolation { kReadCommitted, kRepeatableRead };

class Lease;
struct Counters;

// An open transaction; lives in Database::Transact. For one thread.
class Transaction {
 public:
  // As Database::Execute. After an error the transaction can only be rolled back.
  absl::StatusOr<Result> Execute(const Statement& statement, const Params& params = {});

  // As Database::ExecuteScript, within this transaction and with the session's own limits.
  absl::Status ExecuteScript(std::string_view sql);

  absl::Time deadline() const { return deadline_; }
  // 1 in the first run of the body, 2 in its first repetition.
  int attempt() const { return attempt_; }

 private:
  friend class Database;
  Transaction(Lease& lease, Counters& counters, absl::Time deadline, int attempt)
      : lease_(lease), counters_(counters), deadline_(deadline), attempt_(attempt) {}

  Lease& lease_;
  Counters& counters_;
  const absl::Time deadline_;
  const int attempt_;
  absl::Status failure_;  // the first statement error: PostgreSQL would roll back at COMMIT
};

// What LISTEN delivers. `resynchronise` marks that the connection was (re)made and messages may
// have been missed: read the whole state again. It comes once at the start too.
struct Notification {
  std::string channel;
  std::string payload;
  bool resynchronise = false;
};

// Ends its subscription when destroyed (waits for a running callback).
class Subscription {
 public:
  virtual ~Subscription() = default;
};

// Counters since start, and gauges. See Database::stats.
struct DatabaseStats {
  int in_use = 0;
  int idle = 0;
  int waiting = 0;
  int64_t statements = 0;   // those of callers; not BEGIN, COMMIT, ROLLBACK, or preparing
  int64_t round_trips = 0;  // everything that waited for the server, except connecting
  int64_t connects = 0;
  int64_t connect_failures = 0;
  int64_t wait_timeouts = 0;       // no connection became free in time
  int64_t statement_timeouts = 0;  // calls whose deadline passed, waiting or running
  int64_t refused = 0;             // the queue was full
  int64_t retries = 0;             // transactions run again
};

// Statements of the calling thread, over all databases, since the thread began.
struct ThreadStatementCounts {
  int64_t statements = 0;
  int64_t round_trips = 0;
};
ThreadStatementCounts ThreadStatements();

// One database. Thread-safe. Connects when first used, so a server that is down is not an error
// of Create. A lost connection is replaced automatically. Destroy it when no call is running.
//
// A thread holds at most one connection: calling any Database from inside a Transact body is
// refused with kInternal, since it could deadlock the pool.
class Database {
 public:
  // Bad input when the options are not valid.
  static absl::StatusOr<std::unique_ptr<Database>> Create(DatabaseOptions options);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  // Runs one statement in a transaction of its own: one round trip. Waits for a connection and
  // the server at most until `deadline`. Errors: errors.h. Deadlocks and serialization failures
  // are retried; other statements that may have run are not.
  absl::StatusOr<Result> Execute(absl::Time deadline, const Statement& statement,
                                 const Params& params = {});

  // Runs `body` between BEGIN and COMMIT; any error it returns rolls back. Runs it again, within
  // the deadline, on SQLSTATE 40001 and 40P01 and on RetryTransaction(): so `body` must have no
  // side effects besides its statements. When the connection is lost at COMMIT the outcome is
  // unknown, and the status is kDependencyDown.
  absl::Status Transact(absl::Time deadline, Isolation isolation,
                        absl::FunctionRef<absl::Status(Transaction&)> body);
  absl::Status Transact(absl::Time deadline, absl::FunctionRef<absl::Status(Transaction&)> body) {
    return Transact(deadline, Isolation::kReadCommitted, body);
  }

  // Runs SQL text of any number of statements, in one implicit transaction unless it has its own,
  // with no limit but the deadline. Placeholders as in Statement. For migrations, not for values.
  // Its connection is closed afterwards.
  absl::Status ExecuteScript(absl::Time deadline, std::string_view sql);

  // Subscribes on a connection, which counts towards the pool's size and is reopened when lost.
  // `callback` runs on a thread of the subscription, one at a time. `channel` is a plain
  // identifier. If the pool has only one connection, and behind a pooler that shares sessions,
  // nothing is delivered, and `resynchronise` comes every 10 s instead.
  absl::StatusOr<std::unique_ptr<Subscription>> Listen(
      std::string channel, std::function<void(const Notification&)> callback);
  // Sends to all listeners, this process included. `payload` < 8000 bytes.
  absl::Status Notify(absl::Time deadline, std::string_view channel, std::string_view payload);

  // Whether a statement can run, for readiness. Uses the pool like any call.
  absl::Status Ping(absl::Time deadline);

  const TableNames& tables() const;
  const DatabaseOptions& options() const;
  DatabaseStats stats() const;
  int64_t statements_executed() const { return stats().statements; }
  // Closes every idle connection now, for example before the database is dropped or moved.
  void CloseIdle();
  // Keeps no idle connection from now on: no further use is expected.
  void Retire();

 private:
  struct Impl;
  explicit Database(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace gatehouse::db
