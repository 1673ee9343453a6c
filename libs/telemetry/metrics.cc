#include "libs/telemetry/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <mutex>

namespace gatehouse::telemetry {
namespace {

// From a cached look-up (0.1 ms) to a password hash under load (10 s).
const prometheus::Histogram::BucketBoundaries kSeconds = {0.0001, 0.00025, 0.0005, 0.001, 0.0025,
                                                          0.005,  0.01,    0.025,  0.05,  0.1,
                                                          0.25,   0.5,     1,      2.5,   10};

std::string Str(std::string_view text) { return std::string(text); }

}  // namespace

struct Metrics::Impl {
  prometheus::Registry registry;
  prometheus::Family<prometheus::Counter>& rpc_calls =
      prometheus::BuildCounter()
          .Name("gatehouse_rpc_calls_total")
          .Help("Calls of service methods by outcome")
          .Register(registry);
  prometheus::Family<prometheus::Histogram>& rpc_seconds =
      prometheus::BuildHistogram()
          .Name("gatehouse_rpc_call_duration_seconds")
          .Help("Time from dispatch to reply of service methods")
          .Register(registry);
  prometheus::Family<prometheus::Counter>& http_requests =
      prometheus::BuildCounter()
          .Name("gatehouse_http_requests_total")
          .Help("Requests of the REST interface by route and status")
          .Register(registry);
  prometheus::Family<prometheus::Histogram>& http_seconds =
      prometheus::BuildHistogram()
          .Name("gatehouse_http_request_duration_seconds")
          .Help("Time from a request's last byte to its reply")
          .Register(registry);
  prometheus::Family<prometheus::Gauge>& pool_connections =
      prometheus::BuildGauge()
          .Name("gatehouse_db_connections")
          .Help("Database connections by pool and state")
          .Register(registry);
  prometheus::Family<prometheus::Gauge>& pool_waiting =
      prometheus::BuildGauge()
          .Name("gatehouse_db_waiting")
          .Help("Callers that wait for a database connection")
          .Register(registry);
  prometheus::Family<prometheus::Gauge>& pool_counters =
      prometheus::BuildGauge()
          .Name("gatehouse_db_events")
          .Help("Statements and time-outs of a pool since start")
          .Register(registry);
  prometheus::Family<prometheus::Gauge>& queue_waiting =
      prometheus::BuildGauge()
          .Name("gatehouse_worker_queue_waiting")
          .Help("Requests that wait for a worker")
          .Register(registry);

  prometheus::Family<prometheus::Gauge>& tenants =
      prometheus::BuildGauge()
          .Name("gatehouse_tenants")
          .Help(
              "Tenants that this process serves, and those that it leaves out since their "
              "settings can't be used")
          .Register(registry);

  std::mutex mutex;
  std::function<std::vector<PoolSample>()> pool_sampler;
  std::function<std::vector<QueueSample>()> queue_sampler;
  std::function<TenantSample()> tenant_sampler;
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

void Metrics::ObserveRpc(std::string_view service, std::string_view method,
                         std::string_view reason, double seconds) {
  impl_->rpc_calls
      .Add({{"service", Str(service)}, {"method", Str(method)}, {"reason", Str(reason)}})
      .Increment();
  impl_->rpc_seconds.Add({{"service", Str(service)}, {"method", Str(method)}}, kSeconds)
      .Observe(seconds);
}

void Metrics::ObserveHttp(std::string_view method, std::string_view route, int status,
                          double seconds) {
  impl_->http_requests
      .Add({{"method", Str(method)}, {"route", Str(route)}, {"status", std::to_string(status)}})
      .Increment();
  impl_->http_seconds.Add({{"method", Str(method)}, {"route", Str(route)}}, kSeconds)
      .Observe(seconds);
}

void Metrics::SetPoolSampler(std::function<std::vector<PoolSample>()> sampler) {
  std::lock_guard lock(impl_->mutex);
  impl_->pool_sampler = std::move(sampler);
}

void Metrics::SetQueueSampler(std::function<std::vector<QueueSample>()> sampler) {
  std::lock_guard lock(impl_->mutex);
  impl_->queue_sampler = std::move(sampler);
}

void Metrics::SetTenantSampler(std::function<TenantSample()> sampler) {
  std::lock_guard lock(impl_->mutex);
  impl_->tenant_sampler = std::move(sampler);
}

std::string Metrics::Exposition() {
  std::lock_guard lock(impl_->mutex);
  if (impl_->tenant_sampler) {
    const TenantSample sample = impl_->tenant_sampler();
    impl_->tenants.Add({{"state", "known"}}).Set(static_cast<double>(sample.known));
    impl_->tenants.Add({{"state", "left_out"}}).Set(static_cast<double>(sample.left_out));
  }
  if (impl_->pool_sampler) {
    for (const PoolSample& sample : impl_->pool_sampler()) {
      impl_->pool_connections.Add({{"pool", sample.pool}, {"state", "in_use"}}).Set(sample.in_use);
      impl_->pool_connections.Add({{"pool", sample.pool}, {"state", "idle"}}).Set(sample.idle);
      impl_->pool_waiting.Add({{"pool", sample.pool}}).Set(sample.waiting);
      impl_->pool_counters.Add({{"pool", sample.pool}, {"event", "statement"}})
          .Set(sample.statements_total);
      impl_->pool_counters.Add({{"pool", sample.pool}, {"event", "wait_timeout"}})
          .Set(sample.wait_timeouts_total);
      impl_->pool_counters.Add({{"pool", sample.pool}, {"event", "statement_timeout"}})
          .Set(sample.statement_timeouts_total);
    }
  }
  if (impl_->queue_sampler) {
    for (const QueueSample& sample : impl_->queue_sampler()) {
      impl_->queue_waiting.Add({{"queue", sample.queue}}).Set(sample.waiting);
    }
  }
  return prometheus::TextSerializer().Serialize(impl_->registry.Collect());
}

}  // namespace gatehouse::telemetry
