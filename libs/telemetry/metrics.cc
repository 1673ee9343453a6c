#include "libs/telemetry/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/family.h>
#include <prometheus/histogram.h>
#include <prometheus/metric_family.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <map>
#include <mutex>
#include <utility>

namespace gatehouse::telemetry {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

// From a cached look-up (0.1 ms) to a password hash under load (10 s).
const prometheus::Histogram::BucketBoundaries kSeconds = {0.0001, 0.00025, 0.0005, 0.001, 0.0025,
                                                          0.005,  0.01,    0.025,  0.05,  0.1,
                                                          0.25,   0.5,     1,      2.5,   10};

std::string Str(std::string_view text) { return std::string(text); }

// Metrics of one family that differ in one label, each created when first needed. If two threads
// create one at once they get the same one: the family ensures that.
template <typename Metric, size_t kSize>
class LazyMetrics {
 public:
  template <typename Make>
  Metric& At(size_t i, Make make) {
    Metric* metric = metrics_[i].load(std::memory_order_acquire);
    if (metric == nullptr) {
      metric = &make();
      metrics_[i].store(metric, std::memory_order_release);
    }
    return *metric;
  }

 private:
  std::array<std::atomic<Metric*>, kSize> metrics_{};
};

// A histogram of time, and a counter for each outcome.
template <size_t kOutcomes>
class TimedMetric {
 public:
  TimedMetric(prometheus::Family<prometheus::Counter>& counters,
              prometheus::Family<prometheus::Histogram>& seconds, prometheus::Labels labels)
      : counter_family_(counters), seconds_family_(seconds), labels_(std::move(labels)) {}

  // `outcome`: its index, and its label.
  template <typename Name>
  void Observe(size_t outcome, const char* label, Name name, double seconds) {
    counters_
        .At(outcome,
            [&]() -> prometheus::Counter& {
              prometheus::Labels labels = labels_;
              labels[label] = name();
              return counter_family_.Add(labels);
            })
        .Increment();
    seconds_
        .At(0, [&]() -> prometheus::Histogram& { return seconds_family_.Add(labels_, kSeconds); })
        .Observe(seconds);
  }

 private:
  prometheus::Family<prometheus::Counter>& counter_family_;
  prometheus::Family<prometheus::Histogram>& seconds_family_;
  const prometheus::Labels labels_;
  LazyMetrics<prometheus::Counter, kOutcomes> counters_;
  LazyMetrics<prometheus::Histogram, 1> seconds_;
};

class RpcMetricImpl final : public RpcMetric {
 public:
  RpcMetricImpl(prometheus::Family<prometheus::Counter>& calls,
                prometheus::Family<prometheus::Histogram>& seconds, std::string_view service,
                std::string_view method)
      : metric_(calls, seconds, {{"service", Str(service)}, {"method", Str(method)}}) {}

  void Observe(bool ok, ErrorReason reason, double seconds) override {
    const size_t index = 1 + static_cast<size_t>(reason);
    metric_.Observe(
        ok || index >= kOutcomes ? 0 : index, "reason",
        [&] { return ok ? "OK" : Str(ErrorReasonName(reason)); }, seconds);
  }

 private:
  static constexpr size_t kOutcomes = 16;  // more than there are reasons
  TimedMetric<kOutcomes> metric_;
};

class HttpMetricImpl final : public HttpMetric {
 public:
  HttpMetricImpl(prometheus::Family<prometheus::Counter>& requests,
                 prometheus::Family<prometheus::Histogram>& seconds, std::string_view method,
                 std::string_view route)
      : metric_(requests, seconds, {{"method", Str(method)}, {"route", Str(route)}}) {}

  void Observe(int status, double seconds) override {
    const auto found = std::find(kStatuses.begin(), kStatuses.end(), status);
    const auto index = static_cast<size_t>(found - kStatuses.begin());
    metric_.Observe(
        index, "status",
        [&] { return found == kStatuses.end() ? "other" : std::to_string(status); }, seconds);
  }

 private:
  // The statuses that the REST interface answers.
  static constexpr std::array kStatuses = {200, 201, 204, 301, 302, 303, 304, 307, 400, 401,
                                           402, 403, 404, 405, 413, 429, 500, 501, 503};
  TimedMetric<kStatuses.size() + 1> metric_;
};

// A family whose values are read at the scrape: things that are gone leave no series behind.
MetricFamily Sampled(std::string_view name, std::string_view help, MetricType type) {
  MetricFamily family;
  family.name = "gatehouse_" + Str(name);
  family.help = Str(help);
  family.type = type;
  return family;
}

void AddSample(MetricFamily& family, std::vector<prometheus::ClientMetric::Label> labels,
               double value) {
  prometheus::ClientMetric& metric = family.metric.emplace_back();
  metric.label = std::move(labels);
  (family.type == MetricType::Counter ? metric.counter.value : metric.gauge.value) = value;
}

void AddPools(const std::vector<PoolSample>& samples, std::vector<MetricFamily>& out) {
  MetricFamily pools = Sampled("db_pools", "Pools of database connections", MetricType::Gauge);
  MetricFamily connections =
      Sampled("db_connections", "Database connections by pool and state", MetricType::Gauge);
  MetricFamily waiting =
      Sampled("db_waiting", "Callers that wait for a database connection", MetricType::Gauge);
  MetricFamily events =
      Sampled("db_events_total",
              "What happened in pools: statements, connects, time-outs, refusals, "
              "retries",
              MetricType::Counter);
  for (const PoolSample& s : samples) {
    const auto labels = [&](std::string_view name, std::string_view value) {
      std::vector<prometheus::ClientMetric::Label> all = {{"pool", s.pool},
                                                          {"databases", s.databases}};
      if (!name.empty()) all.push_back({Str(name), Str(value)});
      return all;
    };
    AddSample(pools, labels("", ""), s.pools);
    AddSample(connections, labels("state", "in_use"), s.in_use);
    AddSample(connections, labels("state", "idle"), s.idle);
    AddSample(waiting, labels("", ""), s.waiting);
    AddSample(events, labels("event", "statement"), s.statements_total);
    AddSample(events, labels("event", "connect"), s.connects_total);
    AddSample(events, labels("event", "connect_failure"), s.connect_failures_total);
    AddSample(events, labels("event", "wait_timeout"), s.wait_timeouts_total);
    AddSample(events, labels("event", "statement_timeout"), s.statement_timeouts_total);
    AddSample(events, labels("event", "refused"), s.refused_total);
    AddSample(events, labels("event", "retry"), s.retries_total);
  }
  for (MetricFamily* family : {&pools, &connections, &waiting, &events}) {
    out.push_back(std::move(*family));
  }
}

}  // namespace

struct Metrics::Impl {
  struct Single {
    std::string name;
    std::string help;
    MetricType type;
    std::function<double()> read;
  };
  using Key = std::pair<std::string, std::string>;

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

  std::mutex mutex;
  std::map<Key, std::unique_ptr<RpcMetric>> rpc;
  std::map<Key, std::unique_ptr<HttpMetric>> http;
  std::vector<Single> singles;
  std::function<std::vector<PoolSample>()> pool_sampler;
  std::function<std::vector<QueueSample>()> queue_sampler;
  std::function<TenantSample()> tenant_sampler;
};

Metrics::Metrics() : impl_(std::make_unique<Impl>()) {}
Metrics::~Metrics() = default;

RpcMetric& Metrics::Rpc(std::string_view service, std::string_view method) {
  std::lock_guard lock(impl_->mutex);
  auto& slot = impl_->rpc[{Str(service), Str(method)}];
  if (!slot) {
    slot = std::make_unique<RpcMetricImpl>(impl_->rpc_calls, impl_->rpc_seconds, service, method);
  }
  return *slot;
}

HttpMetric& Metrics::Http(std::string_view method, std::string_view route) {
  std::lock_guard lock(impl_->mutex);
  auto& slot = impl_->http[{Str(method), Str(route)}];
  if (!slot) {
    slot =
        std::make_unique<HttpMetricImpl>(impl_->http_requests, impl_->http_seconds, method, route);
  }
  return *slot;
}

void Metrics::AddGauge(std::string_view name, std::string_view help, std::function<double()> read) {
  std::lock_guard lock(impl_->mutex);
  impl_->singles.push_back({Str(name), Str(help), MetricType::Gauge, std::move(read)});
}

void Metrics::AddCounter(std::string_view name, std::string_view help,
                         std::function<double()> read) {
  std::lock_guard lock(impl_->mutex);
  impl_->singles.push_back({Str(name), Str(help), MetricType::Counter, std::move(read)});
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
  std::vector<MetricFamily> families = impl_->registry.Collect();
  if (impl_->pool_sampler) AddPools(impl_->pool_sampler(), families);
  if (impl_->tenant_sampler) {
    MetricFamily tenants = Sampled(
        "tenants",
        "Tenants that this process serves, and those that it leaves out since their settings can't "
        "be used",
        MetricType::Gauge);
    const TenantSample sample = impl_->tenant_sampler();
    AddSample(tenants, {{"state", "known"}}, static_cast<double>(sample.known));
    AddSample(tenants, {{"state", "left_out"}}, static_cast<double>(sample.left_out));
    families.push_back(std::move(tenants));
  }
  if (impl_->queue_sampler) {
    MetricFamily waiting =
        Sampled("worker_queue_waiting", "Requests that wait for a worker", MetricType::Gauge);
    for (const QueueSample& sample : impl_->queue_sampler()) {
      AddSample(waiting, {{"queue", sample.queue}}, sample.waiting);
    }
    families.push_back(std::move(waiting));
  }
  for (const Impl::Single& single : impl_->singles) {
    AddSample(families.emplace_back(Sampled(single.name, single.help, single.type)), {},
              single.read());
  }
  return prometheus::TextSerializer().Serialize(families);
}

}  // namespace gatehouse::telemetry
