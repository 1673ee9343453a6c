#pragma once

// Private to libs/db: one connection to the server.

#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/db/result.h"
#include "libs/db/statement.h"
#include "libs/db/table_names.h"

namespace gatehouse::db {

// Connects, runs statements one at a time. One thread at a time.
class Connection {
 public:
  // `conninfo`: from MakeConninfo. Blocks for as long as its connect_timeout.
  static absl::StatusOr<std::unique_ptr<Connection>> Open(const std::string& conninfo,
                                                          absl::Duration statement_timeout);
  ~Connection();

  // Runs a prepared statement, preparing it first where this connection has not.
  absl::StatusOr<Result> Run(absl::Time deadline, const Statement& statement,
                             const TableNames& names, const Params& params);
  // Runs SQL text by the simple protocol.
  absl::Status RunText(absl::Time deadline, const std::string& sql);

  // False when the server has closed the connection, or has said something unasked (which it does
  // before it closes). Costs no round trip.
  bool LooksAlive() const;
  // False once the connection must not be used again.
  bool usable() const { return usable_; }
  void Spoil() { usable_ = false; }
  // Waits for the server since the connection was made.
  int64_t round_trips() const { return round_trips_; }

 private:
  struct Driver;
  explicit Connection(std::shared_ptr<Driver> driver);
  absl::Status StatusOf(const std::exception& error);
  template <typename Call>
  absl::Status Guarded(absl::Time deadline, Call call);

  const std::shared_ptr<Driver> driver_;
  bool usable_ = true;
  int64_t round_trips_ = 0;
};

}  // namespace gatehouse::db
