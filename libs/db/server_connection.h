#pragma once

// Private to libs/db: connecting to a server within given limits.

#include <string>

#include <pqxx/connection_base.hxx>
#include <pqxx/connectionpolicy.hxx>

#include "absl/time/time.h"
#include "libs/db/cancel_request.h"

namespace gatehouse::db {

// How long connecting may take.
struct ConnectLimits {
  absl::Duration silence;  // between two answers of the server
  absl::Duration total;    // for all addresses of a name; the look-up of the name comes on top
  int stop_fd = -1;        // connecting ends as soon as this is readable
  // Whether the server may ask for the password in clear text without encryption (PasswordGuard).
  bool allow_clear_text_password = false;
};

// libpqxx's own connections are made by PQconnectdb, which waits for seconds for a server that is
// down, whatever the caller's deadline. This one is made step by step, within limits.
class ServerConnection final : public pqxx::connection_base {
 public:
  // `conninfo`: from MakeConninfo. Throws pqxx::broken_connection, with the SQLSTATE in its text if
  // the server sent one.
  ServerConnection(const std::string& conninfo, const ConnectLimits& limits);
  ~ServerConnection() noexcept { close(); }

  const CancelKey& cancel_key() const { return policy_.key; }

 private:
  class Policy final : public pqxx::connectionpolicy {
   public:
    Policy(const std::string& conninfo, const ConnectLimits& connect_limits)
        : connectionpolicy(conninfo), limits(connect_limits) {}
    handle do_startconnect(handle orig) override;
    handle do_completeconnect(handle orig) override { return orig; }

    const ConnectLimits limits;
    CancelKey key;
  };

  Policy policy_;
};

}  // namespace gatehouse::db
