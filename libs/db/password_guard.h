#pragma once

// Private to libs/db: no password in clear text over an unencrypted connection.

#include <libpq-fe.h>

#include <cstddef>
#include <string>

#include "absl/status/status.h"

namespace gatehouse::db {

// A PostgreSQL server chooses how it is shown the password, and may choose clear text. libpq has a
// setting against that (require_auth) from version 16 on; before, it sends the password to whoever
// asks. So while a connection is made that is neither encrypted nor local, this stands between
// libpq and the server: libpq's descriptor leads to a pair of sockets instead, and each message of
// the server is passed on only once it is whole and seen to be no request for clear text. After
// authentication the descriptor leads to the server again. One thread; used around PQconnectPoll.
class PasswordGuard {
 public:
  // `connection` outlives this. Does nothing with `allow_clear_text`, or without a password.
  PasswordGuard(PGconn* connection, bool allow_clear_text);
  ~PasswordGuard();
  PasswordGuard(const PasswordGuard&) = delete;
  PasswordGuard& operator=(const PasswordGuard&) = delete;

  // After each PQconnectPoll that wants to go on: starts or ends where the connection has come to,
  // and passes on what libpq has written.
  absl::Status AfterPoll();
  // What to wait for, for reading, instead of PQsocket; -1: PQsocket.
  int server_fd() const { return server_fd_; }
  // When it can be read: passes on what is whole. PermissionDenied when the server asks for clear
  // text: the connection is to be given up.
  absl::Status PassOn();
  // Whether libpq has left something of what was passed on: it is to be polled again, without waiting.
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
  std::string received_;  // of the server, not passed on yet
  bool authenticated_ = false;
};

}  // namespace gatehouse::db
