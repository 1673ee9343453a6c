#include "libs/rpc/grpc_channel.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/impl/client_unary_call.h>
#include <grpcpp/impl/codegen/proto_utils.h>
#include <grpcpp/impl/rpc_method.h>
#include <grpcpp/security/credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/channel_arguments.h>
#include <grpcpp/support/proto_buffer_reader.h>
#include <grpcpp/support/proto_buffer_writer.h>
#include <grpcpp/support/sync_stream.h>

#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <functional>
#include <mutex>
#include <shared_mutex>
#include <thread>
#include <unordered_map>
#include <utility>

#include "absl/strings/match.h"
#include "google/protobuf/message.h"
#include "libs/base/may_block.h"
#include "libs/base/status.h"
#include "libs/rpc/grpc_keepalive.h"
#include "libs/rpc/grpc_metadata.h"
#include "libs/rpc/grpc_status.h"
#include "libs/rpc/grpc_time.h"
#include "libs/telemetry/log.h"

namespace gatehouse::rpc {
namespace {

using google::protobuf::Message;

// A peer that returns is found again within this time.
constexpr int kMaxReconnectBackoffMs = 500;
constexpr int kConnectTimeoutMs = 2000;
// A pod that comes back has another address: DNS is queried soon, but not at every failed attempt.
constexpr int kMinResolutionPauseMs = 1000;
// Calls wait for a name server that does not answer; the library's limit is two minutes.
constexpr int kResolutionTimeoutMs = 5000;
// Each connection watches the peer's health service, which reports a stop first: no more calls go
// there, and none is caught in the shutdown.
constexpr char kServiceConfig[] = R"({"healthCheckConfig": {"serviceName": ""}})";
// How often a stream that waits for its connection checks whether it must stop.
constexpr absl::Duration kConnectionWait = absl::Milliseconds(100);
// Pause before a broken stream is restarted.
constexpr std::chrono::milliseconds kStreamRestartPause{200};

// A call that never reached its service, or whose reply never came back: only this process knows
// about it. Background work without a request logs by itself.
void LogLostCall(const MethodInfo& method, const CallContext& context, const grpc::Status& status,
                 absl::Status& result) {
  if (CallScope::Current() == nullptr) return;
  const CallScope scope(context);
  telemetry::Log(telemetry::LogLevel::kWarn, "call_lost",
                 {{"where", method.full_path},
                  {"code", static_cast<int>(status.error_code())},
                  {"cause", status.error_message()}});
  MarkLogged(result);
}

class GrpcChannel;

class StreamReader final : public Subscription {
 public:
  StreamReader(GrpcChannel& channel, const MethodInfo& method, std::unique_ptr<Message> request,
               OnMessage on_message);
  ~StreamReader() override;

 private:
  void Run(std::stop_token stop);
  void ReadOnce();

  GrpcChannel& channel_;
  const MethodInfo& method_;
  std::unique_ptr<Message> request_;
  OnMessage on_message_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  grpc::ClientContext* active_ = nullptr;
  bool stopped_ = false;
  std::jthread thread_;
};

class GrpcChannel final : public Channel {
 public:
  // A channel of the library. The methods' registrations belong to it.
  struct Way {
    explicit Way(std::shared_ptr<grpc::Channel> to) : channel(std::move(to)) {}
    const std::shared_ptr<grpc::Channel> channel;
    // By the address of the path's text, which is a constant of the generated code.
    std::unordered_map<const char*, std::unique_ptr<grpc::internal::RpcMethod>> methods;
  };
  using WayPtr = std::shared_ptr<Way>;
  using Dial = std::function<std::shared_ptr<grpc::Channel>()>;

  GrpcChannel(Dial dial, std::string caller, OutgoingCalls* calls)
      : dial_(std::move(dial)),
        caller_(std::move(caller)),
        calls_(calls),
        way_(std::make_shared<Way>(dial_())) {}

  absl::Status Call(const MethodInfo& method, const CallContext& context, const Message& request,
                    Message* response) override {
    if (!MayBlock()) return WouldBlock();
    grpc::ClientContext client_context;
    Prepare(client_context, context);
    const OutgoingCalls::Entry entry(calls_, client_context);
    const auto [way, rpc_method] = WayFor(method);
    const grpc::Status status =
        grpc::internal::BlockingUnaryCall<Message, Message, grpc::protobuf::MessageLite,
                                          grpc::protobuf::MessageLite>(
            way->channel.get(), *rpc_method, &client_context, request, response);
    absl::Status result = FromGrpcStatus(status);
    if (MadeByGrpc(status)) {
      LogLostCall(method, context, status, result);
      if (status.error_code() == grpc::StatusCode::UNAVAILABLE) LookForAnotherWay();
    } else if (SaidLeaving(client_context)) {
      LookForAnotherWay(true);
    }
    return result;
  }

  std::unique_ptr<Subscription> Subscribe(const MethodInfo& method, const CallContext&,
                                          const Message& request, OnMessage on_message) override {
    std::unique_ptr<Message> copy(request.New());
    copy->CopyFrom(request);
    return std::make_unique<StreamReader>(*this, method, std::move(copy), std::move(on_message));
  }

  bool local() const override { return false; }

  void Prepare(grpc::ClientContext& client_context, const CallContext& context) const {
    client_context.set_deadline(ToGrpcDeadline(context.deadline));
    client_context.AddMetadata(kCallerKey, caller_);
    AddMetadata(context, client_context);
  }

  std::pair<WayPtr, const grpc::internal::RpcMethod*> WayFor(const MethodInfo& method) {
    {
      std::shared_lock lock(mutex_);
      auto found = way_->methods.find(method.full_path.data());
      if (found != way_->methods.end()) return {way_, found->second.get()};
    }
    std::unique_lock lock(mutex_);
    auto& slot = way_->methods[method.full_path.data()];
    if (!slot) {
      slot = std::make_unique<grpc::internal::RpcMethod>(
          method.full_path.data(), nullptr,
          method.streaming ? grpc::internal::RpcMethod::BIDI_STREAMING
                           : grpc::internal::RpcMethod::NORMAL_RPC,
          way_->channel);
    }
    return {way_, slot.get()};
  }

  // Waits briefly for a connection; false when there is none.
  bool Connect() {
    WayPtr way;
    {
      std::shared_lock lock(mutex_);
      way = way_;
    }
    if (way->channel->WaitForConnected(ToGrpcDeadline(SteadyNow() + kConnectionWait))) return true;
    LookForAnotherWay();
    return false;
  }

 private:
  // A name is looked up again when a connection ends, which is too late to find the replica that
  // stands in for one that is about to stop (`leaving`). And while a name can't be resolved, the
  // library tries again at growing intervals, up to two minutes, and can't be made to hurry. So
  // when a replica leaves, or while there is no connection and somebody wants one, a second channel
  // is made each second, and replaces the first once it is connected. Channels to one address share
  // their connections.
  void LookForAnotherWay(bool leaving = false) {
    std::unique_lock lock(mutex_, std::try_to_lock);
    if (!lock.owns_lock()) return;
    if (spare_ != nullptr) {
      switch (spare_->channel->GetState(true)) {
        case GRPC_CHANNEL_READY:
          way_ = std::move(spare_);
          spare_ = nullptr;
          return;
        case GRPC_CHANNEL_TRANSIENT_FAILURE:
          spare_ = nullptr;
          break;
        default:
          return;
      }
    }
    const absl::Time now = SteadyNow();
    if (now < next_spare_at_) return;
    if (!leaving && way_->channel->GetState(true) != GRPC_CHANNEL_TRANSIENT_FAILURE) return;
    next_spare_at_ = now + absl::Milliseconds(kMinResolutionPauseMs);
    spare_ = std::make_shared<Way>(dial_());
    spare_->channel->GetState(true);
  }

  const Dial dial_;
  const std::string caller_;
  OutgoingCalls* const calls_;
  std::shared_mutex mutex_;  // guards what follows, and the methods of ways
  WayPtr way_;
  WayPtr spare_;
  absl::Time next_spare_at_ = absl::InfinitePast();
};

StreamReader::StreamReader(GrpcChannel& channel, const MethodInfo& method,
                           std::unique_ptr<Message> request, OnMessage on_message)
    : channel_(channel),
      method_(method),
      request_(std::move(request)),
      on_message_(std::move(on_message)),
      thread_([this](std::stop_token stop) { Run(stop); }) {}

StreamReader::~StreamReader() {
  {
    std::lock_guard lock(mutex_);
    stopped_ = true;
    if (active_ != nullptr) active_->TryCancel();
  }
  thread_.request_stop();
  wake_.notify_all();
  thread_.join();
}

void StreamReader::Run(std::stop_token stop) {
  while (!stop.stop_requested()) {
    // Waiting drives the connection's set-up; nothing else does.
    if (!channel_.Connect()) continue;
    ReadOnce();
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, stop, kStreamRestartPause, [this] { return stopped_; });
  }
}

void StreamReader::ReadOnce() {
  grpc::ClientContext context;
  channel_.Prepare(context, CallContext{});
  {
    std::lock_guard lock(mutex_);
    if (stopped_) return;
    active_ = &context;
  }
  const auto [way, rpc_method] = channel_.WayFor(method_);
  std::unique_ptr<grpc::ClientReaderWriter<grpc::ByteBuffer, grpc::ByteBuffer>> stream(
      grpc::internal::ClientReaderWriterFactory<grpc::ByteBuffer, grpc::ByteBuffer>::Create(
          way->channel.get(), *rpc_method, &context));
  // False when the stream is broken, which the next Read finds.
  const auto write = [&stream](const Message& request) {
    grpc::ByteBuffer bytes;
    bool own = false;
    return grpc::GenericSerialize<grpc::ProtoBufferWriter, Message>(request, &bytes, &own).ok() &&
           stream->Write(bytes);
  };
  if (write(*request_)) {
    std::unique_ptr<Message> message(method_.response_prototype()->New());
    grpc::ByteBuffer bytes;
    while (stream->Read(&bytes)) {
      grpc::ProtoBufferReader reader(&bytes);
      message->Clear();
      if (!message->ParseFromZeroCopyStream(&reader)) break;
      try {
        on_message_(*message, [&write](const Message& request) { (void)write(request); });
      } catch (const std::exception&) {
        break;  // as a message that can't be read: the stream starts again, with the whole state
      }
    }
  }
  context.TryCancel();
  (void)stream->Finish();
  std::lock_guard lock(mutex_);
  active_ = nullptr;
}

// Accepts a peer that its certificate names as the service dialled: the holder of any other
// certificate of the same authority must not stand in for it. Where it runs does not matter.
class ServiceNameVerifier final : public grpc::experimental::ExternalCertificateVerifier {
 public:
  explicit ServiceNameVerifier(std::string service) : service_(std::move(service)) {}

  bool Verify(grpc::experimental::TlsCustomVerificationCheckRequest* request,
              std::function<void(grpc::Status)>, grpc::Status* sync_status) override {
    bool named = request->common_name() == grpc::string_ref(service_);
    for (const grpc::string_ref& name : request->dns_names()) {
      named = named || name == grpc::string_ref(service_);
    }
    *sync_status = named ? grpc::Status::OK
                         : grpc::Status(grpc::StatusCode::UNAUTHENTICATED,
                                        "the peer's certificate is not that of " + service_);
    return true;
  }
  void Cancel(grpc::experimental::TlsCustomVerificationCheckRequest*) override {}

 private:
  const std::string service_;
};

std::shared_ptr<grpc::ChannelCredentials> CredentialsFor(const std::string& service,
                                                         const TransportSecurity& security) {
  using grpc::experimental::ExternalCertificateVerifier;
  grpc::experimental::TlsChannelCredentialsOptions options;
  options.set_certificate_provider(
      std::make_shared<grpc::experimental::StaticDataCertificateProvider>(
          security.ca_pem, std::vector<grpc::experimental::IdentityKeyCertPair>{
                               {security.private_key_pem, security.certificate_pem}}));
  options.watch_root_certs();
  options.watch_identity_key_cert_pairs();
  options.set_verify_server_certs(true);
  // The verifier compares the name, with the service's instead of the host's.
  options.set_check_call_host(false);
  options.set_certificate_verifier(ExternalCertificateVerifier::Create<ServiceNameVerifier>(service));
  return grpc::experimental::TlsCredentials(options);
}

}  // namespace

absl::StatusOr<std::unique_ptr<Channel>> MakeGrpcChannel(const std::string& address,
                                                         const std::string& service,
                                                         const std::string& caller,
                                                         const TransportSecurity& security,
                                                         OutgoingCalls* calls) {
  const bool unix_socket = absl::StartsWith(address, "unix:");
  if (!unix_socket && !security.uses_tls()) {
    return BadInput("a TCP address of a service needs a shared secret or certificates");
  }
  // A synchronous client reads its sockets only inside calls; between them a background poller
  // does, every 5 s unless told otherwise. A peer's return must be noticed sooner.
  static std::once_flag poll_often;
  std::call_once(poll_often,
                 [] { setenv("GRPC_CLIENT_CHANNEL_BACKUP_POLL_INTERVAL_MS", "100", 0); });
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 50);
  // Also the limit on a connection's set-up.
  arguments.SetInt(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, kConnectTimeoutMs);
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, kMaxReconnectBackoffMs);
  // A name may lead to several replicas: calls go to each in turn.
  arguments.SetLoadBalancingPolicyName("round_robin");
  arguments.SetServiceConfigJSON(kServiceConfig);
  arguments.SetInt(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1);
  // It is looked up again when a connection ends, at most this often.
  arguments.SetInt(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, kMinResolutionPauseMs);
  arguments.SetInt(GRPC_ARG_DNS_ARES_QUERY_TIMEOUT_MS, kResolutionTimeoutMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  // An idle stream is kept alive too.
  arguments.SetInt(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  arguments.SetMaxReceiveMessageSize(64 << 20);
  std::shared_ptr<grpc::ChannelCredentials> credentials;
  if (security.uses_tls()) {
    credentials = CredentialsFor(service, security);
    // The library reports a host that its peer's certificate does not name as an error, although
    // that has no effect here.
    arguments.SetSslTargetNameOverride(service);
  } else {
    credentials = grpc::InsecureChannelCredentials();
  }
  return std::make_unique<GrpcChannel>(
      [address, credentials, arguments] {
        return grpc::CreateCustomChannel(address, credentials, arguments);
      },
      caller, calls);
}

}  // namespace gatehouse::rpc
