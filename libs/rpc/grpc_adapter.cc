#include "libs/rpc/grpc_adapter.h"

#include <grpc/grpc_security_constants.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/rpc_service_method.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/security/auth_context.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/proto_buffer_writer.h>

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "gatehouse/common/v1/scope.pb.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/message.h"
#include "libs/base/owner.h"
#include "libs/base/status.h"
#include "libs/rpc/grpc_metadata.h"
#include "libs/rpc/grpc_status.h"
#include "libs/rpc/grpc_time.h"
#include "libs/rpc/security.h"

namespace gatehouse::rpc {
namespace {

using google::protobuf::Message;

// A slow reader of a stream may fall this many messages behind; then the stream ends, and the
// reader restarts it.
constexpr size_t kMaxQueuedMessages = 4096;

constexpr int kScopeField = 1;
constexpr uint32_t kScopeTag = kScopeField << 3 | 2;  // a message, in protobuf's encoding

std::unique_ptr<Message> Parse(const Message* prototype, const grpc::ByteBuffer& bytes) {
  grpc::ByteBuffer copy(bytes);
  grpc::ProtoBufferReader reader(&copy);
  std::unique_ptr<Message> message(prototype->New());
  if (!message->ParseFromZeroCopyStream(&reader)) return nullptr;
  return message;
}

// Whether the method's requests begin with the scope that they act on, or with several.
bool BeginsWithScope(const MethodInfo& method) {
  const google::protobuf::FieldDescriptor* const first =
      method.request_prototype()->GetDescriptor()->FindFieldByNumber(kScopeField);
  return first != nullptr && first->message_type() == common::v1::Scope::descriptor();
}

// Whose a request is that begins with a scope. Only this much of it is read here: the call has no
// thread of its own yet.
Owner OwnerOfRequest(const grpc::ByteBuffer& bytes) {
  grpc::ByteBuffer copy(bytes);
  grpc::ProtoBufferReader reader(&copy);
  google::protobuf::io::CodedInputStream input(&reader);
  common::v1::Scope scope;
  uint32_t length = 0;
  if (input.ReadTag() != kScopeTag || !input.ReadVarint32(&length)) return kNobody;
  const auto limit = input.PushLimit(static_cast<int>(length));
  if (!scope.ParseFromCodedStream(&input)) return kNobody;
  input.PopLimit(limit);
  return OwnerOf(scope.connection_uri_domain(), scope.app_id(), scope.tenant_id());
}

grpc::Status Serialise(const Message& message, grpc::ByteBuffer* bytes) {
  bool own = false;
  return grpc::GenericSerialize<grpc::ProtoBufferWriter, Message>(message, bytes, &own);
}

std::string MetadataValue(const grpc::CallbackServerContext& context, const char* key) {
  auto found = context.client_metadata().find(key);
  if (found == context.client_metadata().end()) return "";
  return std::string(found->second.data(), found->second.size());
}

grpc::Status Malformed() {
  return ToGrpcStatus(BadInput("the request message is malformed"));
}

// The answer when the process ends before a call could be started: the caller may repeat it.
grpc::Status Stopping() {
  return ToGrpcStatus(MakeError(ErrorReason::kDependencyDown, "the service is stopping"));
}

grpc::Status Overloaded() {
  return ToGrpcStatus(MakeError(ErrorReason::kOverloaded, "the service is overloaded"));
}

grpc::Status Dropped() {
  return ToGrpcStatus(
      MakeError(ErrorReason::kDependencyDown, "the service has nothing more to send"));
}

// The duty to end a unary call, once. If dropped unfinished, it reports that the process is
// stopping.
class Finisher {
 public:
  explicit Finisher(grpc::ServerUnaryReactor* reactor) : reactor_(reactor) {}
  Finisher(const Finisher&) = delete;
  Finisher& operator=(const Finisher&) = delete;
  ~Finisher() { Finish(Stopping()); }
  void Finish(const grpc::Status& status) {
    if (auto* reactor = std::exchange(reactor_, nullptr)) reactor->Finish(status);
  }

 private:
  grpc::ServerUnaryReactor* reactor_;
};

// The service's side of a stream. The reactor deletes itself when the call is over; the sink
// outlives it, so both hold the shared state.
class ServerStream final : public grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  class Sink final : public StreamSink {
   public:
    explicit Sink(ServerStream* stream) : stream_(stream) {}
    Sink(const Sink&) = delete;
    Sink& operator=(const Sink&) = delete;
    void OnRequest(std::function<void(const Message&)> on_request) override {
      std::lock_guard lock(mutex_);
      if (stream_ != nullptr) stream_->SetReceiver(std::move(on_request));
    }
    bool Send(const Message& message) override {
      std::lock_guard lock(mutex_);
      return stream_ != nullptr && stream_->Enqueue(message);
    }
    void Fail(const grpc::Status& status) {
      std::lock_guard lock(mutex_);
      if (stream_ != nullptr) stream_->End(status);
    }
    void Detach() {
      std::lock_guard lock(mutex_);
      stream_ = nullptr;
    }

   private:
    std::mutex mutex_;
    ServerStream* stream_;
  };

  explicit ServerStream(const Message* request_prototype)
      : request_prototype_(request_prototype), sink_(std::make_shared<Sink>(this)) {}
  std::shared_ptr<Sink> sink() { return sink_; }

  void End(const grpc::Status& status) {
    std::lock_guard lock(mutex_);
    FinishLocked(status);
  }

  // Reads requests from now on: the first one goes to `begin`.
  void Open(std::function<void(std::shared_ptr<Message>)> begin) {
    begin_ = std::move(begin);
    ReadNext();
  }

  void OnReadDone(bool ok) override {
    if (!ok) {
      // A caller that sends no more may still read.
      if (begin_) End(Malformed());
      return;
    }
    std::shared_ptr<Message> request = Parse(request_prototype_, incoming_);
    if (!request) return End(Malformed());
    if (begin_) {
      std::exchange(begin_, nullptr)(std::move(request));
    } else {
      Receive(*request);
    }
    ReadNext();
  }
  void OnWriteDone(bool ok) override {
    std::lock_guard lock(mutex_);
    queue_.pop_front();
    // An end that came during the write has waited for it, whether the write succeeded or not.
    if (pending_finish_) {
      FinishNow();
    } else if (!ok) {
      queue_.clear();
      FinishLocked(grpc::Status(grpc::StatusCode::CANCELLED, ""));
    } else if (!queue_.empty()) {
      StartWrite(&queue_.front());
    }
  }
  void OnCancel() override { End(grpc::Status(grpc::StatusCode::CANCELLED, "")); }
  void OnDone() override {
    sink_->Detach();
    delete this;
  }

 private:
  void SetReceiver(std::function<void(const Message&)> receiver) {
    std::lock_guard lock(mutex_);
    receiver_ = std::make_shared<std::function<void(const Message&)>>(std::move(receiver));
  }
  void Receive(const Message& request) {
    std::shared_ptr<std::function<void(const Message&)>> receiver;
    {
      std::lock_guard lock(mutex_);
      receiver = receiver_;
    }
    if (receiver == nullptr) return;
    try {
      (*receiver)(request);
    } catch (const std::exception&) {
      End(ToGrpcStatus(absl::InternalError("")));  // which the caller sees without a text
    }
  }
  void ReadNext() {
    std::lock_guard lock(mutex_);
    if (finished_) return;
    incoming_.Clear();
    StartRead(&incoming_);
  }
  bool Enqueue(const Message& message) {
    std::lock_guard lock(mutex_);
    if (finished_ || pending_finish_) return false;
    if (queue_.size() >= kMaxQueuedMessages) {
      FinishLocked(ToGrpcStatus(MakeError(ErrorReason::kOverloaded, "the reader is too slow")));
      return false;
    }
    grpc::ByteBuffer bytes;
    if (!Serialise(message, &bytes).ok()) return false;
    queue_.push_back(std::move(bytes));
    if (queue_.size() == 1) StartWrite(&queue_.front());
    return true;
  }
  void FinishLocked(const grpc::Status& status) {
    if (finished_ || pending_finish_) return;
    pending_finish_ = status;
    // A write under way must complete first; messages behind it are dropped.
    if (queue_.size() > 1) queue_.erase(queue_.begin() + 1, queue_.end());
    if (queue_.empty()) FinishNow();
  }
  void FinishNow() {
    finished_ = true;
    Finish(*pending_finish_);
  }

  const Message* const request_prototype_;
  const std::shared_ptr<Sink> sink_;
  std::function<void(std::shared_ptr<Message>)> begin_;  // null once it was called
  grpc::ByteBuffer incoming_;                            // the one read that is under way
  std::mutex mutex_;
  std::shared_ptr<std::function<void(const Message&)>> receiver_;
  std::deque<grpc::ByteBuffer> queue_;  // the front one is being written
  std::optional<grpc::Status> pending_finish_;
  bool finished_ = false;
};

}  // namespace

// The open streams, to end them all. Finished ones are removed at the next Add.
class GrpcAdapter::OpenStreams {
 public:
  void Add(const std::shared_ptr<ServerStream::Sink>& sink) {
    {
      std::lock_guard lock(mutex_);
      if (!ended_) {
        std::erase_if(sinks_, [](const auto& open) { return open.expired(); });
        sinks_.push_back(sink);
        return;
      }
    }
    sink->Fail(Stopping());
  }
  void EndAll() {
    std::vector<std::weak_ptr<ServerStream::Sink>> open;
    {
      std::lock_guard lock(mutex_);
      ended_ = true;
      open.swap(sinks_);
    }
    for (const auto& weak : open) {
      if (const auto sink = weak.lock()) sink->Fail(Stopping());
    }
  }

 private:
  std::mutex mutex_;
  bool ended_ = false;
  std::vector<std::weak_ptr<ServerStream::Sink>> sinks_;
};

GrpcAdapter::~GrpcAdapter() = default;

void GrpcAdapter::EndStreams() { streams_->EndAll(); }

GrpcAdapter::GrpcAdapter(Dispatcher& dispatcher, WorkerPool& workers, bool from_certificate)
    : dispatcher_(dispatcher),
      workers_(workers),
      from_certificate_(from_certificate),
      streams_(std::make_shared<OpenStreams>()) {
  for (const MethodInfo& method : dispatcher.info().methods) {
    begin_with_scope_.push_back(BeginsWithScope(method));
    AddMethod(new grpc::internal::RpcServiceMethod(method.full_path.data(),
                                                   method.streaming
                                                       ? grpc::internal::RpcMethod::BIDI_STREAMING
                                                       : grpc::internal::RpcMethod::NORMAL_RPC,
                                                   nullptr));
    if (method.streaming) {
      MarkMethodRawCallback(
          method.index, new grpc::internal::CallbackBidiHandler<grpc::ByteBuffer, grpc::ByteBuffer>(
                            [this, &method](grpc::CallbackServerContext* context) {
                              return Streaming(method, context);
                            }));
    } else {
      MarkMethodRawCallback(
          method.index,
          new grpc::internal::CallbackUnaryHandler<grpc::ByteBuffer, grpc::ByteBuffer>(
              [this, &method](grpc::CallbackServerContext* context,
                              const grpc::ByteBuffer* request, grpc::ByteBuffer* response) {
                return Unary(method, context, request, response);
              }));
    }
  }
}

absl::StatusOr<CallContext> GrpcAdapter::ContextOf(
    const grpc::CallbackServerContext& context) const {
  CallContext result;
  if (from_certificate_) {
    const auto names = context.auth_context()->FindPropertyValues(GRPC_X509_CN_PROPERTY_NAME);
    if (names.size() == 1) result.caller.assign(names[0].data(), names[0].size());
  } else {
    result.caller = MetadataValue(context, kCallerKey);
  }
  if (result.caller.empty()) {
    return MakeError(ErrorReason::kCallerNotAllowed, "the caller is not known");
  }
  ReadMetadata(context, result);
  result.deadline = FromGrpcDeadline(context.raw_deadline());
  return result;
}

grpc::ServerUnaryReactor* GrpcAdapter::Unary(const MethodInfo& method,
                                             grpc::CallbackServerContext* context,
                                             const grpc::ByteBuffer* request,
                                             grpc::ByteBuffer* response) {
  grpc::ServerUnaryReactor* reactor = context->DefaultReactor();
  if (leaving_) rpc::SayLeaving(*context);
  absl::StatusOr<CallContext> call = ContextOf(*context);
  if (!call.ok()) {
    reactor->Finish(ToGrpcStatus(call.status()));
    return reactor;
  }
  const auto finisher = std::make_shared<Finisher>(reactor);
  auto run = [this, &method, request, response, finisher,
              call = *std::move(call)]() mutable {
    std::unique_ptr<Message> input = Parse(method.request_prototype(), *request);
    if (!input) return finisher->Finish(Malformed());
    std::unique_ptr<Message> output(method.response_prototype()->New());
    const absl::Status status = dispatcher_.Dispatch(method, call, *input, output.get());
    finisher->Finish(status.ok() ? Serialise(*output, response) : ToGrpcStatus(status));
  };
  const auto refuse = [finisher] { finisher->Finish(Overloaded()); };
  if (dispatcher_.NeverBlocks(method)) {
    run();
  } else if (!workers_.TrySubmit(
                 std::move(run),
                 [context, finisher] {
                   return !context->IsCancelled();  // the finisher keeps it alive
                 },
                 refuse, begin_with_scope_[method.index] ? OwnerOfRequest(*request) : kNobody)) {
    refuse();
  }
  return reactor;
}

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* GrpcAdapter::Streaming(
    const MethodInfo& method, grpc::CallbackServerContext* context) {
  auto* stream = new ServerStream(method.request_prototype());
  absl::StatusOr<CallContext> call = ContextOf(*context);
  if (!call.ok()) {
    stream->End(ToGrpcStatus(call.status()));
    return stream;
  }
  // A caller that may not is refused at once: the first message of the stream may never come.
  if (!dispatcher_.Allows(method, *call)) {
    stream->End(ToGrpcStatus(
        dispatcher_.DispatchStream(method, *call, *method.request_prototype(), nullptr)));
    return stream;
  }
  streams_->Add(stream->sink());
  stream->Open([this, &method, sink = stream->sink(),
                call = *std::move(call)](std::shared_ptr<Message> input) {
    auto run = [this, &method, sink, input, call]() mutable {
      // The service's hold on the stream.
      const std::shared_ptr<StreamSink> held(sink.get(),
                                             [sink](StreamSink*) { sink->Fail(Dropped()); });
      const absl::Status status = dispatcher_.DispatchStream(method, call, *input, held);
      // The stream may be gone when the call was cancelled; the sink knows.
      if (!status.ok()) sink->Fail(ToGrpcStatus(status));
    };
    const auto refuse = [sink] { sink->Fail(Overloaded()); };
    if (!workers_.TrySubmit(std::move(run), nullptr, refuse)) refuse();
  });
  return stream;
}

}  // namespace gatehouse::rpc
