#pragma once

#include <stop_token>
#include <string>

#include "libs/db/database.h"

namespace gatehouse::db {

enum class ServerState {
  kUp,
  // It can't be reached, its name is not known, it starts, stops, recovers or has no connection to
  // spare: trying again may help.
  kNotYet,
  // It refuses us: the password, the role or the database is wrong, encryption is required, or a
  // setting makes all that we do read-only.
  kRefuses,
};

struct ServerAnswer {
  ServerState state;
  std::string cause;  // in the driver's or the server's words, for the log; empty when it is up
};

// Connects once, as `options` say, and disconnects. Returns within the connect_timeout of each
// host, and at once when a stop is requested.
ServerAnswer ProbeServer(const DatabaseOptions& options, const std::stop_token& stop);

}  // namespace gatehouse::db
