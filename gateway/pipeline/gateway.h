#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "absl/time/time.h"
#include "gateway/api/concurrency_cap.h"
#include "gateway/api/reply_totals.h"
#include "gateway/api/request_stats.h"
#include "gateway/api/route_table.h"
#include "gateway/pipeline/admission.h"
#include "gateway/pipeline/port_scopes.h"
#include "libs/base/worker_pool.h"
#include "libs/config/networks.h"
#include "libs/http/server.h"
#include "libs/telemetry/metrics.h"
#include "libs/tenancy/tenant_directory.h"

namespace gatehouse::gateway {

// What the gateway needs to know about a service: where its handlers run.
struct ServicePool {
  WorkerPool* workers;
  bool local;  // in this process: answers from memory may run on the I/O thread
};

// Takes requests from the HTTP server through route, checks and handler to the reply. Holds no
// rules and no SQL. Thread-safe.
class Gateway final : public http::Handler {
 public:
  struct Options {
    absl::Duration request_timeout = absl::Seconds(30);
    std::string base_path;  // "" or "/a/b"
    config::Networks trusted_proxies;
    std::shared_ptr<const config::CoreConfig> own;  // what Admission takes
    // Count requests to apps that exist. All outlive the gateway.
    RequestStats* stats = nullptr;
    ReplyTotals* totals = nullptr;
    ConcurrencyCap* cap = nullptr;
    // With a second port: which answers what.
    std::optional<PortScopes> scopes;
  };

  // All arguments outlive this; `routes` has all of its routes. `pool_of` gives a service's pool by
  // its name, and that of requests for apps that do not exist by "strangers".
  Gateway(Options options, const RouteTable& routes, const tenancy::TenantDirectory& directory,
          telemetry::Metrics& metrics, std::function<ServicePool(std::string_view)> pool_of);

  void Handle(http::Request request, http::Responder responder) override {
    Handle(PortScopes::Port::kMain, std::move(request), std::move(responder));
  }
  void Handle(PortScopes::Port port, http::Request request, http::Responder responder);

  // This process was given other settings.
  void Reload(std::shared_ptr<const config::CoreConfig> own) { admission_.Reload(std::move(own)); }

 private:
  struct Call;
  static Admission::Head HeadOf(const Call& call);
  void Answer(Call& call, Reply reply);
  // Hands the call's next step to the workers, or answers that there are too many.
  void Submit(const ServicePool& pool, const std::shared_ptr<Call>& call, WorkerPool::Task task);
  // The checks before the handler: by the directory, or by what was looked up.
  void Admit(std::shared_ptr<Call> call, const tenancy::Sight* looked_up);
  // For what the directory does not know; continues on the thread that looked it up. No thread
  // waits for it meanwhile.
  void LookUp(const std::shared_ptr<Call>& call);
  void Refuse(Call& call, const Admission::Refusal& refusal);
  // Whether the call would pass the checks now; checks again, and answers if refused, when settings
  // have changed since.
  bool StillAdmitted(Call& call);
  // Admitted: asks for the body.
  void Proceed(std::shared_ptr<Call> call);
  void Received(const std::shared_ptr<Call>& call, std::string body);
  // Whether the call's domain may have one more; answers if not.
  bool EntersCap(Call& call);
  // Runs the handler and answers; false, without an answer, when it would block and may not.
  bool Run(Call& call);
  telemetry::HttpMetric& MetricOf(const Call& call) const;

  const Options options_;
  const RouteTable& routes_;
  const tenancy::TenantDirectory& directory_;
  Admission admission_;
  struct RouteState {
    telemetry::HttpMetric* metric = nullptr;
    std::atomic<bool> has_pool = false;
    ServicePool pool{};
  };
  // The pool of the route's service.
  const ServicePool& PoolOf(const Route& route);

  std::unordered_map<const Route*, RouteState> route_states_;
  std::mutex pools_mutex_;  // while a route's pool is looked up
  // By method, for requests that end before a route is found.
  std::unordered_map<std::string_view, telemetry::HttpMetric*> other_metrics_;
  const std::function<ServicePool(std::string_view)> pool_of_;
};

}  // namespace gatehouse::gateway
