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
constexpr std::array kSeconds = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025,
                                 0.05,   0.1,     0.25,   0.5,   1.0,    2.5,   10.0};

std::string Str(std::string_view text) { return std::string(text); }

// Values that are made when first needed: most metrics are never observed.
template <typename Value, size_t kSize>
class Lazy {
 public:
  ~Lazy() {
    ForEach([](Value& value) { delete &value; });
  }
  Value& At(size_t i) {
    Value* value = values_[i].load(std::memory_order_acquire);
    if (value != nullptr) return *value;
    auto made = std::make_unique<Value>();
    // Another thread may have been faster.
    if (!values_[i].compare_exchange_strong(value, made.get())) return *value;
    return *made.release();
  }
  template <typename Use>
  void ForEach(Use use) {
    for (auto& value : values_) {
      if (Value* made = value.load(std::memory_order_acquire)) use(*made);
    }
  }

 private:
  std::array<std::atomic<Value*>, kSize> values_{};
};

// Which of a few places this thread counts in, so that threads seldom meet in one.
constexpr size_t kShards = 4;
size_t ShardOfThread() {
  static std::atomic<size_t> next{0};
  thread_local const size_t shard = next.fetch_add(1, std::memory_order_relaxed) % kShards;
  return shard;
}

// A histogram of time, and a counter for each outcome. What is observed waits in shards, without a
// lock, until Flush.
template <size_t kOutcomes>
class TimedMetric {
 public:
  TimedMetric(prometheus::Family<prometheus::Counter>& counters,
              prometheus::Family<prometheus::Histogram>& seconds, prometheus::Labels labels)
      : counter_family_(counters), seconds_family_(seconds), labels_(std::move(labels)) {}

  // `outcome`: an index.
  void Observe(size_t outcome, double seconds) {
    Shard& shard = shards_.At(ShardOfThread());
    const auto bucket = std::lower_bound(kSeconds.begin(), kSeconds.end(), seconds);
    const auto relaxed = std::memory_order_relaxed;
    shard.outcomes[outcome].fetch_add(1, relaxed);
    shard.buckets[static_cast<size_t>(bucket - kSeconds.begin())].fetch_add(1, relaxed);
    shard.seconds.fetch_add(seconds, relaxed);
  }

  // Moves what was observed to the families, for a scrape; one thread at a time. `label`, and
  // `name(outcome)`, its value.
  template <typename Name>
  void Flush(const char* label, Name name) {
    std::vector<double> buckets(kBuckets);
    double seconds = 0;
    bool any = false;
    shards_.ForEach([&](Shard& shard) {
      for (size_t i = 0; i < kOutcomes; ++i) {
        const uint64_t n = shard.outcomes[i].exchange(0, std::memory_order_relaxed);
        if (n == 0) continue;
        any = true;
        if (counters_[i] == nullptr) {
          prometheus::Labels labels = labels_;
          labels[label] = name(i);
          counters_[i] = &counter_family_.Add(labels);
        }
        counters_[i]->Increment(static_cast<double>(n));
      }
      // Another thread may be in the middle of Observe: what is here of it counts now, the rest in
      // the next scrape.
      for (size_t i = 0; i < kBuckets; ++i) {
        const uint64_t n = shard.buckets[i].exchange(0, std::memory_order_relaxed);
        any = any || n != 0;
        buckets[i] += static_cast<double>(n);
      }
      const double of_shard = shard.seconds.exchange(0, std::memory_order_relaxed);
      any = any || of_shard != 0;
      seconds += of_shard;
    });
    if (!any) return;
    if (histogram_ == nullptr) {
      histogram_ = &seconds_family_.Add(
          labels_, prometheus::Histogram::BucketBoundaries(kSeconds.begin(), kSeconds.end()));
    }
    histogram_->ObserveMultiple(buckets, seconds);
  }

 private:
  static constexpr size_t kBuckets = kSeconds.size() + 1;
  // In cache lines of its own.
  struct alignas(64) Shard {
    std::array<std::atomic<uint64_t>, kOutcomes> outcomes{};
    std::array<std::atomic<uint64_t>, kBuckets> buckets{};
    std::atomic<double> seconds = 0;
  };

  prometheus::Family<prometheus::Counter>& counter_family_;
  prometheus::Family<prometheus::Histogram>& seconds_family_;
  const prometheus::Labels labels_;
  Lazy<Shard, kShards> shards_;
  // Of Flush.
  std::array<prometheus::Counter*, kOutcomes> counters_{};
  prometheus::Histogram* histogram_ = nullptr;
};

class RpcMetricImpl final : public RpcMetric {
 public:
  RpcMetricImpl(prometheus::Family<prometheus::Counter>& calls,
                prometheus::Family<prometheus::Histogram>& seconds, std::string_view service,
                std::string_view method)
      : metric_(calls, seconds, {{"service", Str(service)}, {"method", Str(method)}}) {}

  void Observe(bool ok, ErrorReason reason, double seconds) override {
    const size_t index = 1 + static_cast<size_t>(reason);
    metric_.Observe(ok || index >= kOutcomes ? 0 : index, seconds);
  }
  void Flush() {
    metric_.Flush("reason", [](size_t index) {
      return index == 0 ? "OK" : Str(ErrorReasonName(static_cast<ErrorReason>(index - 1)));
    });
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
    metric_.Observe(index, seconds);
  }
  void Flush() {
    metric_.Flush("status", [](size_t index) {
      return index == kStatuses.size() ? "other" : std::to_string(kStatuses[index]);
    });
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
  std::map<Key, std::unique_ptr<RpcMetricImpl>> rpc;
  std::map<Key, std::unique_ptr<HttpMetricImpl>> http;
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
  for (auto& [key, metric] : impl_->rpc) metric->Flush();
  for (auto& [key, metric] : impl_->http) metric->Flush();
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
