#include "libs/process/admin_server.h"

#include <atomic>
#include <mutex>
#include <utility>

#include "libs/base/steady_time.h"
#include "libs/http/server.h"
#include "libs/base/worker_pool.h"

namespace gatehouse::process {
namespace {


constexpr absl::Duration kReadyFreshness = absl::Milliseconds(500);
constexpr absl::Duration kReadyTimeout = absl::Milliseconds(900);
// A check that fails after more than this shows that something is slow, perhaps the machine. All
// instances behind a balancer would fail together, and requests that are merely slow would get no
// answer: such an instance stays ready for a while. A refusal is quick, and counts at once.
constexpr absl::Duration kSlowCheck = absl::Milliseconds(300);
constexpr absl::Duration kSlowPatience = absl::Seconds(5);

http::Response Text(int status, std::string text) {
  http::Response response;
  response.status = status;
  response.content_type = "text/plain; charset=utf-8";
  response.body = std::move(text);
  return response;
}

}  // namespace

struct AdminServer::Impl final : http::Handler {
  explicit Impl(Sources s) : sources(std::move(s)) {}

  void Handle(http::Request request, http::Responder responder) override {
    if (request.path == "/livez") return responder.Send(Text(200, "ok\n"));
    if (request.path != "/readyz" && request.path != "/metrics") {
      return responder.Send(Text(404, "not found\n"));
    }
    auto shared = std::make_shared<http::Responder>(std::move(responder));
    const bool metrics = request.path == "/metrics";
    if (!worker.TrySubmit([this, shared, metrics] {
          shared->Send(metrics ? Metrics() : Readiness());
        })) {
      shared->Send(Text(503, "busy\n"));
    }
  }

  http::Response Metrics() {
    http::Response response = Text(200, sources.metrics());
    response.content_type = "text/plain; version=0.0.4; charset=utf-8";
    return response;
  }

  // Runs on the only worker, so one probe asks the database and the others reuse its answer.
  http::Response Readiness() {
    if (draining) return Text(503, "draining\n");
    if (SteadyNow() - asked_at > kReadyFreshness) Ask();
    if (!ready) return Text(503, "not ready\n");
    return Text(200, sources.notes ? "ready\n" + sources.notes() : "ready\n");
  }

  void Ask() {
    const absl::Time begun = SteadyNow();
    const bool ok = sources.ready(begun + kReadyTimeout).ok();
    asked_at = SteadyNow();
    if (ok) {
      ready = true;
      tolerate_until = absl::InfinitePast();
      return;
    }
    if (tolerate_until == absl::InfinitePast() && asked_at - begun > kSlowCheck) {
      tolerate_until = begun + kSlowPatience;
    }
    if (asked_at >= tolerate_until) ready = false;
  }

  const Sources sources;
  std::atomic<bool> draining = false;
  // The worker's.
  absl::Time asked_at = absl::InfinitePast();
  bool ready = false;
  // Until when slow failures are tolerated; past: the last check succeeded, or failed quickly.
  absl::Time tolerate_until = absl::InfinitePast();
  WorkerPool worker{"admin", 1, 64};
  std::unique_ptr<http::Server> server;
};

AdminServer::AdminServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AdminServer::~AdminServer() {
  impl_->server->Stop();
  impl_->worker.Stop();
}

void AdminServer::SetDraining() { impl_->draining = true; }
int AdminServer::port() const { return impl_->server->port(); }

absl::StatusOr<std::unique_ptr<AdminServer>> AdminServer::Start(const std::string& host, int port,
                                                                Sources sources) {
  auto impl = std::make_unique<Impl>(std::move(sources));
  http::ServerOptions options;
  options.host = host;
  options.port = static_cast<uint16_t>(port);
  options.threads = 1;
  options.max_connections = 256;
  options.max_body_bytes = 4096;
  auto server = http::Server::Create(options, impl.get());
  if (!server.ok()) return server.status();
  impl->server = *std::move(server);
  return std::unique_ptr<AdminServer>(new AdminServer(std::move(impl)));
}

}  // namespace gatehouse::process
