#pragma once

// Internal to libs/http: accepts new connections and hands them to the loops.

#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "libs/http/event_loop.h"

namespace gatehouse::http {

// Bind and Start once, from any thread, before the loops run; then everything on the first loop's
// thread. Outlives the loops' threads.
class Acceptor {
 public:
  explicit Acceptor(const std::vector<std::shared_ptr<EventLoop>>& loops);
  ~Acceptor();

  // Errors: INVALID_ARGUMENT for a bad host, UNAVAILABLE when the port can't be bound.
  absl::Status Bind();
  void Start();
  // Stops listening. Clients in the backlog have connected: they are served as well.
  void Stop();

  uint16_t port() const { return port_; }

 private:
  Awaitable<void> AcceptForever(AcceptorSocket& acceptor);
  void Accepted(Socket socket, const std::shared_ptr<EventLoop>& loop);
  // No descriptor is left: answers one client of the backlog with the spare one.
  void RefuseWithSpare(AcceptorSocket& acceptor);
  void OpenSpare();
  const std::shared_ptr<EventLoop>& NextLoop() { return loops_[next_loop_++ % loops_.size()]; }

  const std::vector<std::shared_ptr<EventLoop>>& loops_;
  Shared& shared_;
  std::vector<AcceptorSocket> acceptors_;
  size_t next_loop_ = 0;
  bool accepting_ = true;
  uint16_t port_ = 0;
  int spare_ = -1;  // a descriptor kept for RefuseWithSpare
};

}  // namespace gatehouse::http
