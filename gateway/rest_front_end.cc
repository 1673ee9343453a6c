#include "gateway/rest_front_end.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <variant>

#include "gateway/api/request_stats.h"
#include "gateway/pipeline/gateway.h"
#include "gateway/routes/all_routes.h"
#include "libs/base/status.h"
#include "libs/base/strings.h"
#include "libs/config/api_paths.h"
#include "libs/http/descriptor_limit.h"
#include "libs/http/server.h"
#include "libs/telemetry/log.h"

namespace gatehouse::gateway {
namespace {

// What the second port's server hands requests to.
class OperatorsDoor final : public http::Handler {
 public:
  explicit OperatorsDoor(Gateway& gateway) : gateway_(gateway) {}
  void Handle(http::Request request, http::Responder responder) override {
    gateway_.Handle(PortScopes::Port::kAdmin, std::move(request), std::move(responder));
  }

 private:
  Gateway& gateway_;
};

// Operators and their probes are few.
constexpr int kMaxOperatorConnections = 100;

class RestFrontEnd final : public process::FrontEnd {
 public:
  static absl::StatusOr<std::unique_ptr<RestFrontEnd>> Start(host::Host& host) {
    auto front_end = std::unique_ptr<RestFrontEnd>(new RestFrontEnd(host));
    RETURN_IF_ERROR(front_end->routes_.Check());
    telemetry::Metrics& metrics = host.metrics();
    const config::ProcessConfig& config = host.config();
    http::ServerOptions options;
    options.host = config.host;
    options.port = static_cast<uint16_t>(config.port);
    options.threads = config.http_threads > 0
                          ? config.http_threads
                          : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
    LimitConnections(config, options);
    options.max_body_bytes = static_cast<size_t>(config.max_body_bytes);
    // One body of the largest size must fit into the share that others leave.
    options.max_total_body_bytes =
        std::max(options.max_total_body_bytes, 8 * options.max_body_bytes);
    ASSIGN_OR_RETURN(front_end->gateway_, front_end->MakeGateway(host));
    ASSIGN_OR_RETURN(front_end->server_, http::Server::Create(options, front_end->gateway_.get()));
    if (const std::optional<uint16_t> port = AdminPort(config)) {
      options.port = *port;
      options.threads = 1;
      options.max_connections = kMaxOperatorConnections;
      options.max_connections_per_peer = kMaxOperatorConnections;
      front_end->door_.emplace(*front_end->gateway_);
      ASSIGN_OR_RETURN(front_end->admin_server_,
                       http::Server::Create(options, &*front_end->door_));
    }
    const auto stats = front_end->server_->StatsReader();
    metrics.AddGauge("http_connections", "Open connections of the REST interface",
                     [stats] { return stats().connections; });
    metrics.AddCounter("http_connections_refused_total",
                       "Connections of the REST interface beyond a limit",
                       [stats] { return static_cast<double>(stats().refused); });
    front_end->address_ =
        StrCat("http://", config.host, ":", std::to_string(front_end->server_->port()));
    return front_end;
  }

  ~RestFrontEnd() override {
    if (admin_server_) admin_server_->Stop();
    if (server_) server_->Stop();
  }

  // Keeps accepting for the configured time first, so that clients and balancers learn to send no
  // more; but at least half of the time is for finishing.
  void Drain(absl::Duration timeout) override {
    const std::chrono::milliseconds all(absl::ToInt64Milliseconds(timeout));
    const std::chrono::milliseconds delay = std::min(shutdown_delay_, all / 2);
    std::jthread admin;
    if (admin_server_) admin = std::jthread([&] { admin_server_->Drain(all, delay); });
    server_->Drain(all, delay);
  }

  void Reload(const config::ProcessConfig& config) override {
    http::ServerOptions limits;
    LimitConnections(config, limits);
    server_->LimitConnections(limits.max_connections, limits.max_connections_per_peer);
    gateway_->Reload(config.core);
  }

  std::string address() const override { return address_; }

 private:
  explicit RestFrontEnd(host::Host& host)
      : shutdown_delay_(host.config().shutdown_delay_ms), stats_(host.clock().NowMs()),
        totals_(host.clock().NowMs()) {
    AddAllRoutes(routes_, host, {stats_, totals_, cap_});
  }

  absl::StatusOr<std::unique_ptr<Gateway>> MakeGateway(host::Host& host) {
    ASSIGN_OR_RETURN(Gateway::Options options, OptionsOf(host.config()));
    return std::make_unique<Gateway>(
        std::move(options), routes_, host.tenants(), host.metrics(),
        [&host](std::string_view service) {
          return ServicePool{&host.WorkersOf(service), host.RunsService(service)};
        });
  }

  static std::optional<uint16_t> AdminPort(const config::ProcessConfig& config) {
    const int64_t* port =
        std::get_if<int64_t>(&config.core->value(config::Setting::kAdminPort));
    if (port == nullptr) return std::nullopt;
    return static_cast<uint16_t>(*port);
  }

  absl::StatusOr<Gateway::Options> OptionsOf(const config::ProcessConfig& config) {
    Gateway::Options options;
    if (AdminPort(config).has_value()) {
      const auto paths = [&](config::Setting setting) {
        return config::ReadApiPaths(std::get_if<std::string>(&config.core->value(setting)));
      };
      ASSIGN_OR_RETURN(options.scopes,
                       PortScopes::Create(routes_, paths(config::Setting::kAdminOnlyPaths),
                                          paths(config::Setting::kAdminPreferredPaths)));
    }
    options.stats = &stats_;
    options.totals = &totals_;
    options.cap = &cap_;
    options.request_timeout = absl::Milliseconds(config.request_timeout_ms);
    options.base_path = config.core->base_path();
    options.trusted_proxies = config.trusted_proxies;
    options.own = config.core;
    return options;
  }

  // As configured, and as descriptors allow.
  static void LimitConnections(const config::ProcessConfig& config, http::ServerOptions& options) {
    const http::DescriptorLimit limit = http::RaiseDescriptorLimit(config.max_connections);
    options.max_connections = limit.connections;
    options.max_connections_per_peer = config.max_connections_per_peer > 0
                                           ? config.max_connections_per_peer
                                           : std::max(limit.connections / 2, 1);
    if (limit.connections < config.max_connections) {
      telemetry::Log(telemetry::LogLevel::kWarn, "connections_limited",
                     {{"configured", config.max_connections},
                      {"possible", limit.connections},
                      {"open_files", limit.descriptors}});
    }
  }

  const std::chrono::milliseconds shutdown_delay_;
  RouteTable routes_;
  RequestStats stats_;
  ReplyTotals totals_;
  ConcurrencyCap cap_;
  std::unique_ptr<Gateway> gateway_;
  std::optional<OperatorsDoor> door_;
  std::unique_ptr<http::Server> server_, admin_server_;
  std::string address_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<process::FrontEnd>> StartRestFrontEnd(host::Host& host) {
  return RestFrontEnd::Start(host);
}

}  // namespace gatehouse::gateway
