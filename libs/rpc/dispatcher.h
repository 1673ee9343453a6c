#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "libs/rpc/policy.h"
#include "libs/rpc/service.h"

namespace gatehouse::rpc {

// A finished call, for metrics.
struct CallRecord {
  const MethodInfo* method;
  const CallContext* context;
  const absl::Status* status;
  absl::Duration duration;
};
using CallObserver = std::function<void(const CallRecord&)>;

// The one wrapper around every handler, in whichever process it runs: policy, deadline, exceptions,
// the log of its faults, observation. Thread-safe.
class Dispatcher {
 public:
  // Fails when a policy row names no method of the service. `handler` must outlive the dispatcher.
  static absl::StatusOr<std::unique_ptr<Dispatcher>> Create(ServiceHandler& handler,
                                                            const Policy& policy,
                                                            CallObserver observer = nullptr);

  // Runs a method for `context.caller`. Refused with kCallerNotAllowed without a policy row, and
  // with kDeadlineExceeded when the deadline has passed. A handler's exception becomes kInternal.
  absl::Status Dispatch(const MethodInfo& method, CallContext& context,
                        const google::protobuf::Message& request,
                        google::protobuf::Message* response);
  absl::Status DispatchStream(const MethodInfo& method, CallContext& context,
                              const google::protobuf::Message& request,
                              std::shared_ptr<StreamSink> sink);

  // Whether `context.caller` may call the method now; Dispatch and DispatchStream check too.
  bool Allows(const MethodInfo& method, const CallContext& context) const {
    return Check(method, context).ok();
  }
  const ServiceInfo& info() const { return handler_.info(); }
  bool NeverBlocks(const MethodInfo& method) const;

 private:
  struct Rule {
    std::vector<std::string> callers;
    bool never_blocks = false;
  };

  explicit Dispatcher(ServiceHandler& handler) : handler_(handler) {}
  absl::Status Check(const MethodInfo& method, const CallContext& context) const;
  template <typename Body>
  absl::Status Run(const MethodInfo& method, CallContext& context, Body body);

  ServiceHandler& handler_;
  std::vector<Rule> rules_;  // by method index
  CallObserver observer_;
};

// Calls the services of one component in this process, on the caller's thread, as `caller`.
std::unique_ptr<Channel> MakeLocalChannel(std::span<Dispatcher* const> dispatchers,
                                          std::string caller);

}  // namespace gatehouse::rpc
