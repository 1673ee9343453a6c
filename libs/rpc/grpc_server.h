#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/base/worker_pool.h"
#include "libs/rpc/dispatcher.h"
#include "libs/rpc/security.h"

namespace gatehouse::rpc {

// Offers services over gRPC, with the standard health service and reflection. Calls run on the
// worker pool (methods that never block: on the transport's thread); a full pool answers
// kOverloaded. Thread-safe.
class GrpcServer {
 public:
  struct Served {
    Dispatcher* dispatcher;
    WorkerPool* workers;
  };

  // How long a connection takes new calls, give or take a tenth.
  static constexpr absl::Duration kMaxConnectionAge = absl::Minutes(5);

  // Listens on every address ("host:port", port 0 for any free one, or "unix:/path"). BAD_INPUT
  // when a TCP address would be opened without certificate or secret.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(
      const std::vector<std::string>& addresses, const TransportSecurity& security,
      std::vector<Served> services, absl::Duration max_connection_age = kMaxConnectionAge);
  ~GrpcServer();  // Drains, without giving running calls time

  // The port of the first TCP address; 0 when there is none.
  int port() const;
  // Sets the answer of the health service.
  void SetServing(bool serving);
  // From now on each reply says that this process is about to stop: callers look up its name again
  // and turn to other replicas. Calls are still taken.
  void SayLeaving();
  // Reports to peers that it is not serving, ends all streams, and gives peers a moment to send
  // their calls elsewhere. Then it refuses new calls, and waits for running ones: until the
  // deadline, then it cancels them and waits for their handlers to notice.
  void Drain(absl::Time deadline);

 private:
  struct Impl;
  explicit GrpcServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace gatehouse::rpc
