#include "libs/rpc/dispatcher.h"

#include <algorithm>
#include <exception>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/message.h"
#include "libs/base/may_block.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/telemetry/fault.h"

namespace gatehouse::rpc {

absl::StatusOr<std::unique_ptr<Dispatcher>> Dispatcher::Create(ServiceHandler& handler,
                                                               const Policy& policy,
                                                               CallObserver observer) {
  auto dispatcher = std::unique_ptr<Dispatcher>(new Dispatcher(handler));
  const ServiceInfo& info = handler.info();
  dispatcher->rules_.resize(info.methods.size());
  for (const PolicyRow& row : policy) {
    auto method = std::find_if(info.methods.begin(), info.methods.end(),
                               [&](const MethodInfo& m) { return m.name == row.method; });
    if (method == info.methods.end()) {
      return absl::InternalError(absl::StrCat("policy row for an unknown method: ",
                                              std::string(row.method)));
    }
    Rule& rule = dispatcher->rules_[method->index];
    rule.callers.assign(row.callers.begin(), row.callers.end());
    rule.never_blocks = row.never_blocks;
  }
  dispatcher->observer_ = std::move(observer);
  return dispatcher;
}

bool Dispatcher::NeverBlocks(const MethodInfo& method) const {
  return rules_[method.index].never_blocks;
}

absl::Status Dispatcher::Check(const MethodInfo& method, const CallContext& context) const {
  const Rule& rule = rules_[method.index];
  if (std::find(rule.callers.begin(), rule.callers.end(), context.caller) == rule.callers.end()) {
    return MakeError(ErrorReason::kCallerNotAllowed, "this caller may not call this method");
  }
  if (SteadyNow() >= context.deadline) {
    return MakeError(ErrorReason::kDeadlineExceeded, "the request's time ran out");
  }
  return absl::OkStatus();
}

template <typename Body>
absl::Status Dispatcher::Run(const MethodInfo& method, CallContext& context, Body body) {
  const absl::Time start = SteadyNow();
  const CallScope scope(context);
  absl::Status status = Check(method, context);
  if (status.ok()) {
    try {
      status = body();
    } catch (const std::exception& e) {
      status = absl::InternalError(absl::StrCat("exception in ", std::string(method.name), ": ",
                                                e.what()));
    } catch (...) {
      status = absl::InternalError(absl::StrCat("exception in ", std::string(method.name)));
    }
  }
  if (IsWouldBlock(status)) return status;
  telemetry::LogFaultOnce(status, "call_failed", method.full_path);
  if (observer_) observer_({&method, &context, &status, SteadyNow() - start});
  return status;
}

absl::Status Dispatcher::Dispatch(const MethodInfo& method, CallContext& context,
                                  const google::protobuf::Message& request,
                                  google::protobuf::Message* response) {
  return Run(method, context,
             [&] { return handler_.Invoke(method.index, context, request, response); });
}

absl::Status Dispatcher::DispatchStream(const MethodInfo& method, CallContext& context,
                                        const google::protobuf::Message& request,
                                        std::shared_ptr<StreamSink> sink) {
  return Run(method, context, [&] {
    return handler_.Subscribe(method.index, context, request, std::move(sink));
  });
}

namespace {

// Delivers a local stream's messages until the subscription is dropped.
class LocalSink final : public StreamSink {
 public:
  explicit LocalSink(OnMessage on_message) : on_message_(std::move(on_message)) {}

  void OnRequest(std::function<void(const google::protobuf::Message&)> on_request) override {
    std::lock_guard lock(mutex_);
    on_request_ = std::move(on_request);
  }

  bool Send(const google::protobuf::Message& message) override {
    std::lock_guard lock(mutex_);
    if (!on_message_) return false;
    // Answers come while this holds the lock.
    on_message_(message, [this](const google::protobuf::Message& request) {
      if (on_request_) on_request_(request);
    });
    return true;
  }

  void Close() {
    std::lock_guard lock(mutex_);
    on_message_ = nullptr;
  }

 private:
  std::mutex mutex_;
  OnMessage on_message_;
  std::function<void(const google::protobuf::Message&)> on_request_;
};

class LocalSubscription final : public Subscription {
 public:
  explicit LocalSubscription(std::shared_ptr<LocalSink> sink) : sink_(std::move(sink)) {}
  ~LocalSubscription() override { sink_->Close(); }

 private:
  std::shared_ptr<LocalSink> sink_;
};

class LocalChannel final : public Channel {
 public:
  LocalChannel(std::span<Dispatcher* const> dispatchers, std::string caller)
      : caller_(std::move(caller)) {
    for (Dispatcher* dispatcher : dispatchers) {
      for (const MethodInfo& method : dispatcher->info().methods) {
        dispatchers_.emplace(&method, dispatcher);
      }
    }
  }

  absl::Status Call(const MethodInfo& method, const CallContext& context,
                    const google::protobuf::Message& request,
                    google::protobuf::Message* response) override {
    CallContext callee = context.CalledBy(caller_);
    auto found = dispatchers_.find(&method);
    if (found == dispatchers_.end()) return NoSuchMethod(method);
    return found->second->Dispatch(method, callee, request, response);
  }

  std::unique_ptr<Subscription> Subscribe(const MethodInfo& method, const CallContext& context,
                                          const google::protobuf::Message& request,
                                          OnMessage on_message) override {
    CallContext callee = context.CalledBy(caller_);
    auto sink = std::make_shared<LocalSink>(std::move(on_message));
    auto found = dispatchers_.find(&method);
    if (found == dispatchers_.end()) return nullptr;
    if (!found->second->DispatchStream(method, callee, request, sink).ok()) return nullptr;
    return std::make_unique<LocalSubscription>(std::move(sink));
  }

  bool local() const override { return true; }

 private:
  static absl::Status NoSuchMethod(const MethodInfo& method) {
    return absl::UnimplementedError(std::string(method.full_path));
  }

  // By the address of the method's row in the generated table: one per method in a process.
  std::unordered_map<const MethodInfo*, Dispatcher*> dispatchers_;
  const std::string caller_;
};

}  // namespace

std::unique_ptr<Channel> MakeLocalChannel(std::span<Dispatcher* const> dispatchers,
                                          std::string caller) {
  return std::make_unique<LocalChannel>(dispatchers, std::move(caller));
}

}  // namespace gatehouse::rpc
