#pragma once

// The building blocks of every service and client, in whichever process they run.
//
// protoc-gen-gatehouse (protos/plugin) turns each `service` of a .proto into
//   class FooService          the typed interface: implemented by the service, held by callers
//   class FooServiceHandler   binds an implementation to its methods, for a Dispatcher
//   class FooServiceClient    the same interface, calling through a Channel
// so that nobody writes a client by hand and a caller can't tell a local service from a remote one.

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "libs/base/call_context.h"

namespace google::protobuf {
class Message;
}

namespace gatehouse::rpc {

using gatehouse::CallContext;

struct MethodInfo {
  std::string_view name;       // "CreateSession"
  std::string_view full_path;  // "/gatehouse.session.v1.SessionService/CreateSession"
  int index;                   // place in ServiceInfo::methods
  bool streaming;              // both ways; else one request, one reply
  const google::protobuf::Message* (*request_prototype)();
  const google::protobuf::Message* (*response_prototype)();
};

struct ServiceInfo {
  std::string_view full_name;  // "gatehouse.session.v1.SessionService"
  std::span<const MethodInfo> methods;
};

// Answers a message of a stream with a further request, over that very stream. Only while
// OnMessage runs.
using StreamAnswer = std::function<void(const google::protobuf::Message& request)>;
using OnMessage =
    std::function<void(const google::protobuf::Message& message, const StreamAnswer& answer)>;

// The service's end of a stream. Implementations are thread-safe. When the service drops the last
// pointer to it, a remote caller's stream ends, and starts again, perhaps with another replica; one
// in this process gets no further messages.
class StreamSink {
 public:
  virtual ~StreamSink() = default;
  // `on_request` gets the caller's further requests, one at a time, until the stream ends. It must
  // not block. To be called before the first Send: what comes earlier is dropped.
  virtual void OnRequest(std::function<void(const google::protobuf::Message&)> on_request) = 0;
  // Queues a message; false when the receiver is gone: the producer then drops the sink.
  virtual bool Send(const google::protobuf::Message& message) = 0;
};

// StreamSink with the stream's message types.
template <typename Request, typename Response>
class Stream {
 public:
  explicit Stream(std::shared_ptr<StreamSink> sink) : sink_(std::move(sink)) {}
  void OnRequest(std::function<void(const Request&)> on_request) {
    sink_->OnRequest(
        [on_request = std::move(on_request)](const google::protobuf::Message& request) {
          on_request(static_cast<const Request&>(request));
        });
  }
  bool Send(const Response& response) { return sink_->Send(response); }

 private:
  std::shared_ptr<StreamSink> sink_;
};

// A service implementation without its types. Generated code implements it. As thread-safe as the
// implementation: services are called from many threads.
class ServiceHandler {
 public:
  virtual ~ServiceHandler() = default;
  virtual const ServiceInfo& info() const = 0;
  // `request` and `response` have the method's types.
  virtual absl::Status Invoke(int method, CallContext& context,
                              const google::protobuf::Message& request,
                              google::protobuf::Message* response) = 0;
  // For streaming methods, with the stream's first request: keeps `sink` and sends to it until Send
  // returns false.
  virtual absl::Status Subscribe(int method, CallContext& context,
                                 const google::protobuf::Message& request,
                                 std::shared_ptr<StreamSink> sink) = 0;
};

// Ends its subscription when destroyed; no callback runs after the destructor returns.
class Subscription {
 public:
  virtual ~Subscription() = default;
};

// Leads to a service, in this process (LocalChannel) or over gRPC (MakeGrpcChannel). Thread-safe.
class Channel {
 public:
  virtual ~Channel() = default;
  // Calls and waits for the reply. Statuses keep their ErrorReason across processes.
  virtual absl::Status Call(const MethodInfo& method, const CallContext& context,
                            const google::protobuf::Message& request,
                            google::protobuf::Message* response) = 0;
  // Starts a stream with its first request: `on_message` for each message, in order, one at a time.
  // A remote channel starts the stream again after a break, so a producer sends its state first.
  virtual std::unique_ptr<Subscription> Subscribe(const MethodInfo& method,
                                                  const CallContext& context,
                                                  const google::protobuf::Message& request,
                                                  OnMessage on_message) = 0;
  // True when a call runs on the caller's own thread: then a method that never blocks may be
  // called from an I/O thread.
  virtual bool local() const = 0;
};

}  // namespace gatehouse::rpc
