#pragma once

// Private to libs/db: no password in clear text over an unencrypted connection.

#include <libpq-fe.h>

#include <cstddef>
#include <string>

#include "absl/status/status.h"

namespace gatehouse::db {

// A PostgreSQL server chooses how the client proves the password, and may choose clear text. libpq
// can refuse that (require_auth) from version 16 on; earlier versions send the password to any
// server that asks. So while a connection is made that is neither encrypted nor local, this sits
// between libpq and the server: libpq's descriptor leads to a pair of sockets instead, and each
// message of the server is passed on only once it is complete and known not to request clear text.
// After authentication the descriptor leads to the server again. For one thread; used around
// PQconnectPoll.
class PasswordGuard {
 public:
  // `connection` outlives this. Does nothing with `allow_clear_text`, or without a password.
  PasswordGuard(PGconn* connection, bool allow_clear_text);
  ~PasswordGuard();
  PasswordGuard(const PasswordGuard&) = delete;
  PasswordGuard& operator=(const PasswordGuard&) = delete;

  // After each PQconnectPoll that wants to continue: starts or ends guarding, depending on how far
  // the connection has come, and passes on what libpq has written.
  absl::Status AfterPoll();
  // What to wait for, for reading, instead of PQsocket; -1: PQsocket.
  int server_fd() const { return server_fd_; }
  // When server_fd() is readable: passes on complete messages. PermissionDenied when the server
  // asks for clear text: give the connection up.
  absl::Status PassOn();
  // Whether libpq has not read all that was passed on: poll it again, without waiting.
  bool HasUnread() const;

 private:
  bool IsNeeded() const;
  absl::Status Start();
  // Ends it; the descriptor of libpq leads to the server again.
  absl::Status HandBack();
  void Drop();
  absl::Status CheckMessages(size_t& whole);
  absl::Status Send(int fd, const char* data, size_t size);
  absl::Status FromLibpq();

  PGconn* const connection_;
  const bool off_;
  int server_fd_ = -1;
  int near_fd_ = -1;      // our end of the pair
  std::string received_;  // from the server, not passed on yet
  bool authenticated_ = false;
};

}  // namespace gatehouse::db
