#include "libs/rpc/grpc_server.h"

#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <algorithm>
#include <mutex>
#include <utility>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "libs/base/status.h"
#include "libs/base/steady_time.h"
#include "libs/rpc/grpc_adapter.h"
#include "libs/rpc/grpc_keepalive.h"
#include "libs/rpc/grpc_time.h"

namespace gatehouse::rpc {

namespace {
// A peer without a certificate holds a descriptor no longer than this; gRPC's own limit is 2 min.
constexpr int kHandshakeTimeoutMs = 10'000;
// The time for peers to learn that this server takes no more calls, before it refuses them: an idle
// peer reads its connections every 100 ms.
constexpr absl::Duration kNotice = absl::Milliseconds(500);
}  // namespace

struct GrpcServer::Impl {
  std::vector<std::unique_ptr<GrpcAdapter>> adapters;
  std::unique_ptr<grpc::Server> server;
  std::vector<int> ports;
  int port = 0;
};

GrpcServer::GrpcServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

GrpcServer::~GrpcServer() { Drain(SteadyNow()); }

int GrpcServer::port() const { return impl_->port; }

void GrpcServer::SetServing(bool serving) {
  if (auto* health = impl_->server->GetHealthCheckService()) {
    health->SetServingStatus(serving);
    for (const auto& adapter : impl_->adapters) {
      health->SetServingStatus(adapter->service_name(), serving);
    }
  }
}

void GrpcServer::SayLeaving() {
  for (const auto& adapter : impl_->adapters) adapter->SayLeaving();
}

void GrpcServer::Drain(absl::Time deadline) {
  if (!impl_->server) return;
  SetServing(false);
  for (const auto& adapter : impl_->adapters) adapter->EndStreams();
  // The library cancels the calls that arrive after its shutdown began and before their sender
  // learns of it.
  absl::SleepFor(std::clamp((deadline - SteadyNow()) / 4, absl::ZeroDuration(), kNotice));
  impl_->server->Shutdown(ToGrpcDeadline(deadline));
  impl_->server->Wait();
  impl_->server.reset();
}

absl::StatusOr<std::unique_ptr<GrpcServer>> GrpcServer::Start(
    const std::vector<std::string>& addresses, const TransportSecurity& security,
    std::vector<Served> services, absl::Duration max_connection_age) {
  static std::once_flag plugins;
  std::call_once(plugins, [] {
    grpc::EnableDefaultHealthCheckService(true);
    grpc::reflection::InitProtoReflectionServerBuilderPlugin();
  });
  auto impl = std::make_unique<Impl>();
  grpc::ServerBuilder builder;
  std::shared_ptr<grpc::ServerCredentials> credentials;
  if (security.uses_tls()) {
    grpc::SslServerCredentialsOptions options(
        GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
    options.pem_root_certs = security.ca_pem;
    options.pem_key_cert_pairs.push_back({security.private_key_pem, security.certificate_pem});
    credentials = grpc::SslServerCredentials(options);
  } else {
    credentials = grpc::InsecureServerCredentials();
  }
  impl->ports.resize(addresses.size(), 0);
  for (size_t i = 0; i < addresses.size(); ++i) {
    const bool unix_socket = absl::StartsWith(addresses[i], "unix:");
    if (!unix_socket && !security.uses_tls()) {
      return BadInput("a TCP address of a service needs a shared secret or certificates");
    }
    builder.AddListeningPort(addresses[i], credentials, &impl->ports[i]);
  }
  // A second process on the same port must fail, not share it.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, kHandshakeTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             kKeepaliveTimeMs / 2);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, kKeepaliveTimeMs);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, kKeepaliveTimeoutMs);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  // Peers then connect again, and find replicas that were added since. Running calls end normally,
  // and streams stay where they are: a watcher begins with the whole state.
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_AGE_MS,
                             static_cast<int>(absl::ToInt64Milliseconds(max_connection_age)));
  builder.SetMaxReceiveMessageSize(static_cast<int>(security.max_request_bytes));
  for (const Served& served : services) {
    impl->adapters.push_back(std::make_unique<GrpcAdapter>(
        *served.dispatcher, *served.workers, security.uses_tls()));
    builder.RegisterService(impl->adapters.back().get());
  }
  impl->server = builder.BuildAndStart();
  for (size_t i = 0; i < addresses.size(); ++i) {
    const bool unix_socket = absl::StartsWith(addresses[i], "unix:");
    if (!impl->server || (impl->ports[i] == 0 && !unix_socket)) {
      return absl::UnavailableError("cannot listen on " + addresses[i]);
    }
    if (!unix_socket && impl->port == 0) impl->port = impl->ports[i];
  }
  return std::unique_ptr<GrpcServer>(new GrpcServer(std::move(impl)));
}

}  // namespace gatehouse::rpc
