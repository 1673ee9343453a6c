#pragma once

#include <grpcpp/impl/service_type.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "libs/base/worker_pool.h"
#include "libs/rpc/dispatcher.h"

namespace gatehouse::rpc {

// Presents a dispatcher's methods as a gRPC service, without generated gRPC code: requests arrive
// as bytes, are parsed with the method's prototype and run on the worker pool, where a call is that
// of the tenant whose scope its request begins with. A call whose caller is gone is not started;
// one that the pool drops is answered UNAVAILABLE. Outlives its server.
class GrpcAdapter final : public grpc::Service {
 public:
  // `from_certificate`: the caller's name is its certificate's, else the one it states
  // (libs/rpc/security.h).
  GrpcAdapter(Dispatcher& dispatcher, WorkerPool& workers, bool from_certificate);
  ~GrpcAdapter() override;
  std::string service_name() const { return std::string(dispatcher_.info().full_name); }
  // From now on replies say that this replica is about to stop.
  void SayLeaving() { leaving_ = true; }
  // Ends every stream, and each later one, with UNAVAILABLE: the readers reconnect elsewhere.
  void EndStreams();

 private:
  class OpenStreams;

  grpc::ServerUnaryReactor* Unary(const MethodInfo& method, grpc::CallbackServerContext* context,
                                  const grpc::ByteBuffer* request, grpc::ByteBuffer* response);
  grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Streaming(
      const MethodInfo& method, grpc::CallbackServerContext* context);
  // The caller's context, or kCallerNotAllowed when it can't prove its identity.
  absl::StatusOr<CallContext> ContextOf(const grpc::CallbackServerContext& context) const;

  Dispatcher& dispatcher_;
  WorkerPool& workers_;
  const bool from_certificate_;
  std::vector<bool> begin_with_scope_;  // requests, by the method's index
  std::atomic<bool> leaving_ = false;
  const std::shared_ptr<OpenStreams> streams_;
};

}  // namespace gatehouse::rpc
