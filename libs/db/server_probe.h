#pragma once

#include <stop_token>
#include <string>

#include "libs/db/database.h"

namespace gatehouse::db {

enum class ServerState {
  kUp,
  // It can't be reached, its name is unknown, or it is starting, stopping, recovering or out of
  // connections: trying again may help.
  kNotYet,
  // It refuses us: the password, the role or the database is wrong, encryption is required, or a
  // setting makes our sessions read-only.
  kRefuses,
};

struct ServerAnswer {
  ServerState state;
  std::string cause;  // the driver's or the server's message, for the log; empty when it is up
};

// Connects once, according to `options`, and disconnects. Returns within the connect_timeout of
// each host, and at once when a stop is requested.
ServerAnswer ProbeServer(const DatabaseOptions& options, const std::stop_token& stop);

}  // namespace gatehouse::db
