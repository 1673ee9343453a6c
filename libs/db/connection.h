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

// A session of the server. Its start time distinguishes it from a later one of the same process id.
struct ServerSession {
  int pid = 0;
  int64_t started_us = 0;  // since 1970, by the server's clock
};

// Connects, runs statements one at a time. For one thread at a time. The options must outlive it.
class Connection {
 public:
  // `conninfo`: from MakeConninfo(options). Blocks no longer than `limits` allow, plus their
  // `silence` once more for the first statement.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const std::string& conninfo,
                                                          const DatabaseOptions& options,
                                                          const ConnectLimits& limits);
  ~Connection();

  // Runs a prepared statement, preparing it first if this connection has not done so.
  absl::StatusOr<Result> Run(absl::Time deadline, const Statement& statement, const Params& params);
  // Runs SQL text, with placeholders as in Statement, over the simple query protocol.
  absl::Status RunText(absl::Time deadline, std::string_view sql);
  // BEGIN, with the settings that the transaction needs if the session has none of ours.
  absl::Status Begin(absl::Time deadline, Isolation isolation);

  // LISTEN. The connection runs no more statements, and Deliver calls `callback` with payloads.
  absl::Status Listen(absl::Time deadline, const std::string& channel,
                      std::function<void(const std::string&)> callback);
  // Delivers what has arrived, without waiting. An error once the connection is lost.
  absl::Status Deliver();
  // Readable when there is something to deliver.
  int socket() const;

  // False when the server has closed the connection or sent something unsolicited (which it does
  // before it closes), or when its host does not answer a probe. Costs no round trip.
  bool LooksAlive() const;
  // False once the connection must not be used again.
  bool usable() const { return usable_; }
  // True once the server could not be reached over it: other connections to it may be dead too.
  bool lost() const { return lost_; }
  // Whether a pooler gives each transaction an arbitrary session of the server: then session state
  // does not last from one transaction to the next. See DatabaseOptions::sessions.
  bool shares_sessions() const { return shares_sessions_; }
  void Spoil() { usable_ = false; }
  // The session at the server's end; none behind a pooler.
  const std::optional<ServerSession>& session() const { return session_; }
  // Ends those of the sessions that still exist, whatever they are doing. They must be of our role.
  absl::Status EndSessions(absl::Time deadline, const std::vector<ServerSession>& sessions);
  // How often this connection has waited for the server.
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
