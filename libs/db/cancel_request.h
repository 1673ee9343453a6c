#pragma once

// Private to libs/db: asking a server to cancel a statement, without waiting for the server.

#include <sys/socket.h>

#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace gatehouse::db {

// What a server requires before it cancels the statement of one of its connections. A plain value.
struct CancelKey {
  sockaddr_storage address = {};
  socklen_t address_size = 0;  // 0: the key is not known
  int32_t pid = 0;
  int32_t secret = 0;

  // Of the server at the other end of `socket`.
  static CancelKey Of(int socket, int32_t pid, int32_t secret);
  bool known() const { return address_size != 0; }
};

// Sends cancel requests. PQcancel waits for the server, possibly for ever; here one thread of the
// process runs many requests at once, but only a few per server, so that a silent one can't block
// the others. Like libpq 15, it sends them in clear even if the connection is encrypted: all an
// eavesdropper can do with one is cancel statements of this one connection. Thread-safe. Never
// destroyed.
class Canceller {
 public:
  static Canceller& Get();

  // Never blocks. A request may get lost: when the server does not answer, and when too many are
  // already waiting for it. The caller cuts the connection afterwards.
  void Send(const CancelKey& key);

 private:
  struct Request {
    CancelKey key;
    std::string server;
    absl::Time give_up;
    int socket = -1;
    bool sent = false;
  };

  Canceller();
  void Run();
  void Begin(absl::Time now);
  static bool Connect(Request& request);
  static bool Step(Request& request, short events);

  const int wake_fd_;
  std::mutex mutex_;
  std::deque<Request> arriving_;
  // Used by the thread only.
  std::map<std::string, std::deque<Request>> waiting_;  // by server
  std::vector<Request> running_;
};

}  // namespace gatehouse::db
