#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::telemetry {

// The state of one connection pool at the moment of a scrape.
struct PoolSample {
  std::string pool;
  int in_use = 0;
  int idle = 0;
  int waiting = 0;
  double statements_total = 0;
  double wait_timeouts_total = 0;
  double statement_timeouts_total = 0;
};

// The state of one worker pool at the moment of a scrape.
struct QueueSample {
  std::string queue;
  int waiting = 0;
};

// The tenant directory at the moment of a scrape.
struct TenantSample {
  size_t known = 0;
  size_t left_out = 0;  // their settings can't be used: nobody may use them
};

// Every metric of a process, defined in one place. Label values come from fixed sets (routes,
// methods, reasons), never from what a client sends. Thread-safe.
class Metrics {
 public:
  Metrics();
  ~Metrics();

  // `service` and `method` of an RPC; `reason` is "OK" or an ErrorReasonName.
  void ObserveRpc(std::string_view service, std::string_view method, std::string_view reason,
                  double seconds);
  // `route` is a path of the route table, or "unknown".
  void ObserveHttp(std::string_view method, std::string_view route, int status, double seconds);
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
