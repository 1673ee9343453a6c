#pragma once

// An asynchronous HTTP/1.1 server: keep-alive, pipelining with replies in order, limits on
// everything. TLS ends in front of it.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "libs/http/message.h"

namespace gatehouse::http {

// Gets the body of a request: bytes as sent, without transfer coding (see DecodeBody).
using BodyCallback = absl::AnyInvocable<void(std::string body)>;

// The destination of replies. The server's connections implement it; a test of a handler may.
class ReplySink {
 public:
  virtual ~ReplySink() = default;
  // Called at most once per id, from any thread. Must not throw.
  virtual void Reply(uint64_t id, Response response) = 0;
  // Responder::wanted.
  virtual bool Wanted() const = 0;
  // Responder::ReadBody.
  virtual void ReadBody(uint64_t id, std::string app, BodyCallback then) = 0;
};

// The right and the duty to answer one request, once, from any thread and at any time, also after
// the connection or the server is gone. If destroyed without an answer, it answers 500 `Internal
// Error`.
class Responder {
 public:
  Responder(std::shared_ptr<ReplySink> sink, uint64_t id) : sink_(std::move(sink)), id_(id) {}
  Responder(Responder&&) noexcept = default;
  Responder& operator=(Responder&& other) noexcept;
  ~Responder();

  // Asks for the request's body, once and before Send. `then` is called on an I/O thread, perhaps
  // within this call, when all of it has arrived; at once, with "", for a request without one. It
  // is dropped if the body does not arrive: then the server answers by itself, and Send does
  // nothing. `app`, any name, is the app that the memory counts for in BodyBudget's shares.
  void ReadBody(std::string app, BodyCallback then);
  void Send(Response response);
  // False once the reply can reach nobody: it was sent, or the connection was reset or timed out (a
  // client that has only ended its side still reads). Thread-safe, but not concurrently with Send.
  bool wanted() const { return sink_ != nullptr && sink_->Wanted(); }
  void operator()(Response response) { Send(std::move(response)); }

 private:
  std::shared_ptr<ReplySink> sink_;  // null once answered or moved from
  uint64_t id_;
};

class Handler {
 public:
  virtual ~Handler() = default;
  // Called on an I/O thread when a request's header has arrived, concurrently for different
  // connections: return soon, and answer later from another thread if the work blocks. Nothing of
  // the body is kept, and `Expect: 100-continue` is not answered, before the handler asks for it
  // with ReadBody: so a request that is not allowed is refused by its header alone. Pipelined
  // requests of one connection run concurrently only while all of them are GET or HEAD. An
  // exception counts as an unanswered request.
  virtual void Handle(Request request, Responder responder) = 0;
};

struct ServerOptions {
  // An address, `localhost` (loopback, IPv4 and, where there is one, IPv6), or a name.
  std::string host = "localhost";
  uint16_t port = 0;  // 0: any free port
  int threads = 2;
  // The request line and all fields; access tokens are sent in bodies, so this is ample.
  size_t max_header_bytes = 16 * 1024;
  size_t max_body_bytes = 10 * 1024 * 1024;  // the largest bulk import is a few MiB
  // All request bodies held at one time, so that many large uploads can't exhaust memory. A single
  // peer or app gets half of it at most.
  size_t max_total_body_bytes = 256 * 1024 * 1024;
  // A body of up to this size is not counted there, if no other request of its connection is in
  // flight.
  size_t free_body_bytes = 4 * 1024;
  int max_connections = 10'000;
  // Of one address, or of one IPv6 /64; this machine's own are not limited: a proxy on it acts for
  // all clients. A balancer or a server with an SDK is one peer, so this is ample.
  int max_connections_per_peer = 5'000;
  bool limit_this_machine = false;                   // for tests, which have no other peer
  size_t max_pipelined = 16;                         // requests of one connection in flight
  std::chrono::milliseconds header_timeout{10'000};  // first byte to end of header
  std::chrono::milliseconds body_timeout{30'000};    // end of header to end of body
  // A connection that has not sent anything yet gets `header_timeout` for its first byte. This
  // applies after a request: SDK connection pools keep connections for up to a minute and treat a
  // closed one as an error.
  std::chrono::milliseconds idle_timeout{75'000};
  std::chrono::milliseconds write_timeout{30'000};  // for a client that doesn't read its reply
  // How long to wait for the client's end of a connection that is closing, so that it can read the
  // last reply before a reset.
  std::chrono::milliseconds linger_timeout{2'000};
  // How long idle connections stay open when a drain stops accepting: a request that is already
  // under way is still answered.
  std::chrono::milliseconds drain_idle_grace{300};
};

// Owns the listening sockets, the I/O threads and the connections. Thread-safe.
class Server {
 public:
  // Binds and starts serving. `handler` must outlive the server. Errors: INVALID_ARGUMENT for a bad
  // host, UNAVAILABLE when the port can't be bound.
  static absl::StatusOr<std::unique_ptr<Server>> Create(const ServerOptions& options,
                                                        Handler* handler);
  ~Server();  // Stop()
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  uint16_t port() const;
  // Open connections.
  int connections() const;

  struct Stats {
    int connections;  // open
    int64_t refused;  // connections since the start, by a limit or for want of descriptors
  };
  // A function that returns them, even after the server is gone. Thread-safe.
  std::function<Stats()> StatsReader() const;

  // The limits max_connections and max_connections_per_peer, for connections from now on.
  void LimitConnections(int total, int per_peer);

  // For `accept_for`, continues as before, but with `Connection: close` in every reply, so that
  // clients and balancers move on by themselves. Then stops listening, answers what is in flight,
  // and closes connections as they become idle. Returns true when all were closed within `timeout`,
  // which counts from the call; the rest stay open until Stop. Blocks; not from an I/O thread.
  bool Drain(std::chrono::milliseconds timeout,
             std::chrono::milliseconds accept_for = std::chrono::milliseconds(0));
  // Closes everything at once and joins the threads. Idempotent; not from an I/O thread.
  void Stop();

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gatehouse::http
