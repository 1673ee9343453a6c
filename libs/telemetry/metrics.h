#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "libs/base/status.h"

namespace gatehouse::telemetry {

// The state of connection pools of one kind at the moment of a scrape. Totals never fall.
struct PoolSample {
  std::string pool;       // the database role: "shared" for the configured one
  std::string databases;  // "base", or "tenants" for all tenants' own databases together
  int pools = 1;
  int in_use = 0;
  int idle = 0;
  int waiting = 0;
  double statements_total = 0;
  double connects_total = 0;
  double connect_failures_total = 0;
  double wait_timeouts_total = 0;
  double statement_timeouts_total = 0;
  double refused_total = 0;
  double retries_total = 0;
};

// The state of one worker pool at the moment of a scrape.
struct QueueSample {
  std::string queue;
  int waiting = 0;
};

// The tenant directory at the moment of a scrape.
struct TenantSample {
  size_t known = 0;
  size_t left_out = 0;  // their settings can't be used, so they are not served
};

// Calls of one RPC method. Thread-safe; lives as long as its Metrics.
class RpcMetric {
 public:
  virtual ~RpcMetric() = default;
  // kUnspecified for a status without a reason; with `ok`, `reason` is ignored.
  virtual void Observe(bool ok, ErrorReason reason, double seconds) = 0;
};

// Requests of one route and method. Thread-safe; lives as long as its Metrics.
class HttpMetric {
 public:
  virtual ~HttpMetric() = default;
  virtual void Observe(int status, double seconds) = 0;
};

// Every metric of a process, defined in one place. Label values come from fixed sets (routes,
// methods, reasons), never from what a client sends. Thread-safe.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  // Looking a metric up allocates its name and labels, observing allocates nothing: keep the
  // reference. The same arguments give the same metric.
  RpcMetric& Rpc(std::string_view service, std::string_view method);
  // `route` is a path of the route table, or "unknown".
  HttpMetric& Http(std::string_view method, std::string_view route);

  // A value that exists once per process, read at each scrape. What `read` uses must live as long
  // as the Metrics. `name` without the prefix "gatehouse_"; that of a counter, which never falls,
  // ends in "_total".
  void AddGauge(std::string_view name, std::string_view help, std::function<double()> read);
  void AddCounter(std::string_view name, std::string_view help, std::function<double()> read);
  // Called at each scrape.
  void SetPoolSampler(std::function<std::vector<PoolSample>()> sampler);
  void SetQueueSampler(std::function<std::vector<QueueSample>()> sampler);
  void SetTenantSampler(std::function<TenantSample()> sampler);

  // Prometheus' text format, version 0.0.4.
  std::string Exposition();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace gatehouse::telemetry
