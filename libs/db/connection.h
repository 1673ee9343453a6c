#pragma once

// Private to libs/db: one connection to the server.

#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/db/database.h"
#include "libs/db/result.h"
#include "libs/db/statement.h"
#include "libs/db/table_names.h"

namespace gatehouse::db {

struct ConnectLimits;

// A session of the server's, told from a later one of the same process id by when it began.
struct ServerSession {
  int pid = 0;
  int64_t started_us = 0;  // since 1970, by the server's clock
};

// Connects, runs statements one at a time. One thread at a time. The options outlive it.
class Connection {
 public:
  // `conninfo`: from MakeConninfo(options). Blocks no longer than `limits` say, and once more their
  // silence for the first statement.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const std::string& conninfo,
                                                          const DatabaseOptions& options,
                                                          const ConnectLimits& limits);
  ~Connection();

  // Runs a prepared statement, preparing it first where this connection has not.
  absl::StatusOr<Result> Run(absl::Time deadline, const Statement& statement, const Params& params);
  // Runs SQL text, with placeholders as in Statement, by the simple protocol.
  absl::Status RunText(absl::Time deadline, std::string_view sql);
  // BEGIN, with what the transaction needs where the session has no settings of its own.
  absl::Status Begin(absl::Time deadline, Isolation isolation);

  // LISTEN. The connection runs no more statements, and Deliver calls `callback` with payloads.
  absl::Status Listen(absl::Time deadline, const std::string& channel,
                      std::function<void(const std::string&)> callback);
  // Delivers what has arrived; waits for nothing. An error once the connection is lost.
  absl::Status Deliver();
  // Can be read when there is something to deliver.
  int socket() const;

  // False when the server has closed the connection, or has said something unasked (which it does
  // before it closes), or when its host does not answer to a probe. Costs no round trip.
  bool LooksAlive() const;
  // False once the connection must not be used again.
  bool usable() const { return usable_; }
  // True once the server could not be reached over it: others to the same server may be dead too.
  bool lost() const { return lost_; }
  // Whether a pooler gives each transaction a session of the server, any session: then nothing that
  // belongs to a session holds from one to the next. See DatabaseOptions::sessions.
  bool shares_sessions() const { return shares_sessions_; }
  void Spoil() { usable_ = false; }
  // The server's end; none where a pooler is between.
  const std::optional<ServerSession>& session() const { return session_; }
  // Ends those of the sessions that are still there, whatever they do. They must be of our role.
  absl::Status EndSessions(absl::Time deadline, const std::vector<ServerSession>& sessions);
  // Waits for the server since the connection was made.
  int64_t round_trips() const { return round_trips_; }

 private:
  struct Driver;
  Connection(std::unique_ptr<Driver> driver, const DatabaseOptions& options);
  absl::Status SetUp(absl::Time deadline);
  absl::Status StatusOf(const std::exception& error);
  template <typename Call>
  absl::Status Guarded(absl::Time deadline, Call call);

  const std::unique_ptr<Driver> driver_;
  const DatabaseOptions& options_;
  Placement placement_;
  bool shares_sessions_ = false;
  std::optional<ServerSession> session_;
  bool usable_ = true;
  bool lost_ = false;
  int64_t round_trips_ = 0;
};

}  // namespace gatehouse::db
